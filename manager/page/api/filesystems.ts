import { request, requestJson } from "./request.ts";
import type { Filesystem } from "./types.ts";

const one = (id: string, rest = "") => `/filesystems/${encodeURIComponent(id)}${rest}`;

export function filesystems(signal?: AbortSignal): Promise<Filesystem[]> {
  return requestJson("GET", "/filesystems", { signal });
}

/** Where a snapshot of the whole file is to be had. */
export function exportUrl(id: string): string {
  return one(id, "/export");
}

export function importUrl(name: string): string {
  return `/filesystems?name=${encodeURIComponent(name)}`;
}

export async function renameFilesystem(id: string, name: string): Promise<void> {
  await request("PATCH", one(id), { json: { name } });
}

export async function deleteFilesystem(id: string): Promise<void> {
  await request("DELETE", one(id));
}

export function pruneFilesystem(
  id: string,
): Promise<{ freed_bytes: number; reusable_bytes: number }> {
  return requestJson("POST", one(id, "/prune"), { json: {} });
}

/** What takes how much of a filesystem's file, bytes. */
export interface Space {
  file_bytes: number;
  content_bytes: number;
  version_bytes: number;
  trash_bytes: number;
  unfinished_bytes: number;
  unused_bytes: number;
  metadata_bytes: number;
  free_bytes: number;
  saved_bytes: number;
  disk_free_bytes: number | null;
}

export function filesystemSpace(id: string, signal?: AbortSignal): Promise<Space> {
  return requestJson("GET", one(id, "/space"), { signal });
}

export function filesystemHealth(id: string): Promise<Record<string, unknown>> {
  return requestJson("GET", one(id, "/health"));
}
