/**
 * Copies a volume within its file or into another one, and kills itself
 * half-way.
 */

import { AloeLite } from "../../mod.ts";

const [from, to, pin] = Deno.args;
const fs = await AloeLite.open(from);
const mount = await fs.mount("main", pin === undefined ? {} : { pin });
const options = {
  name: "copy",
  ...(pin === undefined ? {} : { pin, encryption: "random" as const }),
  onProgress: ({ bytes, nodes }: { bytes: number; nodes: number }) => {
    if (bytes > 20 * 2 ** 20 || nodes > 30) Deno.kill(Deno.pid, "SIGKILL");
  },
};
if (to === from) await fs.fork(mount, options);
else await fs.exportTo(mount, await AloeLite.open(to), options);
