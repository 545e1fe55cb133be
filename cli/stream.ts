import type { Mount, ReadDescriptor } from "../mod.ts";
import { UsageError } from "./args.ts";
import type { Context } from "./context.ts";
import { follow } from "./links.ts";
import { refuseSpecial } from "./node_facts.ts";

/** The size of blocks copied between a volume and the outside, in bytes. */
export const BLOCK = 1024 * 1024;

/** Returns whether all bytes are zero. */
export function isZero(bytes: Uint8Array): boolean {
  const words = bytes.byteOffset % 4 === 0 ? bytes.length >> 2 : 0;
  const wide = new Int32Array(bytes.buffer, words === 0 ? 0 : bytes.byteOffset, words);
  for (let i = 0; i < words; i++) if (wide[i] !== 0) return false;
  for (let i = words * 4; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Returns the version that the option requests; undefined for the newest. */
export function versionOption(ctx: Context): number | undefined {
  const text = ctx.flags.get("version");
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) {
    throw new UsageError(`--version needs a number, not ${text}`);
  }
  return Number(text);
}

/**
 * Reads a descriptor to its end, block by block.
 *
 * @param sink Receives the blocks in order.
 */
export async function drain(
  ctx: Context,
  from: ReadDescriptor,
  sink: (block: Uint8Array) => Promise<void>,
): Promise<number> {
  let bytes = 0;
  while (true) {
    ctx.signal.throwIfAborted();
    const block = await from.read(BLOCK);
    if (block.length === 0) return bytes;
    bytes += block.length;
    await sink(block);
  }
}

/** Writes a file's content to standard output; follows links. */
export async function toStdout(
  ctx: Context,
  mount: Mount,
  path: string,
): Promise<void> {
  const version = versionOption(ctx);
  const { path: at, node } = await follow(mount, path);
  refuseSpecial(path, node);
  await using from = await mount.openRead(
    at,
    version === undefined ? {} : { version },
  );
  await drain(ctx, from, (block) => ctx.out.bytes(block));
}
