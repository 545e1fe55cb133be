/**
 * The volume manager: many volumes over HTTP, with mounts and a web page.
 *
 * ```ts no-run
 * import { createManager } from "@aloelite/aloelite/manager";
 *
 * const manager = await createManager({ root: "volumes" });
 * Deno.serve({ hostname: "127.0.0.1", port: 8080 }, manager.fetch);
 * ```
 *
 * @module
 */
export { createManager, type Manager } from "./manager.ts";
export type { RequestInfo } from "./front_door.ts";
export type { ManagerOptions } from "./options.ts";
export type { FuseSettings, Limits, TlsFiles } from "./settings.ts";
