import { statfsSync } from "node:fs";

/** Bytes of the reserve. */
const HELD = 4 * 2 ** 20;

/** The reserve is restored when this multiple of it is free. */
const PLENTY = 4;

/** The reserve takes at most this part of the disk: 1/40. */
const PART = 40;

/**
 * Writes a file in the root that reserves space, so that files can be removed when the
 * disk is full. Opening a filesystem without free space empties it.
 *
 * @param path The file.
 */
export async function holdReserve(path: string): Promise<void> {
  try {
    const { bsize, bavail, blocks } = statfsSync(path.slice(0, path.lastIndexOf("/")));
    const size = Math.floor(Math.min(HELD, bsize * blocks / PART));
    const there = await Deno.stat(path).then((info) => info.size, () => 0);
    if (there >= size || bsize * bavail < PLENTY * size) return;
    await Deno.writeFile(path, new Uint8Array(size), { mode: 0o600 });
  } catch {
    // It is tried again; the reserve is a convenience.
  }
}

/** The path of the reserve of a filesystem's root. */
export function reserveOf(file: string): string {
  const folder = file.slice(0, file.lastIndexOf("/"));
  return `${folder.slice(0, folder.lastIndexOf("/"))}/reserve`;
}
