/** Functions for paths of a volume: absolute, `/` between names, no escapes. */

export function names(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}

export function join(folder: string, name: string): string {
  return folder === "/" ? `/${name}` : `${folder}/${name}`;
}

export function parent(path: string): string {
  const all = names(path);
  return `/${all.slice(0, -1).join("/")}`;
}

export function baseName(path: string): string {
  return names(path).at(-1) ?? "";
}

export function isWithin(path: string, folder: string): boolean {
  return path === folder || folder === "/" || path.startsWith(`${folder}/`);
}

/**
 * Returns the extension in lower case: `report.tar.gz` → `gz`; empty for
 * `.profile`.
 */
export function extension(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? "" : name.slice(dot + 1).toLowerCase();
}
