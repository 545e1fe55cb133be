import { nameShown, shownName } from "../src/names.ts";

/** The names of a path in a volume: slashes separate, repeated ones collapse. */
export function segments(path: string): string[] {
  return path.split("/").filter((s) => s !== "").map(meant);
}

/** A name as it is shown means the name, unless that would be more than one. */
function meant(name: string): string {
  const found = nameShown(name);
  return found === "" || /[/\0]/.test(found) ? name : found;
}

/** A path in its plain form, from the mount's root: `/a/b`. */
export function absolute(path: string): string {
  return `/${segments(path).join("/")}`;
}

/** The last name of a path; empty for the root. */
export function baseName(path: string): string {
  return segments(path).at(-1) ?? "";
}

/** The path above; the root's is the root. */
export function parentPath(path: string): string {
  return `/${segments(path).slice(0, -1).join("/")}`;
}

/** A child's path. */
export function joinPath(parent: string, name: string): string {
  return `${parent === "/" ? "" : parent.replace(/\/+$/, "")}/${name}`;
}

/** The path of what a directory holds, to be shown. */
export function shownPath(parent: string, name: string): string {
  return joinPath(parent, shownName(name));
}

/** A path, to be shown. */
export function shownOf(path: string): string {
  return `/${segments(path).map(shownName).join("/")}`;
}

/** Whether a path means the root. */
export function isRoot(path: string): boolean {
  return segments(path).length === 0;
}

/** The last name of a local path; empty for what has none of its own (`.`, `..`, `/`). */
export function localBase(path: string): string {
  const parts = path.split(Deno.build.os === "windows" ? /[\\/]+/ : /\/+/)
    .filter((s) => s !== "");
  const last = parts.at(-1) ?? "";
  return last === "." || last === ".." ? "" : last;
}

/** The path of a file to open: on a command line `:memory:` is a name as any other. */
export function databasePath(path: string): string {
  return path === ":memory:" ? `./${path}` : path;
}

/** A local path below a folder. */
export function localJoin(folder: string, name: string): string {
  if (folder === "" || folder === ".") return name;
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** A name that nothing else has, in the folder of a local path. */
export function localBeside(path: string): string {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  return `${folder}.aloelite-${crypto.randomUUID().slice(0, 8)}`;
}

/** A name that nothing else has, in the directory of a path. */
export function besidePath(path: string): string {
  return joinPath(parentPath(path), localBeside(""));
}
