import { Buffer } from "node:buffer";

/** The maximum number of bytes read at a time. */
const STEP = 32 * 2 ** 20;

/**
 * Returns where a text occurs in a process's memory, arguments or environment, in UTF-8 or UTF-16,
 * with a short description of each place.
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
    // Skip mapped files and code: half a gigabyte, mostly empty.
    const [, from, to, kind] = /^([0-9a-f]+)-([0-9a-f]+) (rw-)/.exec(line) ?? [];
    if (kind === undefined || line.includes("[v")) continue;
    const end = BigInt(`0x${to}`);
    // Steps overlap, so that text across a boundary is found.
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

/** Returns the readable bytes. */
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
    // The memory was freed meanwhile, or is not readable.
  }
  return bytes.subarray(0, done);
}
