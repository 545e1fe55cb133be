/** Writes a file step by step: one step for each line of stdin. */

import { AloeLite } from "../../mod.ts";
import { noise, say } from "./crash/support.ts";

const [file, path, steps] = Deno.args;
const fs = await AloeLite.open(file);
const mount = await fs.mount(undefined, { ttl: 60_000, keepAlive: true });
const to = await mount.openWrite(path);
const line = new Uint8Array(1);
for (let step = 0; step < Number(steps); step++) {
  await to.write(noise(step + 100, 2 ** 20));
  say(`${step}`);
  if (await Deno.stdin.read(line) === null) break;
}
await to.close();
await mount.unmount();
await fs.close();
say("closed");
