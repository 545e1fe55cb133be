/** `deno task soak [SECONDS]`: everything at once for ten minutes, or for so long. */

import { soak } from "./soak.ts";

const seconds = Number(Deno.args[0] ?? "600");
if (!(seconds > 0)) throw new Error(`seconds: ${Deno.args[0]}`);
const { quarter, end } = await soak(seconds);
const MB = 2 ** 20;
for (const [when, { manager, mount, heap }] of Object.entries({ quarter, end })) {
  const told = [manager, mount].map(({ descriptors, workers, resident }) =>
    `${descriptors} descriptors, ${workers} workers, ${Math.round(resident / MB)} MiB`
  );
  console.log(`${when}: manager ${told[0]}, heap ${Math.round(heap / MB)} MiB; mount ${told[1]}`);
}
