// Mounts a file of ours and stays until it is unmounted; makes the file and its volume when missing.
// The PIN, if there is one, is in ALOELITE_BENCH_PIN.
import { MOUNTED, mountVolume } from "../fuse/mod.ts";
import { AloeLite } from "../mod.ts";

const [file, mountpoint] = Deno.args;
const pin = Deno.env.get("ALOELITE_BENCH_PIN");

{
  await using fs = await AloeLite.open(file, { pageSize: MOUNTED.pageSize });
  if ((await fs.volumes()).length === 0) {
    await fs.createVolume({ name: "main", pin, chunkSize: MOUNTED.chunkSize });
  }
}
const mount = await mountVolume({ file, mountpoint, pin, log: (line) => console.error(line) });
await mount.closed;
