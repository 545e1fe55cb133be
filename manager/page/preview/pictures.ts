import { fileUrl } from "../api/files.ts";
import { request } from "../api/request.ts";
import { extension, names, parent } from "../lib/paths.ts";

/**
 * Limits for the pictures of one text: their number, bytes of one, bytes of
 * all.
 */
const MAX_PICTURES = 50;
const MAX_PICTURE_BYTES = 4_000_000;
const MAX_TOTAL_BYTES = 16_000_000;

const TYPES = new Map([
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["gif", "image/gif"],
  ["webp", "image/webp"],
  ["avif", "image/avif"],
  ["bmp", "image/bmp"],
  ["ico", "image/x-icon"],
  // An SVG used as a picture runs no scripts and loads nothing.
  ["svg", "image/svg+xml"],
]);

/**
 * Resolves a picture reference of a text within its volume.
 *
 * @param from The text's path.
 * @returns Null for another origin, for a file that is not a picture, and for a
 * path outside the volume.
 */
export function pictureAt(reference: string, from: string): string | null {
  // A reference with a scheme or a host leads to another site.
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
 * Loads pictures of a volume as `data:` URLs, for a frame without network.
 * Leaves out missing, too large and too many pictures.
 */
export async function pictures(
  volume: string,
  paths: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  let left = MAX_TOTAL_BYTES;
  for (const path of [...paths].slice(0, MAX_PICTURES)) {
    const limit = Math.min(left, MAX_PICTURE_BYTES);
    const bytes = await picture(volume, path, limit, signal).catch(() => null);
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
  limit: number,
  signal: AbortSignal,
): Promise<Blob | null> {
  const headers = { accept: "image/*" };
  const response = await request("GET", fileUrl(volume, path), { headers, signal });
  if (Number(response.headers.get("content-length") ?? Infinity) > limit) {
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
