/**
 * A manager, and a mount, in one process that opens as many files as it may,
 * and closes them again, on request. Arguments: the root, a volume's file, and
 * its mount point; the last two are optional.
 *
 * @module
 */
import { mountVolume } from "../../fuse/mod.ts";
import { serve } from "../../manager/mod.ts";

const [root, file, mountpoint] = Deno.args;
const taken: Deno.FsFile[] = [];
const server = await serve({ root, port: 0, log: (line) => console.log(line) });
const mount = file === undefined ? null : await mountVolume({ file, mountpoint });
console.log(server.url);
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  if (text.startsWith("take")) {
    try {
      while (true) taken.push(Deno.openSync("/dev/null"));
    } catch {
      // Two descriptors are left for reading standard input.
      for (const file of taken.splice(0, 2)) file.close();
      console.log("taken");
    }
  } else if (text.startsWith("give")) {
    for (const file of taken.splice(0)) file.close();
    console.log("given");
  } else {
    await mount?.unmount();
    await server.stop();
    console.log("stopped");
    Deno.exit(0);
  }
}
