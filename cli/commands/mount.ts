import type { AloeLite, VolumeInfo } from "../../mod.ts";
import type { FuseMount } from "../../fuse/mod.ts";
import { type Context, pickVolume, volumeLabel } from "../context.ts";
import { isDaemon } from "../daemon.ts";
import { addSubject, Fault, isAloeError, withSubject } from "../faults.ts";
import { explainMount, explainUnmount, isBusy } from "../mount_faults.ts";
import { type MountRequest, parseMountRequest } from "../mount_options.ts";
import { readyMountpoint, refuseEntries } from "../mountpoint.ts";
import { printable } from "../output.ts";
import { encryptionMode, givesPin } from "./volume.ts";

/** The interval between attempts to end a busy mount, in ms. */
const RETRY = 250;

/** How long a mount that was asked to end may take to be established, in ms. */
const MOUNTING = 10_000;

/** The signals that end a mount. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The volume to mount, and what opens it. */
interface Target {
  file: string;
  volume: VolumeInfo;
  pin: Uint8Array | undefined;
}

/** Returns the options, with the PIN file that `-o` names. */
function withPinFile(ctx: Context, request: MountRequest): ReadonlyMap<string, string> {
  if (request.pinFile === undefined || givesPin(ctx.flags)) return ctx.flags;
  return new Map([...ctx.flags, ["pin-file", request.pinFile]]);
}

async function openOrCreate(ctx: Context, create: boolean): Promise<AloeLite> {
  if (!create) return await ctx.open("read");
  ctx.guard();
  const { AloeLite } = await import("../../mod.ts");
  const { MOUNTED } = await import("../../fuse/mod.ts");
  const options = { create: true, pageSize: MOUNTED.pageSize };
  return await withSubject(ctx.file, () => AloeLite.open(ctx.file, options));
}

/** Creates the requested volume; returns null when it exists. */
async function createMissing(
  ctx: Context,
  fs: AloeLite,
  request: MountRequest,
  flags: ReadonlyMap<string, string>,
): Promise<Target | null> {
  const volumes = await fs.volumes();
  const asked = request.volume;
  const existing = asked === undefined
    ? volumes.length > 0
    : volumes.some((v) => v.name === asked || v.id === asked);
  if (existing) return null;
  const name = asked ?? "main";
  const encryption = encryptionMode(flags);
  const encrypted = flags.has("encrypt") || givesPin(flags) || encryption !== undefined;
  let pin: Uint8Array | undefined;
  if (encrypted) {
    const { newPin } = await import("../pin.ts");
    pin = await newPin(flags, "pin", `PIN for volume ${printable(name)}`);
  }
  const { MOUNTED } = await import("../../fuse/mod.ts");
  const volume = await withSubject(name, () =>
    fs.createVolume({
      name,
      unique: true,
      chunkSize: request.chunkSize ?? MOUNTED.chunkSize,
      ...(pin === undefined ? {} : { pin }),
      ...(encryption === undefined ? {} : { encryption }),
    }));
  return { file: await Deno.realPath(ctx.file), volume, pin };
}

/** Finds or creates the volume and gets its PIN. Closes the file again. */
async function findTarget(ctx: Context, request: MountRequest): Promise<Target> {
  const flags = withPinFile(ctx, request);
  await using fs = await openOrCreate(ctx, request.create);
  if (request.create) {
    const made = await createMissing(ctx, fs, request, flags);
    if (made !== null) return made;
  }
  const volume = await pickVolume(fs, ctx.file, request.volume);
  const pin = await ctx.pinFor(volume, flags);
  return { file: await Deno.realPath(ctx.file), volume, pin };
}

/** Refuses a mount over the directory that holds the file, because it would hide the file. */
function refuseOwnFolder(directory: string, file: string, point: string): void {
  if (file.startsWith(point === "/" ? "/" : `${point}/`)) {
    throw new Fault(directory, `the mount would hide ${file} in it; choose another directory`);
  }
}

