import { fileUrl } from "../api/files.ts";
import { request } from "../api/request.ts";
import { extension, names, parent } from "../lib/paths.ts";

/** Pictures of one text, and bytes of one and of all of them, at most. */
const MOST = 50;
const LARGEST = 4_000_000;
const ALL = 16_000_000;

const TYPES = new Map([
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["gif", "image/gif"],
  ["webp", "image/webp"],
  ["avif", "image/avif"],
  ["bmp", "image/bmp"],
  ["ico", "image/x-icon"],
  // As a picture, it runs and loads nothing.
  ["svg", "image/svg+xml"],
]);

/**
 * Where a reference in a text leads within its volume.
 *
 * @param from The text's path.
 * @returns Null for another origin, for what is no picture, and out of the volume.
 */
export function pictureAt(reference: string, from: string): string | null {
  // What has a scheme or a host is of somebody else.
  if (/^(?:[a-z][a-z0-9+.-]*:|\/\/|\\)/i.test(reference)) return null;
  let path: string;
  try {
    path = decodeURIComponent(reference.replace(/[?#].*$/, ""));
  } catch {
    return null;
  }
  const all = path.startsWith("/") ? [] : names(parent(from));
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") all.push(name);
    else if (all.pop() === undefined) return null;
  }
  return TYPES.has(extension(all.at(-1) ?? "")) ? `/${all.join("/")}` : null;
}

/**
 * Pictures of a volume as `data:` addresses, for a frame that can load nothing.
 * Those that are not there, too large or too many are left out.
 */
export async function pictures(
  volume: string,
  paths: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  let left = ALL;
  for (const path of [...paths].slice(0, MOST)) {
    const most = Math.min(left, LARGEST);
    const bytes = await picture(volume, path, most, signal).catch(() => null);
    if (signal.aborted) break;
    if (bytes === null) continue;
    left -= bytes.size;
    found.set(path, await addressOf(bytes));
  }
  return found;
}

async function picture(
  volume: string,
  path: string,
  most: number,
  signal: AbortSignal,
): Promise<Blob | null> {
  const headers = { accept: "image/*" };
  const response = await request("GET", fileUrl(volume, path), { headers, signal });
  if (Number(response.headers.get("content-length") ?? Infinity) > most) {
    await response.body?.cancel();
    return null;
  }
  return new Blob([await response.arrayBuffer()], { type: TYPES.get(extension(path)) });
}

function addressOf(bytes: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(bytes);
  });
}
