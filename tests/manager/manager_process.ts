/**
 * A manager in a process of its own, which can be killed. Its first argument is
 * the options as JSON; it prints its address.
 *
 * @module
 */
import { createManager } from "../../manager/mod.ts";

const manager = await createManager(JSON.parse(Deno.args[0]));
const server = Deno.serve(
  {
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`),
  },
  (request, info) => manager.fetch(request, info),
);
Deno.addSignalListener("SIGTERM", async () => {
  await server.shutdown();
  await manager.close();
  Deno.exit(0);
});
