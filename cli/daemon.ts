import { openLibc } from "../src/runtime/libc.ts";
import { Fault } from "./faults.ts";

/** Set for the process that goes to the background, and means nothing to another one. */
const MARK = "ALOELITE_DAEMON";

/** This program's entry, from source and in the bundle. */
const ENTRIES: readonly string[] = ["main.ts", "main.js"]
  .map((name) => new URL(name, import.meta.url).href);

const O_RDWR = 2;
const O_WRONLY_APPEND = 0o2001;

/** Whether this process is the one that was started to go to the background. */
export function isDaemon(): boolean {
  return Deno.env.get(MARK) === "1";
}

/** The words that run this program once more, with the permissions that it has. */
function ownWords(): string[] {
  if (Deno.build.standalone) return [];
  if (!ENTRIES.includes(Deno.mainModule)) {
    throw new Fault(null, "only the program aloelite itself can go to the background");
  }
  // As it was started, so that the runtime's own options are the same.
  const words = Deno.readTextFileSync("/proc/self/cmdline").split("\0").slice(1, -1);
  return words.slice(0, words.length - Deno.args.length);
}

/** How the attempt to start a daemon ended. */
export interface Started {
  /** Its exit code; null while it runs. */
  code: number | null;
  /** Its process id. */
  pid: number;
  /** The line that it printed when it was ready. */
  line: string;
}

/** Passes on all that a stream brings. */
async function passOn(from: ReadableStream<Uint8Array>): Promise<void> {
  try {
    for await (const part of from) {
      for (let done = 0; done < part.length;) done += Deno.stderr.writeSync(part.subarray(done));
    }
  } catch {
    // Nobody listens: the exit code still tells.
  }
}

/**
 * Starts this program in a session of its own and waits for its first line of
 * output. What it says on standard error until then is said here.
 *
 * @param args Its words.
 * @param secret What it reads from standard input; null for nothing.
 * @param hidden A variable that is left out of its environment.
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
      // It has ended by itself.
    }
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  const said = passOn(child.stderr);
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
    await said;
    return { code, pid: child.pid, line: "" };
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, stop);
  }
}

/**
 * Lets go of the terminal and the folder that this process was started with:
 * standard input and output become `/dev/null`, standard error the log.
 *
 * @param log The log's path; undefined for none.
 * @param ready Prints the line that whoever started us waits for.
 */
export async function detach(log: string | undefined, ready: () => Promise<void>): Promise<void> {
  const libc = openLibc({
    open: { parameters: ["buffer", "i32"], result: "i32" },
    dup2: { parameters: ["i32", "i32"], result: "i32" },
  });
  // What mounts needs it, too.
  if (libc === null) throw new Error("the C library is not found");
  const point = (descriptor: number, path: string, flags: number): void => {
    const from = libc.open(new TextEncoder().encode(`${path}\0`), flags);
    // Left open on purpose: there is nothing to gain by closing it.
    if (from >= 0) libc.dup2(from, descriptor);
  };
  Deno.chdir("/");
  point(0, "/dev/null", O_RDWR);
  if (log === undefined) point(2, "/dev/null", O_RDWR);
  else point(2, log, O_WRONLY_APPEND);
  await ready();
  point(1, "/dev/null", O_RDWR);
}
