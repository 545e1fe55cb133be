/**
 * A mount in a separate process for tests, which can be killed without harming them. The first line
 * on stdin has the options, the following ones are commands; answers go to stdout; all are JSON.
 * The end of stdin ends the mount, so that no mount outlives its test.
 *
 * @module
 */

import { type FuseMount, mountVolume, type MountVolumeOptions } from "../../fuse/mod.ts";

/** The first line: options of `mountVolume` as JSON. */
export interface DaemonOptions extends Omit<MountVolumeOptions, "at" | "pin" | "log"> {
  /** Nanoseconds, in decimal. */
  at?: string;
  pin?: string;
}

/** A command. */
export interface DaemonCommand {
  id: number;
  do: "stats" | "unmount" | "memory";
  lazy?: boolean;
}

/** A line of the daemon's output. */
export interface DaemonLine {
  /** The mount is ready. */
  mounted?: true;
  /** The mount failed. */
  failed?: string;
  /** A line of the mount's log. */
  log?: string;
  /** The id of the answered command. */
  id?: number;
  ok?: unknown;
  error?: string;
  /** The mount has ended: null, or the error. */
  closed?: string | null;
}

async function* lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    const whole = (rest + part).split("\n");
    rest = whole.pop()!;
    yield* whole;
  }
}

function say(line: DaemonLine): void {
  const bytes = new TextEncoder().encode(
    JSON.stringify(line, (_, value) => typeof value === "bigint" ? String(value) : value) + "\n",
  );
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

async function obey(mount: FuseMount, command: DaemonCommand): Promise<unknown> {
  switch (command.do) {
    case "stats":
      return await mount.stats();
    case "unmount":
      return await mount.unmount({ lazy: command.lazy });
    case "memory":
      return Deno.memoryUsage().rss;
  }
}

async function main(): Promise<void> {
  const input = lines(Deno.stdin.readable);
  const first = await input.next();
  if (first.done) return;
  const { at, ...options } = JSON.parse(first.value) as DaemonOptions;
  let mount: FuseMount;
  try {
    mount = await mountVolume({
      ...options,
      ...(at === undefined ? {} : { at: BigInt(at) }),
      log: (line) => say({ log: line }),
    });
  } catch (error) {
    say({ failed: String(error) });
    return;
  }
  let code = 0;
  const closed = mount.closed.then(
    () => say({ closed: null }),
    (error) => {
      code = 1;
      say({ closed: String(error) });
    },
  );
  say({ mounted: true });
  const commands = (async () => {
    for await (const line of input) {
      const command = JSON.parse(line) as DaemonCommand;
      await obey(mount, command).then(
        (ok) => say({ id: command.id, ok: ok ?? null }),
        (error) => say({ id: command.id, error: String(error) }),
      );
    }
    // The starting process has ended, or ends the mount.
    await mount.unmount({ lazy: true }).catch(() => {});
  })();
  await Promise.race([closed, commands.then(() => closed)]);
  Deno.exit(code);
}

if (import.meta.main) await main();
