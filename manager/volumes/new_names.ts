import { splitPath } from "../../src/paths.ts";
import { Problem } from "../http/problem.ts";

/** Bytes of a name that every front end of a volume supports. */
const LONGEST = 255;
const LONGEST_PATH = 4096;
const encoder = new TextEncoder();

/**
 * Checks the path of a new node. The format allows names that a mounted directory or
 * an unpacked archive cannot have; the manager makes none of those.
 *
 * @returns The normalized path.
 * @throws {Problem} 400.
 * @throws {AloeError} `invalid`.
 */
export function newPath(path: string): string {
  const names = splitPath(path);
  for (const name of names) newName(name);
  const text = `/${names.join("/")}`;
  if (encoder.encode(text).length > LONGEST_PATH) {
    throw new Problem(400, "invalid", `a path has ${LONGEST_PATH} bytes at most`);
  }
  return text;
}

/** Checks the name of a new node. @throws {Problem} 400. */
export function newName(name: string): string {
  if (name === "" || name.includes("/")) {
    throw new Problem(400, "nameless", "a name must not be empty or contain a slash");
  }
  if (name === "." || name === "..") {
    throw new Problem(400, "invalid", `${name}: is not allowed as a name`);
  }
  if (encoder.encode(name).length > LONGEST) {
    throw new Problem(400, "invalid", `a name has ${LONGEST} bytes at most`);
  }
  return name;
}
