// Streams a file in and out and prints how much memory the process had at most.
import { MIB } from "./harness.ts";
import { openOurs } from "./peer.ts";
import { Noise } from "./pieces.ts";

const [path, size] = Deno.args;
const mib = Number(size);

await using ours = await openOurs(path);
const opened = peak();
await ours.mount.put("/large.bin", new Noise().stream(mib));
const written = peak();
let bytes = 0;
const descriptor = await ours.mount.openRead("/large.bin");
for await (const piece of descriptor.readable) bytes += piece.length;
if (bytes !== mib * MIB) throw new Error(`read ${bytes} bytes of ${mib} MiB`);
console.log(JSON.stringify({ opened, written, read: peak() }));

/** Most resident memory so far, MiB. */
function peak(): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return Number(/^VmHWM:\s*(\d+) kB/m.exec(status)![1]) / 1024;
}
