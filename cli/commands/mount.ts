import type { AloeLite, VolumeInfo } from "../../mod.ts";
import type { FuseMount } from "../../fuse/mod.ts";
import { type Context, pickVolume, volumeLabel } from "../context.ts";
import { isDaemon } from "../daemon.ts";
import { about, Fault, isAloeError, named } from "../faults.ts";
import { explainMount, explainUnmount, isBusy } from "../mount_faults.ts";
import { type MountWishes, mountWishes } from "../mount_options.ts";
import { readyMountpoint, refuseEntries } from "../mountpoint.ts";
import { printable } from "../output.ts";
import { encryptionMode, givesPin } from "./volume.ts";

/** How often the end of a mount that is in use is tried again, in ms. */
const RETRY = 250;

/** How long a mount that is asked to end may still be in the making, ms. */
const MOUNTING = 10_000;

/** What asks a mount to end. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What is mounted, and what opens it. */
interface Target {
  file: string;
  volume: VolumeInfo;
  pin: Uint8Array | undefined;
}

/** The options with the PIN file that `-o` names beside them. */
function withPinFile(ctx: Context, wishes: MountWishes): ReadonlyMap<string, string> {
  if (wishes.pinFile === undefined || givesPin(ctx.flags)) return ctx.flags;
  return new Map([...ctx.flags, ["pin-file", wishes.pinFile]]);
}

async function openOrCreate(ctx: Context, create: boolean): Promise<AloeLite> {
  if (!create) return await ctx.open("read");
  ctx.guard();
  const { AloeLite } = await import("../../mod.ts");
  const { MOUNTED } = await import("../../fuse/mod.ts");
  const options = { create: true, pageSize: MOUNTED.pageSize };
  return await about(ctx.file, () => AloeLite.open(ctx.file, options));
}

/** Makes the volume that is asked for; null when there is one already. */
async function createMissing(
  ctx: Context,
  fs: AloeLite,
  wishes: MountWishes,
  flags: ReadonlyMap<string, string>,
): Promise<Target | null> {
  const volumes = await fs.volumes();
  const asked = wishes.volume;
  const there = asked === undefined
    ? volumes.length > 0
    : volumes.some((v) => v.name === asked || v.id === asked);
  if (there) return null;
  const name = asked ?? "main";
  const encryption = encryptionMode(flags);
  const encrypted = flags.has("encrypt") || givesPin(flags) || encryption !== undefined;
  let pin: Uint8Array | undefined;
  if (encrypted) {
    const { newPin } = await import("../pin.ts");
    pin = await newPin(flags, "pin", `PIN for volume ${printable(name)}`);
  }
  const { MOUNTED } = await import("../../fuse/mod.ts");
  const volume = await about(name, () =>
    fs.createVolume({
      name,
      unique: true,
      chunkSize: wishes.chunkSize ?? MOUNTED.chunkSize,
      ...(pin === undefined ? {} : { pin }),
      ...(encryption === undefined ? {} : { encryption }),
    }));
  return { file: await Deno.realPath(ctx.file), volume, pin };
}

/** Finds the volume, or makes it, and gets its PIN. The file is closed again after. */
async function findTarget(ctx: Context, wishes: MountWishes): Promise<Target> {
  const flags = withPinFile(ctx, wishes);
  await using fs = await openOrCreate(ctx, wishes.create);
  if (wishes.create) {
    const made = await createMissing(ctx, fs, wishes, flags);
    if (made !== null) return made;
  }
  const volume = await pickVolume(fs, ctx.file, wishes.volume);
  const pin = await ctx.pinFor(volume, flags);
  return { file: await Deno.realPath(ctx.file), volume, pin };
}

/** A mount over the folder that its file is in would hide the file from itself. */
function refuseOwnFolder(directory: string, file: string, point: string): void {
  if (file.startsWith(point === "/" ? "/" : `${point}/`)) {
    throw new Fault(directory, `${file} is in it, and would be hidden; choose another directory`);
  }
}

