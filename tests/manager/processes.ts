import { fileURLToPath } from "node:url";

/** A process of a test, with its lines of output. */
export class TestProcess implements AsyncDisposable {
  readonly child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  private constructor(child: Deno.ChildProcess) {
    this.child = child;
    this.#lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The arguments that run a module of this folder. */
  static words(module: string, ...args: string[]): string[] {
    const path = fileURLToPath(new URL(module, import.meta.url));
    return [Deno.execPath(), "run", "--quiet", "--allow-all", path, ...args];
  }

  /** Starts a module of this folder with the runtime of the test. */
  static deno(module: string, ...args: string[]): TestProcess {
    const [program, ...words] = TestProcess.words(module, ...args);
    return TestProcess.command(program, words);
  }

  /** Starts a program. */
  static command(program: string, args: string[]): TestProcess {
    return new TestProcess(
      new Deno.Command(program, {
        args,
        stdin: "piped",
        stdout: "piped",
        stderr: "inherit",
      }).spawn(),
    );
  }

  /** Returns the next line that it prints. */
  async line(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error(`it ended, having said ${this.#rest}`);
      this.#rest += value;
    }
    const at = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, at);
    this.#rest = this.#rest.slice(at + 1);
    return line;
  }

  /** Writes a line to its standard input. */
  async say(line: string): Promise<void> {
    const writer = this.child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${line}\n`));
    writer.releaseLock();
  }

  /** Ends it and waits. */
  async end(signal: Deno.Signal = "SIGKILL"): Promise<Deno.CommandStatus> {
    try {
      this.child.kill(signal);
    } catch {
      // It has ended already.
    }
    const status = await this.child.status;
    await this.#lines.cancel();
    await this.child.stdin.close().catch(() => {});
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
