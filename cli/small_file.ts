import { Fault } from "./faults.ts";

/** The maximum size of a PIN, a token, a certificate or a key, in bytes. */
const LARGEST = 2 ** 20;

/**
 * Reads a small file. The limit also ends the read of a device, which may be endless.
 *
 * @throws {Fault} When the file is longer than 1 MiB.
 */
export async function readSmall(path: string): Promise<Uint8Array> {
  return await toEnd(path, (await Deno.open(path)).readable);
}

/**
 * Reads a short stream to its end. The data is usually a secret, so all intermediate copies are
 * erased.
 *
 * @param name The stream's name for the message.
 */
export async function toEnd(
  name: string,
  stream: ReadableStream<Uint8Array>,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream) {
    length += part.length;
    if (length > LARGEST) throw new Fault(name, "longer than 1 MiB");
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
    part.fill(0);
  }
  return bytes;
}

/** Reads a small text file. */
export async function readSmallText(path: string): Promise<string> {
  return new TextDecoder().decode(await readSmall(path));
}
