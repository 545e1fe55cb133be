/** Helpers for tests of the command line, which run it as a real process. */

import assert from "node:assert/strict";

/** The entry module of the command line. */
export const MAIN: string = new URL("../../cli/main.ts", import.meta.url).pathname;

/** The arguments that run it. */
export const RUN: readonly string[] = [
  ...["run", "--no-check", "--allow-all"],
  `--lock=${new URL("../../cli/deno.lock", import.meta.url).pathname}`,
  MAIN,
];

/**
 * Arguments for a process whose content changes hang in a statement, once a
 * marker file exists.
 */
export function hangingOnce(sign: string): Given {
  return {
    preload: new URL("./hang/preload.ts", import.meta.url),
    env: { ALOELITE_TEST_HANG: sign },
  };
}

/** How a process ended. */
export interface Ended {
  code: number;
  out: string;
  bytes: Uint8Array;
  err: string;
}

/** Settings of a process beside its arguments. */
export interface Given {
  stdin?: string | Uint8Array;
  env?: Record<string, string>;
  cwd?: string;
  /** A module that is loaded before the command line. */
  preload?: URL;
}

/** Starts the command line. */
export function start(
  args: readonly string[],
  given: Given = {},
): Deno.ChildProcess {
  const [run, ...words] = RUN;
  const preload = given.preload === undefined ? [] : [`--preload=${given.preload.pathname}`];
  return new Deno.Command(Deno.execPath(), {
    args: [run, ...preload, ...words, ...args],
    stdin: given.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    cwd: given.cwd,
    env: { NO_COLOR: "1", ...given.env },
  }).spawn();
}

/** Runs the command line to its end. */
export async function aloelite(
  args: readonly string[],
  given: Given = {},
): Promise<Ended> {
  const child = start(args, given);
  if (given.stdin !== undefined) {
    const writer = child.stdin.getWriter();
    const data = typeof given.stdin === "string"
      ? new TextEncoder().encode(given.stdin)
      : given.stdin;
    await writer.write(data).then(() => writer.close(), () => {});
  }
  const { code, stdout, stderr } = await child.output();
  const text = new TextDecoder();
  return {
    code,
    out: text.decode(stdout),
    bytes: stdout,
    err: text.decode(stderr),
  };
}

/** The command line on one file, in a temporary folder. */
export class Bench implements Disposable {
  /** The working folder. */
  readonly folder: string = Deno.makeTempDirSync({ prefix: "aloelite-cli-" });
  /** The file. */
  readonly file: string = `${this.folder}/t.aloe`;

  /** Runs a command on the file. */
  async run(args: readonly string[], given: Given = {}): Promise<Ended> {
    return await aloelite(["-f", this.file, ...args], {
      cwd: this.folder,
      ...given,
    });
  }

  /** Runs a command that has to succeed without output on standard error. */
  async ok(args: readonly string[], given: Given = {}): Promise<string> {
    const ended = await this.run(args, given);
    assert.equal(ended.err, "", args.join(" "));
    assert.equal(ended.code, 0, args.join(" "));
    return ended.out;
  }

  /** Runs a command that has to print one JSON document. */
  // deno-lint-ignore no-explicit-any
  async json(args: readonly string[], given: Given = {}): Promise<any> {
    return JSON.parse(await this.ok([...args, "--json"], given));
  }

  /** Runs a command that has to fail. */
  async fails(
    code: number,
    args: readonly string[],
    given: Given = {},
  ): Promise<string> {
    const ended = await this.run(args, given);
    assert.equal(
      ended.code,
      code,
      `${args.join(" ")}: ${ended.err}${ended.out}`,
    );
    assert.match(ended.err, /^aloelite: /, args.join(" "));
    assert.doesNotMatch(ended.err, /\n\s+at /, "a stack trace");
    return ended.err;
  }

  /** Returns a path in the folder. */
  path(name: string): string {
    return `${this.folder}/${name}`;
  }

  [Symbol.dispose](): void {
    new Deno.Command("chmod", { args: ["-R", "u+rwX", this.folder] })
      .outputSync();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** Returns whether a local path exists. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns whether volumes can be mounted here: needs Linux, `/dev/fuse` and the
 * package fuse3.
 */
export function canMount(): boolean {
  if (Deno.build.os !== "linux") return false;
  try {
    Deno.openSync("/dev/fuse", { read: true, write: true }).close();
    return new Deno.Command("fusermount3", { args: ["-V"] }).outputSync().success;
  } catch {
    return false;
  }
}

/** Quotes words for a shell. */
export function quoted(words: readonly string[]): string {
  return words.map((w) => `'${w.replaceAll("'", "'\\''")}'`).join(" ");
}

/**
 * Runs the command line on a terminal of its own and answers its questions.
 *
 * @returns The output of the terminal, and the exit code.
 */
export async function onTerminal(
  args: readonly string[],
  answers: readonly string[],
): Promise<{ shown: string; code: number }> {
  const child = new Deno.Command("script", {
    args: ["-qec", quoted([Deno.execPath(), ...RUN, ...args]), "/dev/null"],
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  const left = [...answers];
  let shown = "";
  let asked = 0;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    const questions = shown.match(/PIN[^:]*: /g)?.length ?? 0;
    while (asked < questions && left.length > 0) {
      asked++;
      await writer.write(new TextEncoder().encode(left.shift()!));
    }
  }
  await writer.close().catch(() => {});
  return { shown, code: (await child.status).code };
}
