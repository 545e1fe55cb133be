/**
 * The volume manager: many volumes over HTTP, with mounts and a web page.
 *
 * ```ts
 * import { serve } from "@aloelite/aloelite/manager";
 *
 * const root = await Deno.makeTempDir();
 * const token = "nobody-guesses-this";
 * await using server = await serve({ root, port: 0, token });
 * const headers = { authorization: `Bearer ${token}` };
 * const answer = await fetch(new URL("/volumes", server.url), { headers });
 * console.log(answer.status, server.url); // 200 "http://127.0.0.1:…"
 * ```
 *
 * `await server.closed` waits until it is closed.
 *
 * @module
 */
export { createManager, type Manager } from "./manager.ts";
export type { RequestInfo } from "./http/front_door.ts";
export { type ManagerServer, serve } from "./serve.ts";
export { defaultRoot } from "./options.ts";
export type { ManagerOptions } from "./options.ts";
export type { FuseSettings, Limits, MountPinSettings, TlsFiles } from "./settings.ts";