/** The words that make a daemon mount what is wanted here: nothing is left to be asked or found. */
function daemonWords(target: Target, wishes: MountWishes, point: string): string[] {
  const options: [string, string | number | undefined][] = [
    ["history", wishes.history],
    ["cache", wishes.cacheBytes],
    ["dirty", wishes.dirtyBytes],
    ["log", wishes.log],
    ["pin-fd", target.pin === undefined ? undefined : 0],
    ["at", wishes.at === null ? undefined : new Date(Number(wishes.at / 1_000_000n)).toISOString()],
  ];
  const words = [
    ...(wishes.uid === undefined ? [] : [`uid=${wishes.uid}`]),
    ...(wishes.gid === undefined ? [] : [`gid=${wishes.gid}`]),
    ...(wishes.removeMountpoint ? ["x-aloelite.rmdir"] : []),
    ...wishes.options.map((word) => word.replace(/[\\",]/g, "\\$&")),
  ];
  return [
    ...["--file", target.file, "--volume", target.volume.id, "mount"],
    ...options.flatMap(([name, value]) => value === undefined ? [] : [`--${name}`, `${value}`]),
    ...(wishes.readOnly ? ["--read-only"] : []),
    ...(wishes.allowOther ? ["--allow-other"] : []),
    ...(wishes.nonEmpty ? ["--nonempty"] : []),
    ...(words.length === 0 ? [] : ["--options", words.join(",")]),
    ...["--", point],
  ];
}

/** What is printed about a mount. */
async function announce(ctx: Context, target: Target, point: string, pid: number): Promise<void> {
  const { file, volume } = target;
  if (ctx.json) {
    await ctx.out.json({ mountpoint: point, file, volume: volume.name ?? volume.id, pid });
  } else {
    const name = `${volumeLabel(volume)} of ${file}`;
    await ctx.out.line(`${ctx.out.plain(name)} is mounted at ${ctx.out.plain(point)}`);
  }
  await ctx.out.flush();
}

/** Starts a daemon that mounts, and waits until it has. */
async function toBackground(
  ctx: Context,
  target: Target,
  wishes: MountWishes,
  point: string,
): Promise<number> {
  const { startDaemon } = await import("../daemon.ts");
  const { pin } = target;
  // With a newline, as one is dropped where it is read.
  const secret = pin === undefined ? null : Uint8Array.from([...pin, 10]);
  const started = await startDaemon(
    daemonWords(target, wishes, point),
    secret,
    ctx.flags.get("pin-env"),
  );
  secret?.fill(0);
  pin?.fill(0);
  if (started.code !== null) return started.code === 0 ? 1 : started.code;
  if (ctx.json) await announce(ctx, target, point, started.pid);
  return 0;
}

/** Lines of the log: to a file if one is named, else to standard error. */
function logger(ctx: Context, path: string | undefined, point: string): (line: string) => void {
  if (path === undefined) return (line) => ctx.warn(point, line);
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { append: true, create: true, mode: 0o600 });
  } catch (error) {
    throw named(path, error);
  }
  const encoder = new TextEncoder();
  return (line) => {
    try {
      file.writeSync(encoder.encode(`${new Date().toISOString()} ${point}: ${printable(line)}\n`));
    } catch {
      // A log that cannot be written is no reason to stop.
    }
  };
}

/** The signals that ask for the end, counted from the moment that this is made. */
class Requests implements Disposable {
  /** How many have come. */
  count = 0;
  /**
   * What the next one does. Before there is a mount a second one ends the process, and
   * so does the first if there is none in time.
   */
  answer: () => void = () => {
    if (this.count > 1) Deno.exit(143);
    this.#late = setTimeout(() => Deno.exit(143), MOUNTING);
  };
  #late: ReturnType<typeof setTimeout> | undefined;
  readonly #listener = (): void => {
    this.count++;
    this.answer();
  };

  constructor() {
    for (const signal of SIGNALS) Deno.addSignalListener(signal, this.#listener);
  }

  /** There is a mount, or there will be none. */
  settled(): void {
    clearTimeout(this.#late);
  }

  [Symbol.dispose](): void {
    this.settled();
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, this.#listener);
  }
}

/**
 * Waits for the end of a mount. The first signal unmounts it, as soon as nobody
 * uses it any more; a second one takes it out of the tree at once, and those who
 * use it go on until they have done.
 */
async function untilClosed(
  ctx: Context,
  mount: FuseMount,
  directory: string,
  requests: Requests,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let told = false;
  let ended = false;
  const over = (): void => {
    ended = true;
  };
  mount.closed.then(over, over);
  const end = async (): Promise<void> => {
    try {
      await mount.unmount({ lazy: requests.count > 1 });
    } catch (error) {
      if (ended) return;
      if (!isBusy(error)) {
        ctx.report(named(directory, explainUnmount(directory, error)));
        return;
      }
      if (!told) {
        ctx.warn(directory, "in use: it ends when nobody uses it; a second signal ends it");
      }
      told = true;
      clearTimeout(timer);
      timer = setTimeout(end, RETRY);
    }
  };
  requests.settled();
  requests.answer = () => {
    if (requests.count === 2 && told) {
      ctx.warn(directory, "in use: unmounted lazily; those who use it go on until they have done");
    }
    clearTimeout(timer);
    end();
  };
  if (requests.count > 0) requests.answer();
  try {
    await about(directory, () => mount.closed);
  } finally {
    clearTimeout(timer);
  }
}

/** Mounts here, and stays until the mount has ended. */
async function inForeground(
  ctx: Context,
  target: Target,
  wishes: MountWishes,
  point: string,
): Promise<void> {
  const { mountVolume } = await import("../../fuse/mod.ts");
  const directory = ctx.operands[0];
  const { file, volume, pin } = target;
  const log = logger(ctx, wishes.log, point);
  using requests = new Requests();
  let mount: FuseMount;
  try {
    mount = await mountVolume({
      file,
      volume: volume.id,
      mountpoint: point,
      readOnly: wishes.readOnly,
      history: wishes.history,
      allowOther: wishes.allowOther,
      nonEmpty: wishes.nonEmpty,
      removeMountpoint: wishes.removeMountpoint,
      // As libfuse has them: it takes all of them in one text.
      options: wishes.options.map((word) => word.replace(/[\\,]/g, "\\$&")),
      log,
      ...(pin === undefined ? {} : { pin }),
      ...(wishes.at === null ? {} : { at: wishes.at }),
      ...(wishes.cacheBytes === undefined ? {} : { cacheBytes: wishes.cacheBytes }),
      ...(wishes.dirtyBytes === undefined ? {} : { dirtyBytes: wishes.dirtyBytes }),
      ...(wishes.uid === undefined ? {} : { uid: wishes.uid }),
      ...(wishes.gid === undefined ? {} : { gid: wishes.gid }),
    });
  } catch (error) {
    const wrong = isAloeError(error) && error.code === "bad_key";
    throw named(wrong ? volumeLabel(volume) : point, explainMount(error));
  } finally {
    pin?.fill(0);
  }
  const ready = () => announce(ctx, target, point, Deno.pid);
  if (isDaemon()) await (await import("../daemon.ts")).detach(wishes.log, ready);
  else await ready();
  await untilClosed(ctx, mount, directory, requests);
}

/** `mount`: makes a volume a directory. */
export async function mount(ctx: Context): Promise<number | void> {
  const wishes = mountWishes(ctx.flags);
  const [directory] = ctx.operands;
  const { remount } = wishes;
  if (remount !== undefined) {
    const fuse = await import("../../fuse/mod.ts");
    return await about(directory, () => fuse.remount(directory, remount));
  }
  // First, so that nothing is created for a mount that cannot be.
  const point = await about(
    directory,
    () =>
      readyMountpoint(directory, async (stale) => {
        const fuse = await import("../../fuse/mod.ts");
        await fuse.unmount(stale, { lazy: true });
      }),
  );
  const file = await Deno.realPath(ctx.file).catch(() => null);
  if (file !== null) refuseOwnFolder(directory, file, point);
  if (!wishes.nonEmpty) await refuseEntries(directory, point);
  const target = await findTarget(ctx, wishes);
  ctx.unguard();
  refuseOwnFolder(directory, target.file, point);
  if (wishes.log !== undefined) {
    wishes.log = `${wishes.log.startsWith("/") ? "" : `${Deno.cwd()}/`}${wishes.log}`;
  }
  if (ctx.flags.has("daemon")) return await toBackground(ctx, target, wishes, point);
  await inForeground(ctx, target, wishes, point);
}
