/**
 * A manager that listens by itself, in a process of its own. Its first argument
 * are the options, JSON; it prints its address.
 *
 * @module
 */
import { serve } from "../../manager/mod.ts";

const server = await serve(JSON.parse(Deno.args[0]));
console.log(server.url);
await server.closed;
