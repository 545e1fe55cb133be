/**
 * The volume manager for `deno serve manager/main.ts`, set up by environment
 * variables.
 *
 * @module
 */
import { createManager, type Manager } from "./mod.ts";

let manager: Promise<Manager> | null = null;

/** Answers a request; the first one starts the manager. */
const handler: { fetch(request: Request, info?: Deno.ServeHandlerInfo): Promise<Response> } = {
  async fetch(request, info) {
    manager ??= createManager({ root: Deno.env.get("ALOELITE_ROOT") });
    return await (await manager).fetch(request, info);
  },
};

export default handler;
