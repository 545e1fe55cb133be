import { request, requestJson, whole } from "./request.ts";
import type { Health } from "./types.ts";

/** The checks, also when one of them is fatal: that answer is no failure of asking. */
export async function health(signal?: AbortSignal): Promise<Health> {
  const response = await whole(() => fetch("/health", { signal }));
  if (!response.headers.get("content-type")?.includes("json")) {
    return await requestJson("GET", "/health", { signal });
  }
  return await whole(async () => await response.json() as Health);
}

export async function login(token: string): Promise<void> {
  await request("POST", "/login", { json: { token } });
}

/** Ends the login, and locks what this browser has unlocked. */
export async function logout(): Promise<void> {
  await request("DELETE", "/login");
}
