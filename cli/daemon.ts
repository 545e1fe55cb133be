import { openLibc } from "../src/runtime/libc.ts";
import { Fault } from "./faults.ts";

/** Marks the process that becomes the daemon, in its environment. */
const MARK = "ALOELITE_DAEMON";

/** This program's entry module, from source and in the bundle. */
const ENTRIES: readonly string[] = ["main.ts", "main.js"]
  .map((name) => new URL(name, import.meta.url).href);

const O_RDWR = 2;
const O_WRONLY_APPEND = 0o2001;

/** Returns whether this process was started to become the daemon. */
export function isDaemon(): boolean {
  return Deno.env.get(MARK) === "1";
}

/** Returns the command line that starts this program again with its current permissions. */
function ownWords(): string[] {
  if (Deno.build.standalone) return [];
  if (!ENTRIES.includes(Deno.mainModule)) {
    throw new Fault(null, "only the program aloelite itself can start a daemon");
  }
  // Reuse the own command line, so that the runtime's options stay equal.
  const words = Deno.readTextFileSync("/proc/self/cmdline").split("\0").slice(1, -1);
  return words.slice(0, words.length - Deno.args.length);
}

/** The result of starting a daemon. */
export interface Started {
  /** The exit code; null while the daemon runs. */
  code: number | null;
  /** The process id. */
  pid: number;
  /** The line that the daemon printed when it was ready. */
  line: string;
}

/** Copies a stream to standard error. */
async function forward(from: ReadableStream<Uint8Array>): Promise<void> {
  try {
    for await (const part of from) {
      for (let done = 0; done < part.length;) done += Deno.stderr.writeSync(part.subarray(done));
    }
  } catch {
    // Standard error is closed; the exit code still reports the failure.
  }
}

/**
 * Starts this program in a session of its own and waits for its first line of output. Forwards its
 * standard error until then.
 *
 * @param args The daemon's command line.
 * @param secret The daemon's standard input; null for none.
 * @param hidden An environment variable to withhold from the daemon.
 */
export async function startDaemon(
  args: readonly string[],
  secret: Uint8Array | null,
  hidden: string | undefined,
): Promise<Started> {
  const { [hidden ?? ""]: _, ...env } = Deno.env.toObject();
  const child = new Deno.Command(Deno.execPath(), {
    args: [...ownWords(), ...args],
    env: { ...env, [MARK]: "1" },
    clearEnv: true,
    detached: true,
    stdin: secret === null ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stop = (): void => {
    try {
      child.kill("SIGTERM");
    } catch {
      // The process has already ended.
    }
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  const forwarded = forward(child.stderr);
  try {
    if (secret !== null) {
      const writer = child.stdin.getWriter();
      await writer.write(secret).then(() => writer.close()).catch(() => {});
    }
    let line = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      line += text;
      if (line.includes("\n")) {
        child.unref();
        return { code: null, pid: child.pid, line: line.slice(0, line.indexOf("\n")) };
      }
    }
    const { code } = await child.status;
    await forwarded;
    return { code, pid: child.pid, line: "" };
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, stop);
  }
}

/**
 * Releases the terminal and the working directory: standard input and output become `/dev/null`,
 * standard error becomes the log.
 *
 * @param log The log's path; undefined for none.
 * @param ready Prints the line that the starting process waits for.
 */
export async function detach(log: string | undefined, ready: () => Promise<void>): Promise<void> {
  const libc = openLibc({
    open: { parameters: ["buffer", "i32"], result: "i32" },
    dup2: { parameters: ["i32", "i32"], result: "i32" },
  });
  // A mount needs the C library too, so it is present.
  if (libc === null) throw new Error("the C library is not found");
  const redirect = (descriptor: number, path: string, flags: number): void => {
    const from = libc.open(new TextEncoder().encode(`${path}\0`), flags);
    // Left open: the process keeps the target open anyway.
    if (from >= 0) libc.dup2(from, descriptor);
  };
  Deno.chdir("/");
  redirect(0, "/dev/null", O_RDWR);
  if (log === undefined) redirect(2, "/dev/null", O_RDWR);
  else redirect(2, log, O_WRONLY_APPEND);
  await ready();
  redirect(1, "/dev/null", O_RDWR);
}
