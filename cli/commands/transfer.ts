import type { AloeLite, Mount, VolumeInfo } from "../../mod.ts";
import { databaseFiles, SIDE_FILES } from "../../src/side_files.ts";
import { UsageError } from "../args.ts";
import { askPin, type Context, mountVolume, pickVolume, volumeLabel } from "../context.ts";
import { Fault, withSubject } from "../faults.ts";
import { givenPin, newPin, type PinPrefix } from "../pin.ts";
import { databasePath, localBeside } from "../paths.ts";
import { Progress } from "../progress.ts";
import { showSize } from "../size.ts";
import { encryptionMode, givesPin } from "./volume.ts";

/** The encryption of a new volume. */
interface Encryption {
  pin?: Uint8Array;
  encryption?: "convergent" | "random";
}

/**
 * Returns the encryption of a volume's copy: as the options say, otherwise that of the source with
 * the same PIN. An encrypted volume never becomes plain by omission.
 *
 * @param prefix The options that give the new PIN.
 * @param source The volume to copy, and its PIN.
 */
async function encryptionOf(
  ctx: Context,
  prefix: PinPrefix,
  source: VolumeInfo,
  sourcePin: Uint8Array | undefined,
): Promise<Encryption> {
  const mode = encryptionMode(ctx.flags);
  const given = givesPin(ctx.flags, prefix);
  const asked = ctx.flags.has("encrypt") || given;
  if (ctx.flags.has("plain")) {
    if (asked || mode !== undefined) {
      throw new UsageError("--plain and encryption exclude each other");
    }
    return {};
  }
  if (asked) {
    const pin = await newPin(ctx.flags, prefix, "PIN for the new volume");
    return { pin, ...(mode === undefined ? {} : { encryption: mode }) };
  }
  if (source.encryption === "none") {
    if (mode !== undefined) {
      const pin = await newPin(ctx.flags, prefix, "PIN for the new volume");
      return { pin, encryption: mode };
    }
    return {};
  }
  return { pin: sourcePin, encryption: mode ?? source.encryption };
}

async function refuseName(fs: AloeLite, file: string, name: string | null) {
  if (name === null) return;
  if ((await fs.volumes()).some((v) => v.name === name)) {
    throw new Fault(
      file,
      `already has a volume ${name}; give --rename NAME`,
    );
  }
}

async function copy(
  ctx: Context,
  from: AloeLite,
  mount: Mount,
  source: VolumeInfo,
  to: AloeLite,
  toFile: string,
  encryption: Encryption,
): Promise<void> {
  const name = ctx.flags.get("rename") ?? source.name;
  await refuseName(to, toFile, name);
  const progress = new Progress(ctx.command);
  try {
    const volume = await from.exportTo(mount, to, {
      ...(name === null ? {} : { name }),
      ...encryption,
      signal: ctx.signal,
      onProgress: (p) => progress.to(p.bytes, p.totalBytes),
    });
    progress.clear();
    if (ctx.json) await ctx.out.json(volume);
  } finally {
    progress.clear();
  }
}

/** `snapshot`: copies the volume into a new one of the same file. */
export async function snapshot(ctx: Context): Promise<void> {
  const [name] = ctx.operands;
  await using fs = await ctx.open("write");
  const source = await ctx.findVolume(fs);
  if ((await fs.volumes()).some((v) => v.name === name)) {
    throw new Fault(name, "a volume of this name already exists");
  }
  const pin = await ctx.pinFor(source);
  const newOne = await givenPin(ctx.flags, "dest-pin") ?? pin;
  await using mount = await mountVolume(fs, source, "write", pin);
  const volume = await withSubject(
    volumeLabel(source),
    () =>
      fs.fork(mount, {
        name,
        ...(newOne === undefined ? {} : { pin: newOne }),
      }),
  );
  if (ctx.json) await ctx.out.json(volume);
}

