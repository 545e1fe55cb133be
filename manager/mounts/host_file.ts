/** Readers that may be stuck at once, in all: more would fill the table of processes. */
const MOST_READERS = 4;

let readers = 0;

/**
 * Reads a small file of the host in a process of its own. A file on a mount that
 * does not answer holds whoever opens it, for ever: here that is neither this
 * process nor one of its threads, of which a few would stop everything that
 * uses the disk.
 *
 * @param path Its full path.
 * @param most Bytes that it may have.
 * @param ms How long it may take.
 * @throws {Error} When it cannot be read, is larger, or takes longer; never with its content.
 */
export async function readHostFile(path: string, most: number, ms: number): Promise<Uint8Array> {
  if (readers >= MOST_READERS) throw new Error("too many files that do not answer");
  const child = new Deno.Command("head", {
    args: ["-c", `${most + 1}`, path],
    env: { PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin" },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  readers++;
  // One that is stuck counts for as long as it is, and keeps nobody from ending.
  void child.status.finally(() => readers--);
  child.unref();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => timer = setTimeout(() => resolve(null), ms));
  const output = child.output();
  try {
    const done = await Promise.race([output, late]);
    if (done === null) throw new Error(`not read within ${ms} ms`);
    if (!done.success) throw new Error("cannot be read");
    if (done.stdout.length > most) throw new Error(`larger than ${most} bytes`);
    return done.stdout;
  } finally {
    clearTimeout(timer);
    output.catch(() => {});
    kill(child);
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended.
  }
}
