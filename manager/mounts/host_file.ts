/** Readers that may hang at once: more would fill the process table. */
const MOST_READERS = 4;

let readers = 0;

/**
 * Reads a small file of the host in a process of its own. Opening a file on a mount
 * that does not answer blocks forever. In this process it would block one of a few
 * threads that do all file I/O.
 *
 * @param path Its full path.
 * @param most Its size at most, bytes.
 * @param ms How long it may take, ms.
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
  // A reader that hangs counts as long as it does, but does not keep this process alive.
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
    // It has already ended.
  }
}
