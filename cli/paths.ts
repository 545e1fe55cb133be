import { nameShown, shownName } from "../src/names.ts";

/**
 * Returns the names of a path in a volume. Slashes separate names; repeated slashes count as one.
 */
export function segments(path: string): string[] {
  return path.split("/").filter((s) => s !== "").map(decodeShown);
}

/** Decodes a displayed name, unless the result would not be a single name. */
function decodeShown(name: string): string {
  const found = nameShown(name);
  return found === "" || /[/\0]/.test(found) ? name : found;
}

/** Returns a path in normalized form, from the mount's root: `/a/b`. */
export function absolute(path: string): string {
  return `/${segments(path).join("/")}`;
}

/** Returns the last name of a path; empty for the root. */
export function baseName(path: string): string {
  return segments(path).at(-1) ?? "";
}

/** Returns the parent's path; that of the root is the root. */
export function parentPath(path: string): string {
  return `/${segments(path).slice(0, -1).join("/")}`;
}

/** Returns a child's path. */
export function joinPath(parent: string, name: string): string {
  return `${parent === "/" ? "" : parent.replace(/\/+$/, "")}/${name}`;
}

/** Returns the displayed path of a directory's entry. */
export function shownPath(parent: string, name: string): string {
  return joinPath(parent, shownName(name));
}

/** Returns a path as it is displayed. */
export function shownOf(path: string): string {
  return `/${segments(path).map(shownName).join("/")}`;
}

/** Returns whether a path means the root. */
export function isRoot(path: string): boolean {
  return segments(path).length === 0;
}

/** Returns the last name of a local path; empty for `.`, `..` and `/`. */
export function localBase(path: string): string {
  const parts = path.split(Deno.build.os === "windows" ? /[\\/]+/ : /\/+/)
    .filter((s) => s !== "");
  const last = parts.at(-1) ?? "";
  return last === "." || last === ".." ? "" : last;
}

/**
 * Returns the path of a database to open; on a command line `:memory:` is an ordinary file name.
 */
export function databasePath(path: string): string {
  return path === ":memory:" ? `./${path}` : path;
}

/** Returns the path of an entry of a local folder. */
export function localJoin(folder: string, name: string): string {
  if (folder === "" || folder === ".") return name;
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** Returns a unique path in the folder of a local path. */
export function localBeside(path: string): string {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  return `${folder}.aloelite-${crypto.randomUUID().slice(0, 8)}`;
}

/** Returns a unique path in the directory of a path. */
export function besidePath(path: string): string {
  return joinPath(parentPath(path), localBeside(""));
}
