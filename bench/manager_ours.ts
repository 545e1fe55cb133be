/**
 * The manager in a process of its own. The argument is its root; it prints its
 * address.
 *
 * @module
 */
import { createManager } from "../manager/mod.ts";

const manager = await createManager({ root: Deno.args[0] });
Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`),
  },
  (request, info) => manager.fetch(request, info),
);
