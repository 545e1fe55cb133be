import { readWhole, request, requestJson } from "./request.ts";
import type { Health } from "./types.ts";

/**
 * Returns the health checks. A fatal check has an error status; it is still an
 * answer.
 */
export async function health(signal?: AbortSignal): Promise<Health> {
  const response = await readWhole(() => fetch("/health", { signal }));
  if (!response.headers.get("content-type")?.includes("json")) {
    return await requestJson("GET", "/health", { signal });
  }
  return await readWhole(async () => await response.json() as Health);
}

export async function login(token: string): Promise<void> {
  await request("POST", "/login", { json: { token } });
}

/** Ends the login and locks the volumes that this browser has unlocked. */
export async function logout(): Promise<void> {
  await request("DELETE", "/login");
}
