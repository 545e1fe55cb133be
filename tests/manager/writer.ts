/**
 * A process that writes a volume like a mount of another program: continuously
 * with the word `load`, otherwise one number for each line that it reads.
 *
 * @module
 */
import { AloeLite } from "../../mod.ts";

const [file, mode] = Deno.args;
await using fs = await AloeLite.open(file, { create: false });
const [volume] = await fs.volumes();
await using mount = await fs.mount(volume.id);

async function write(number: number): Promise<void> {
  const bytes = new TextEncoder().encode(`${number}\n`.repeat(1 + number % 7000));
  await mount.put("/number", bytes);
}

if (mode === "load") {
  console.log("ready");
  for (let number = 1;; number++) {
    await write(number);
    if (number % 10 === 0) {
      await mount.put(`/files-${number % 50}`, crypto.getRandomValues(new Uint8Array(50_000)));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
} else {
  console.log("ready");
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    for (const line of text.split("\n").filter((each) => each !== "")) {
      await write(Number(line));
      console.log(line);
    }
  }
}