/** `export`: copies the volume into another file. */
export async function exportVolume(ctx: Context): Promise<void> {
  const [dest] = ctx.operands;
  ctx.guard();
  await using fs = await ctx.open("read");
  const source = await ctx.findVolume(fs);
  const pin = await ctx.pinFor(source);
  await using mount = await mountVolume(fs, source, "read", pin);
  const encryption = await encryptionOf(ctx, "dest-pin", source, pin);
  await refuseSameFile(ctx.file, dest);
  const { AloeLite } = await import("../../mod.ts");
  const isNew = !await exists(dest);
  let done = false;
  try {
    if (isNew) await withSubject(dest, () => createLike(ctx.file, dest));
    await using to = await withSubject(dest, () => AloeLite.open(databasePath(dest)));
    await copy(ctx, fs, mount, source, to, dest, encryption);
    done = true;
  } finally {
    if (isNew && !done) await removeDatabase(dest);
  }
}

/** `import`: copies a volume of another file into this file. */
export async function importVolume(ctx: Context): Promise<void> {
  const [from] = ctx.operands;
  if (ctx.volume !== undefined) {
    throw new UsageError(
      "import creates a new volume: choose the source volume with --from, name the new one with --rename",
    );
  }
  await using to = await ctx.open("write");
  await refuseSameFile(ctx.file, from);
  await using fs = await ctx.openFile(from, "read");
  const source = await pickVolume(fs, from, ctx.flags.get("from"));
  let pin = await givenPin(ctx.flags, "source-pin") ?? undefined;
  if (source.encryption === "none" && pin !== undefined) {
    throw new Fault(
      volumeLabel(source),
      "not encrypted; omit the --source-pin option",
    );
  }
  if (source.encryption !== "none") pin ??= await askPin(source, "source-pin");
  await using mount = await mountVolume(fs, source, "read", pin);
  const encryption = await encryptionOf(ctx, "pin", source, pin);
  await copy(ctx, fs, mount, source, to, ctx.file, encryption);
}

/** `backup`: copies the whole file while it is in use. */
export async function backup(ctx: Context): Promise<void> {
  const [dest] = ctx.operands;
  ctx.guard();
  await using fs = await ctx.open("read");
  await refuseSameFile(ctx.file, dest);
  const replaces = await exists(dest);
  if (replaces && !ctx.flags.has("force")) {
    throw new Fault(dest, "already exists; replace it with --force");
  }
  // The existing file stays until the new one is complete.
  const path = replaces ? localBeside(dest) : dest;
  const progress = new Progress("backup");
  // The callback reports pages, not the page size, so convert their share of the file's size.
  const { size } = await fs.info();
  try {
    await withSubject(dest, () =>
      fs.backup(path, {
        signal: ctx.signal,
        onProgress: ({ totalPages, remainingPages }) => {
          const part = (totalPages - remainingPages) / Math.max(1, totalPages);
          progress.to(Math.round(size * part), size);
        },
      }));
    if (replaces) await withSubject(dest, () => putInPlace(path, dest));
  } finally {
    progress.clear();
  }
  const written = (await Deno.stat(dest)).size;
  if (ctx.json) await ctx.out.json({ file: dest, size: written });
  else if (Deno.stderr.isTerminal()) {
    console.error(`${dest}: ${showSize(written)}`);
  }
}

/** Creates an empty file with which nobody may do more than with another one. */
async function createLike(file: string, dest: string): Promise<void> {
  const { mode } = await Deno.stat(file);
  // Whoever makes it has to write it.
  const permissions = mode === null ? undefined : mode & 0o777 | 0o600;
  (await Deno.open(dest, { createNew: true, write: true, mode: permissions })).close();
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

async function refuseSameFile(file: string, other: string): Promise<void> {
  const [a, b] = await Promise.all(
    [file, other].map((p) => Deno.realPath(p).catch(() => null)),
  );
  if (a !== null && a === b) {
    throw new Fault(other, "is the same file as FILE; choose another one");
  }
}

async function putInPlace(database: string, dest: string): Promise<void> {
  try {
    if ((await Deno.lstat(dest)).isDirectory) throw new Fault(dest, "a directory");
    // Remove side files first: with another database's journal beside it, the backup would be
    // invalid.
    for (const suffix of SIDE_FILES) await Deno.remove(dest + suffix).catch(() => {});
    await Deno.rename(database, dest);
  } catch (error) {
    await removeDatabase(database);
    throw error;
  }
}

/** Removes an unfinished database. */
async function removeDatabase(path: string): Promise<void> {
  for (const each of databaseFiles(path)) await Deno.remove(each).catch(() => {});
}
