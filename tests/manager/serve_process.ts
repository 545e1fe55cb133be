/**
 * A manager as a process of its own, which tests kill: `serve_process.ts ROOT`.
 */

import { createManager } from "../../manager/mod.ts";

const manager = await createManager({ root: Deno.args[0] });
const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(port) },
  (request, info) => manager.fetch(request, info),
);
await server.finished;
