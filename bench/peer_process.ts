/** A peer that runs in a process of its own and answers a line of JSON with a line of JSON. */
export class PeerProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor(program: string, args: string[], options: { cwd?: string } = {}) {
    this.#child = new Deno.Command(program, {
      args,
      ...options,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /**
   * Has one of the peer's functions run.
   *
   * @returns How long the peer says that it took, seconds.
   * @throws {Error} What the peer reports, or that it ended.
   */
  async call(fn: string, ...args: (string | number)[]): Promise<number> {
    await this.#writer.write(new TextEncoder().encode(JSON.stringify([fn, ...args]) + "\n"));
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`the peer ended while it did ${fn}`);
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const answer = JSON.parse(this.#rest.slice(0, end)) as { seconds?: number; error?: string };
    this.#rest = this.#rest.slice(end + 1);
    if (answer.seconds === undefined) throw new Error(`${fn}: ${answer.error}`);
    return answer.seconds;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#child.status;
    await this.#lines.cancel().catch(() => {});
  }
}

/** The folder where peers are installed, kept from run to run. */
export function cacheFolder(): string {
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE") ?? ".";
  return `${Deno.env.get("XDG_CACHE_HOME") ?? `${home}/.cache`}/aloelite-bench`;
}

/** Runs a program to its end. @returns What it printed, and whether it went well. */
export async function output(
  program: string,
  args: string[],
  options: { cwd?: string } = {},
): Promise<{ ok: boolean; text: string }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, { args, ...options })
      .output();
    const decoder = new TextDecoder();
    return { ok: success, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    return { ok: false, text: (error as Error).message };
  }
}
