/**
 * The volume manager for `deno serve manager/main.ts` and for Deno Deploy, set
 * up by [environment variables](./environment.ts). `aloelite serve` is the
 * same with options, and shuts down in order on a signal.
 *
 * @module
 */
import { fromEnvironment } from "./environment.ts";
import { createManager, type Manager } from "./mod.ts";

let manager: Promise<Manager> | null = null;

/** Answers a request; the first one starts the manager. */
const handler: { fetch(request: Request, info?: Deno.ServeHandlerInfo): Promise<Response> } = {
  async fetch(request, info) {
    manager ??= start();
    return await (await manager).fetch(request, info);
  },
};

async function start(): Promise<Manager> {
  try {
    const started = await createManager(fromEnvironment());
    if (started.newToken !== null) console.log(`token: ${started.newToken}`);
    return started;
  } catch (error) {
    // The next request tries again.
    manager = null;
    throw error;
  }
}

export default handler;
