import { request, requestJson } from "./request.ts";
import type { Sent, Task, TaskRequest } from "./types.ts";

const at = (volume: string, rest = "") => `/volumes/${encodeURIComponent(volume)}/tasks${rest}`;

/** Begins a task on any number of items. */
export function startTask(volume: string, request: Sent<TaskRequest>): Promise<Task> {
  return requestJson("POST", at(volume), { json: request });
}

/** Lists the tasks of a volume, newest first. */
export async function tasks(volume: string, signal?: AbortSignal): Promise<Task[]> {
  return (await requestJson<{ tasks: Task[] }>("GET", at(volume), { signal })).tasks;
}

export function task(volume: string, id: string, signal?: AbortSignal): Promise<Task> {
  return requestJson("GET", at(volume, `/${encodeURIComponent(id)}`), { signal });
}

/** Cancels a running task, or removes an ended one. */
export async function endTask(volume: string, id: string): Promise<void> {
  await request("DELETE", at(volume, `/${encodeURIComponent(id)}`));
}
