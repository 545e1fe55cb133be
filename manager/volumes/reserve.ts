import { statfsSync } from "node:fs";

/** Bytes that are held. */
const HELD = 4 * 2 ** 20;

/** They are held again when so many times as much is free. */
const PLENTY = 4;

/** The part of a disk that is held at most. */
const PART = 40;

/**
 * A file in the root that holds some room, so that files can be deleted, and
 * emptied, when somebody has filled the disk. Whoever opens a file and finds no
 * room empties it.
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
    // It is tried again; without it nothing is lost but room.
  }
}

/** The reserve of the root that has a filesystem's file. */
export function reserveOf(file: string): string {
  const folder = file.slice(0, file.lastIndexOf("/"));
  return `${folder.slice(0, folder.lastIndexOf("/"))}/reserve`;
}
