import { request, requestJson } from "./request.ts";
import type { Filesystem, Pruned, Space } from "./types.ts";

const one = (id: string, rest = "") => `/filesystems/${encodeURIComponent(id)}${rest}`;

export function filesystems(signal?: AbortSignal): Promise<Filesystem[]> {
  return requestJson("GET", "/filesystems", { signal });
}

/** Returns the address of an export of the whole file. */
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

export function pruneFilesystem(id: string): Promise<Pruned> {
  return requestJson("POST", one(id, "/prune"), { json: {} });
}

export function filesystemSpace(id: string, signal?: AbortSignal): Promise<Space> {
  return requestJson("GET", one(id, "/space"), { signal });
}

export function filesystemHealth(id: string): Promise<Record<string, unknown>> {
  return requestJson("GET", one(id, "/health"));
}
