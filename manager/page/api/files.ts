import { names } from "../lib/paths.ts";
import { readWhole, request, requestJson, withQuery } from "./request.ts";
import type {
  Entry,
  Found,
  Listing,
  NodeFacts,
  Sent,
  Transfer,
  Transferred,
  TrashItem,
  Upload,
  Usage,
  Version,
} from "./types.ts";

const at = (volume: string, rest: string) => `/volumes/${encodeURIComponent(volume)}/${rest}`;

/** Returns the address of a file's content. */
export function fileUrl(
  volume: string,
  path: string,
  query: { version?: number; download?: boolean } = {},
): string {
  return withQuery(at(volume, `files/${names(path).map(encodeURIComponent).join("/")}`), query);
}

export function archiveUrl(volume: string, paths: readonly string[]): string {
  return withQuery(at(volume, "archive"), { path: paths });
}

export function list(
  volume: string,
  path: string,
  { limit, after, signal }: { limit: number; after?: string; signal?: AbortSignal },
): Promise<Listing> {
  return requestJson("GET", at(volume, "list"), { query: { path, limit, after }, signal });
}

export function node(volume: string, path: string, signal?: AbortSignal): Promise<NodeFacts> {
  return requestJson("GET", at(volume, "node"), { query: { path }, signal });
}

export async function read(
  volume: string,
  path: string,
  { version, signal }: { version?: number; signal?: AbortSignal } = {},
): Promise<{ bytes: Uint8Array<ArrayBuffer>; etag: string | null }> {
  const response = await request("GET", fileUrl(volume, path, { version }), {
    headers: { accept: "*/*" },
    signal,
  });
  const bytes = await readWhole(async () => new Uint8Array(await response.arrayBuffer()));
  return { bytes, etag: response.headers.get("etag") };
}

/**
 * Writes a file. `etag` is the required current ETag; `null` requires that no
 * file exists.
 */
export async function write(
  volume: string,
  path: string,
  content: BodyInit,
  etag?: string | null,
): Promise<string | null> {
  const headers: Record<string, string> = { "content-type": "application/octet-stream" };
  if (etag) headers["if-match"] = etag;
  if (etag === null) headers["if-none-match"] = "*";
  const response = await request("PUT", fileUrl(volume, path), { body: content, headers });
  return response.headers.get("etag");
}

export async function makeDirectory(volume: string, path: string, parents = false): Promise<void> {
  await request("POST", at(volume, "directories"), { json: { path, parents } });
}

export function transfer(volume: string, request: Sent<Transfer>): Promise<Transferred> {
  return requestJson("POST", at(volume, "transfer"), { json: request });
}

export async function history(
  volume: string,
  path: string,
  signal?: AbortSignal,
): Promise<Version[]> {
  const { versions } = await requestJson<{ versions: Version[] }>("GET", at(volume, "history"), {
    query: { path },
    signal,
  });
  return versions;
}

export async function restoreVersion(volume: string, path: string, version: number): Promise<void> {
  await request("POST", at(volume, "history/restore"), { json: { path, version } });
}

export async function trash(volume: string, signal?: AbortSignal): Promise<TrashItem[]> {
  const { entries } = await requestJson<{ entries: TrashItem[] }>("GET", at(volume, "trash"), {
    signal,
  });
  return entries;
}

export function search(
  volume: string,
  q: string,
  path: string,
  signal?: AbortSignal,
): Promise<Found> {
  return requestJson("GET", at(volume, "search"), { query: { q, path, limit: 500 }, signal });
}

/** Returns the address for creating an upload. */
export function uploadUrl(volume: string, id: string): string {
  return at(volume, `uploads/${id}`);
}

export async function uploads(volume: string, signal?: AbortSignal): Promise<Upload[]> {
  const { uploads } = await requestJson<{ uploads: Upload[] }>("GET", at(volume, "uploads"), {
    signal,
  });
  return uploads;
}

export function usage(volume: string, signal?: AbortSignal): Promise<Usage> {
  return requestJson("GET", at(volume, "usage"), { signal });
}

export type { Entry };
