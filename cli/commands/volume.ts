import type { AloeLite, VolumeInfo } from "../../mod.ts";
import { type Flags, UsageError } from "../args.ts";
import { type Context, pickVolume, volumeLabel } from "../context.ts";
import { Fault, isAloeError, withSubject } from "../faults.ts";
import { listing } from "../output.ts";
import { parseSize, showSize } from "../size.ts";
import { shortTime } from "../time.ts";

/** Returns the --enc-mode option; undefined when it is not given. */
export function encryptionMode(
  flags: Flags,
): "convergent" | "random" | undefined {
  const text = flags.get("enc-mode");
  if (text === undefined || text === "convergent" || text === "random") {
    return text;
  }
  throw new UsageError(`--enc-mode must be convergent or random, not ${text}`);
}

/** Returns whether a --pin option is given. */
export function givesPin(flags: Flags, prefix: string = "pin"): boolean {
  return ["file", "env", "fd"].some((s) => flags.has(`${prefix}-${s}`));
}

/** `volume create`: creates a volume. */
export async function create(ctx: Context): Promise<void> {
  const { flags } = ctx;
  const [name] = ctx.operands;
  const size = flags.get("chunk-size");
  const chunkSize = size === undefined ? undefined : parseSize(size);
  const encryption = encryptionMode(flags);
  const encrypted = flags.has("encrypt") || givesPin(flags) ||
    encryption !== undefined;
  await using fs = await ctx.open("write");
  if ((await fs.volumes()).some((v) => v.name === name)) {
    throw new Fault(name, "a volume of this name already exists");
  }
  let pin: Uint8Array | undefined;
  if (encrypted) {
    const { newPin } = await import("../pin.ts");
    pin = await newPin(flags, "pin", `PIN for volume ${name}`);
  }
  const volume = await withSubject(name, () =>
    fs.createVolume({
      name,
      unique: true,
      ...(chunkSize === undefined ? {} : { chunkSize }),
      ...(pin === undefined ? {} : { pin }),
      ...(encryption === undefined ? {} : { encryption }),
    }));
  if (ctx.json) await ctx.out.json(volume);
}

/** Prints volumes as lines of a table. */
export async function printVolumes(
  ctx: Context,
  volumes: readonly VolumeInfo[],
): Promise<void> {
  const rows = volumes.map((v) => [
    v.name === null ? "(no name)" : ctx.out.plain(v.name),
    v.id,
    shortTime(v.createdAt),
    showSize(v.chunkSize),
    v.encryption === "none" ? "plain" : `encrypted, ${v.encryption}`,
  ]);
  const headings = ["VOLUME", "ID", "CREATED", "CHUNK", "ENCRYPTION"];
  for (const line of listing(headings, rows, [3])) await ctx.out.line(line);
}

/** `volume ls`: lists the volumes. */
export async function list(ctx: Context): Promise<void> {
  await using fs = await ctx.open("read");
  const volumes = await fs.volumes();
  if (ctx.json) await ctx.out.json(volumes);
  else await printVolumes(ctx, volumes);
}

/** `volume rename`: renames a volume. */
export async function rename(ctx: Context): Promise<void> {
  const [asked, name] = ctx.operands;
  await using fs = await ctx.open("write");
  const volume = await pickVolume(fs, ctx.file, asked);
  if (name === "") throw new UsageError("the new name is empty");
  if (
    (await fs.volumes()).some((v) => v.name === name && v.id !== volume.id)
  ) throw new Fault(name, "a volume of this name already exists");
  await withSubject(asked, () => fs.renameVolume(volume.id, name));
  if (ctx.json) await ctx.out.json(await fs.volume(volume.id));
}

async function removeOne(
  ctx: Context,
  fs: AloeLite,
  volume: VolumeInfo,
): Promise<void> {
  try {
    const report = await fs.removeVolume(volume.id);
    if (ctx.json) await ctx.out.json({ volume: volume.id, ...report });
  } catch (error) {
    if (isAloeError(error) && error.code === "mount_conflict") {
      throw new Fault(
        volumeLabel(volume),
        "mounted; end the mounts first (see `aloelite mounts`)",
      );
    }
    throw error;
  }
}

/** `volume rm`: deletes a volume permanently. */
export async function remove(ctx: Context): Promise<void> {
  const [asked] = ctx.operands;
  await using fs = await ctx.open("write");
  const volume = await pickVolume(fs, ctx.file, asked);
  if (
    !ctx.flags.has("yes") && Deno.stdin.isTerminal() && Deno.stderr.isTerminal()
  ) {
    if (!confirm(`Delete ${volumeLabel(volume)} and its contents?`)) {
      throw new Fault(volumeLabel(volume), "not deleted");
    }
  }
  await withSubject(asked, () => removeOne(ctx, fs, volume));
}
