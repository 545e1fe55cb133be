import { Fault } from "./faults.ts";

/** The most that a PIN, a token, a certificate or a key has, in bytes. */
const LARGEST = 2 ** 20;

/**
 * A file that is small, whatever stands in its place: a device may never end.
 *
 * @throws {Fault} When it is longer than 1 MiB.
 */
export async function readSmall(path: string): Promise<Uint8Array> {
  return await toEnd(path, (await Deno.open(path)).readable);
}

/**
 * The same for a stream. Most often it is a secret, so that nothing of it is
 * left but what is returned.
 *
 * @param name What it is called in the message.
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

/** The text of a small file. */
export async function readSmallText(path: string): Promise<string> {
  return new TextDecoder().decode(await readSmall(path));
}
