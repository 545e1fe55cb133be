import { request, requestJson } from "./request.ts";
import type {
  CreatedVolume,
  Mounted,
  MountRequest,
  MountStatus,
  NewVolume,
  Volume,
} from "./types.ts";

const one = (id: string, rest = "") => `/volumes/${encodeURIComponent(id)}${rest}`;

export function volumes(signal?: AbortSignal): Promise<Volume[]> {
  return requestJson("GET", "/volumes", { signal });
}

export function createVolume(volume: NewVolume): Promise<CreatedVolume> {
  return requestJson("POST", "/volumes", { json: volume });
}

export async function renameVolume(id: string, name: string): Promise<void> {
  await request("PATCH", one(id), { json: { name } });
}

export async function deleteVolume(id: string): Promise<void> {
  await request("DELETE", one(id));
}

export async function unlock(id: string, pin: string): Promise<void> {
  await request("POST", one(id, "/unlock"), { json: { pin } });
}

export async function lock(id: string): Promise<void> {
  await request("DELETE", one(id, "/unlock"));
}

export async function changePin(id: string, old_pin: string, new_pin: string): Promise<void> {
  await request("POST", one(id, "/pin"), { json: { old_pin, new_pin } });
}

export function mountStatus(id: string, signal?: AbortSignal): Promise<MountStatus> {
  return requestJson("GET", one(id, "/mount"), { signal });
}

export function mount(id: string, request: MountRequest): Promise<Mounted> {
  return requestJson("POST", one(id, "/mount"), { json: request });
}

export async function unmount(id: string): Promise<void> {
  await request("DELETE", one(id, "/mount"));
}

export function volumeHealth(
  id: string,
  deep: boolean,
): Promise<Record<string, unknown>> {
  return requestJson("GET", one(id, "/health"), { query: { deep } });
}

/** Returns the key that seals drafts of an encrypted volume in this browser. */
export async function draftKey(id: string, signal?: AbortSignal): Promise<Uint8Array> {
  const { key } = await requestJson<{ key: string }>("GET", one(id, "/draft-key"), { signal });
  return Uint8Array.from(atob(key), (letter) => letter.charCodeAt(0));
}
