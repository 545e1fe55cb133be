import { Buffer } from "node:buffer";

/** At most so much is read at a time, bytes. */
const STEP = 32 * 2 ** 20;

/**
 * Where a text is in what a process has in memory, in its arguments or in its
 * environment, in UTF-8 or UTF-16: a few words for each place.
 */
export function placesOf(text: string, pid: number): string[] {
  const forms = { "UTF-8": Buffer.from(text), "UTF-16": Buffer.from(text, "utf16le") };
  const places: string[] = [];
  for (const name of ["environ", "cmdline"]) {
    if (Buffer.from(Deno.readFileSync(`/proc/${pid}/${name}`)).includes(forms["UTF-8"])) {
      places.push(name);
    }
  }
  using memory = Deno.openSync(`/proc/${pid}/mem`);
  for (const line of Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n")) {
    // Neither what is in files, nor what is made to run: half a gigabyte, mostly empty.
    const [, from, to, kind] = /^([0-9a-f]+)-([0-9a-f]+) (rw-)/.exec(line) ?? [];
    if (kind === undefined || line.includes("[v")) continue;
    const end = BigInt(`0x${to}`);
    // A text that is cut by a step's end is in the next one.
    for (let at = BigInt(`0x${from}`); at < end; at += BigInt(STEP - 256)) {
      const length = Number(end - at < STEP ? end - at : STEP);
      const bytes = readAt(memory, at, length);
      for (const [form, wanted] of Object.entries(forms)) {
        if (bytes.includes(wanted)) places.push(`${form} in ${line}`);
      }
    }
  }
  return places;
}

/** What can be read of it. */
function readAt(memory: Deno.FsFile, at: bigint, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let done = 0;
  try {
    memory.seekSync(at, Deno.SeekMode.Start);
    while (done < length) {
      const read = memory.readSync(bytes.subarray(done));
      if (read === null || read === 0) break;
      done += read;
    }
  } catch {
    // It was given back meanwhile, or is no memory.
  }
  return bytes.subarray(0, done);
}
