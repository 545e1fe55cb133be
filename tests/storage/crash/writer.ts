/**
 * Streams endlessly into `/a` of the file of its first argument, through a
 * mount that is kept alive with the time to live of its second, ms. Prints the
 * mount's id, then a line for each chunk.
 */
import { AloeLite } from "../../../mod.ts";
import { noise, say } from "./support.ts";
import { CHUNK } from "./work.ts";

const [file, ttl] = Deno.args;
await using fs = await AloeLite.open(file, { create: false });
await using mount = await fs.mount("main", { ttl: Number(ttl), keepAlive: true });
const out = await mount.openWrite("/a");
await out.write(noise(0, CHUNK));
say(mount.id);
for (let n = 1;; n++) {
  await out.write(noise(n, CHUNK));
  say(`${n}`);
}
