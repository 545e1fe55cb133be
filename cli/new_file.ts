import type { AloeLite } from "../mod.ts";
import { encryptionMode, givesPin } from "./commands/volume.ts";
import type { Context } from "./context.ts";
import { withSubject } from "./faults.ts";

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A file created for a command. */
export interface NewFile {
  fs: AloeLite;
  /** The PIN of its volume; undefined when the volume is not encrypted. */
  pin: Uint8Array | undefined;
}

/**
 * Creates the file that the command line names, with one volume: the named one, or `main`. A PIN
 * option makes the volume encrypted.
 *
 * @returns The open file, which the caller closes; null when the file already exists.
 * @throws {Fault} When the file cannot be created.
 */
export async function makeFile(ctx: Context): Promise<NewFile | null> {
  const { file } = ctx;
  if (await withSubject(file, () => exists(file))) return null;
  ctx.guard();
  const encryption = encryptionMode(ctx.flags);
  let pin: Uint8Array | undefined;
  if (givesPin(ctx.flags)) {
    const { newPin } = await import("./pin.ts");
    pin = await newPin(ctx.flags, "pin", "PIN");
  }
  const { AloeLite } = await import("../mod.ts");
  return await withSubject(file, async () => {
    const fs = await AloeLite.open(file, { create: true });
    try {
      await fs.createVolume({
        name: ctx.volume ?? "main",
        ...(pin === undefined ? {} : { pin: pin.slice() }),
        ...(encryption === undefined ? {} : { encryption }),
      });
    } catch (error) {
      await fs.close();
      throw error;
    }
    return { fs, pin };
  });
}
