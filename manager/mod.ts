/**
 * The volume manager: many volumes over HTTP, with mounts and a web page.
 *
 * ```ts no-run
 * import { serve } from "@aloelite/aloelite/manager";
 *
 * await using server = await serve({ root: "volumes", port: 8080 });
 * console.log(server.url);
 * await server.closed;
 * ```
 *
 * @module
 */
export { createManager, type Manager } from "./manager.ts";
export type { RequestInfo } from "./front_door.ts";
export { type ManagerServer, serve } from "./serve.ts";
export { defaultRoot } from "./options.ts";
export type { ManagerOptions } from "./options.ts";
export type { FuseSettings, Limits, TlsFiles } from "./settings.ts";