/** Returns the command line for a daemon that mounts without further questions or searches. */
function daemonWords(target: Target, request: MountRequest, point: string): string[] {
  const options: [string, string | number | undefined][] = [
    ["history", request.history],
    ["cache", request.cacheBytes],
    ["dirty", request.dirtyBytes],
    ["log", request.log],
    ["pin-fd", target.pin === undefined ? undefined : 0],
    [
      "at",
      request.at === null ? undefined : new Date(Number(request.at / 1_000_000n)).toISOString(),
    ],
  ];
  const words = [
    ...(request.uid === undefined ? [] : [`uid=${request.uid}`]),
    ...(request.gid === undefined ? [] : [`gid=${request.gid}`]),
    ...(request.removeMountpoint ? ["x-aloelite.rmdir"] : []),
    ...request.options.map((word) => word.replace(/[\\",]/g, "\\$&")),
  ];
  return [
    ...["--file", target.file, "--volume", target.volume.id, "mount"],
    ...options.flatMap(([name, value]) => value === undefined ? [] : [`--${name}`, `${value}`]),
    ...(request.readOnly ? ["--read-only"] : []),
    ...(request.allowOther ? ["--allow-other"] : []),
    ...(request.nonEmpty ? ["--nonempty"] : []),
    ...(words.length === 0 ? [] : ["--options", words.join(",")]),
    ...["--", point],
  ];
}

/** Prints where the volume is mounted. */
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

/** Starts a daemon that mounts the volume, and waits until it is mounted. */
async function toBackground(
  ctx: Context,
  target: Target,
  request: MountRequest,
  point: string,
): Promise<number> {
  const { startDaemon } = await import("../daemon.ts");
  const { pin } = target;
  // The reader of the PIN drops one trailing newline, so one is added.
  const secret = pin === undefined ? null : Uint8Array.from([...pin, 10]);
  const started = await startDaemon(
    daemonWords(target, request, point),
    secret,
    ctx.flags.get("pin-env"),
  );
  secret?.fill(0);
  pin?.fill(0);
  if (started.code !== null) return started.code === 0 ? 1 : started.code;
  if (ctx.json) await announce(ctx, target, point, started.pid);
  return 0;
}

/** Returns a function that writes log lines to the named file, or to standard error. */
function logger(ctx: Context, path: string | undefined, point: string): (line: string) => void {
  if (path === undefined) return (line) => ctx.warn(point, line);
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { append: true, create: true, mode: 0o600 });
  } catch (error) {
    throw addSubject(path, error);
  }
  const encoder = new TextEncoder();
  return (line) => {
    try {
      file.writeSync(encoder.encode(`${new Date().toISOString()} ${point}: ${printable(line)}\n`));
    } catch {
      // A failed log write does not stop the mount.
    }
  };
}

/** Counts the termination signals from its construction on. */
class StopSignals implements Disposable {
  /** The number of signals received. */
  count = 0;
  /**
   * What the next signal does. While there is no mount, a second signal ends the process; the first
   * one does if no mount follows in time.
   */
  onNext: () => void = () => {
    if (this.count > 1) Deno.exit(143);
    this.#late = setTimeout(() => Deno.exit(143), MOUNTING);
  };
  #late: ReturnType<typeof setTimeout> | undefined;
  readonly #listener = (): void => {
    this.count++;
    this.onNext();
  };

  constructor() {
    for (const signal of SIGNALS) Deno.addSignalListener(signal, this.#listener);
  }

  /** Stops the timer: the mount is established, or has failed. */
  disarm(): void {
    clearTimeout(this.#late);
  }

  [Symbol.dispose](): void {
    this.disarm();
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, this.#listener);
  }
}

/**
 * Waits for the end of a mount. The first signal unmounts it as soon as it is no longer in use. A
 * second signal detaches it lazily; its users can finish.
 */
async function untilClosed(
  ctx: Context,
  mount: FuseMount,
  directory: string,
  stop: StopSignals,
): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let warned = false;
  let ended = false;
  const onClosed = (): void => {
    ended = true;
  };
  mount.closed.then(onClosed, onClosed);
  const end = async (): Promise<void> => {
    try {
      await mount.unmount({ lazy: stop.count > 1 });
    } catch (error) {
      if (ended) return;
      if (!isBusy(error)) {
        ctx.report(addSubject(directory, explainUnmount(directory, error)));
        return;
      }
      if (!warned) {
        ctx.warn(
          directory,
          "busy: it is unmounted when it is no longer in use; a second signal unmounts it lazily",
        );
      }
      warned = true;
      clearTimeout(timer);
      timer = setTimeout(end, RETRY);
    }
  };
  stop.disarm();
  stop.onNext = () => {
    if (stop.count === 2 && warned) {
      ctx.warn(directory, "busy: unmounted lazily; its users can finish");
    }
    clearTimeout(timer);
    end();
  };
  if (stop.count > 0) stop.onNext();
  try {
    await withSubject(directory, () => mount.closed);
  } finally {
    clearTimeout(timer);
  }
}

/** Mounts in this process, and returns when the mount has ended. */
async function inForeground(
  ctx: Context,
  target: Target,
  request: MountRequest,
  point: string,
): Promise<void> {
  const { mountVolume } = await import("../../fuse/mod.ts");
  const directory = ctx.operands[0];
  const { file, volume, pin } = target;
  const log = logger(ctx, request.log, point);
  using stop = new StopSignals();
  let mount: FuseMount;
  try {
    mount = await mountVolume({
      file,
      volume: volume.id,
      mountpoint: point,
      readOnly: request.readOnly,
      history: request.history,
      allowOther: request.allowOther,
      nonEmpty: request.nonEmpty,
      removeMountpoint: request.removeMountpoint,
      // libfuse takes all options in one string and needs these characters escaped.
      options: request.options.map((word) => word.replace(/[\\,]/g, "\\$&")),
      log,
      ...(pin === undefined ? {} : { pin }),
      ...(request.at === null ? {} : { at: request.at }),
      ...(request.cacheBytes === undefined ? {} : { cacheBytes: request.cacheBytes }),
      ...(request.dirtyBytes === undefined ? {} : { dirtyBytes: request.dirtyBytes }),
      ...(request.uid === undefined ? {} : { uid: request.uid }),
      ...(request.gid === undefined ? {} : { gid: request.gid }),
    });
  } catch (error) {
    const wrong = isAloeError(error) && error.code === "bad_key";
    throw addSubject(wrong ? volumeLabel(volume) : point, explainMount(error));
  } finally {
    pin?.fill(0);
  }
  const ready = () => announce(ctx, target, point, Deno.pid);
  if (isDaemon()) await (await import("../daemon.ts")).detach(request.log, ready);
  else await ready();
  await untilClosed(ctx, mount, directory, stop);
}

/** `mount`: mounts a volume as a directory. */
export async function mount(ctx: Context): Promise<number | void> {
  const request = parseMountRequest(ctx.flags);
  const [directory] = ctx.operands;
  const { remount } = request;
  if (remount !== undefined) {
    const fuse = await import("../../fuse/mod.ts");
    return await withSubject(directory, () => fuse.remount(directory, remount));
  }
  // Check the mount point first, so that nothing is created for a mount that is impossible.
  const point = await withSubject(
    directory,
    () =>
      readyMountpoint(directory, async (stale) => {
        const fuse = await import("../../fuse/mod.ts");
        await fuse.unmount(stale, { lazy: true });
      }),
  );
  const file = await Deno.realPath(ctx.file).catch(() => null);
  if (file !== null) refuseOwnFolder(directory, file, point);
  if (!request.nonEmpty) await refuseEntries(directory, point);
  const target = await findTarget(ctx, request);
  ctx.unguard();
  refuseOwnFolder(directory, target.file, point);
  if (request.log !== undefined) {
    request.log = `${request.log.startsWith("/") ? "" : `${Deno.cwd()}/`}${request.log}`;
  }
  if (ctx.flags.has("daemon")) return await toBackground(ctx, target, request, point);
  await inForeground(ctx, target, request, point);
}
