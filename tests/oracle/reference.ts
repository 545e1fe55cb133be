/**
 * The Python package `aloelite`, installed in a virtual environment of its own
 * and driven as a black box by `driver.py`.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** One answer of the driver that is an error: `code` is the package's own. */
export class OracleError extends Error {
  /** The package's error code, or `python:` and an exception's name. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** A running driver process. */
export class Reference {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;
  #lane: Promise<unknown> = Promise.resolve();

  private constructor(python: string) {
    this.#child = new Deno.Command(python, {
      args: ["-u", fileURLToPath(new URL("driver.py", import.meta.url))],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
      env: { PYTHONDONTWRITEBYTECODE: "1" },
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#lines = lines(this.#child.stdout);
  }

  /** Starts a driver with the interpreter of a virtual environment. */
  static start(python: string): Reference {
    return new Reference(python);
  }

  /** Calls one of the driver's functions; calls are answered in order. */
  call<T = unknown>(
    fn: string,
    args: Record<string, unknown> = {},
  ): Promise<T> {
    const answer = this.#lane.then(() => this.#ask(fn, args));
    this.#lane = answer.catch(() => {});
    return answer as Promise<T>;
  }

  async #ask(fn: string, args: Record<string, unknown>): Promise<unknown> {
    const request = JSON.stringify({ fn, args }) + "\n";
    await this.#writer.write(new TextEncoder().encode(request));
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the reference ended while answering ${fn}`);
    const answer = JSON.parse(value) as {
      ok?: unknown;
      err?: string;
      message?: string;
    };
    if (answer.err !== undefined) {
      throw new OracleError(answer.err, answer.message ?? "");
    }
    return answer.ok;
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lane;
    await this.#writer.close();
    await this.#lines.return?.();
    await this.#child.status;
  }
}

async function* lines(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const part of stream) {
    rest += decoder.decode(part, { stream: true });
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      yield rest.slice(0, end);
      rest = rest.slice(end + 1);
    }
  }
}

/** Either the interpreter that has a release of the package, or why there is none. */
export type Installed = { python: string } | { missing: string };

/**
 * Finds or makes the virtual environment of one release, in the user's cache.
 *
 * `ALOELITE_ORACLE=off` does without; `ALOELITE_ORACLE_DIR` names another
 * folder for the environments.
 *
 * @param release The release to install, for instance `0.4.0`.
 * @returns The interpreter, or the reason why the oracle is to be skipped.
 */
export async function install(release: string): Promise<Installed> {
  if (Deno.env.get("ALOELITE_ORACLE") === "off") {
    return { missing: "ALOELITE_ORACLE=off" };
  }
  const root = cacheFolder();
  const home = `${root}/${release}`;
  const python = (venv: string) =>
    Deno.build.os === "windows" ? `${venv}/Scripts/python.exe` : `${venv}/bin/python`;
  if ((await run(python(home), ["-c", "import aloelite"])).ok) {
    return { python: python(home) };
  }
  const system = Deno.build.os === "windows" ? "python" : "python3";
  const present = await run(system, ["--version"]);
  if (!present.ok) return { missing: "no python3" };
  // Made under another name and renamed when whole, so that neither a broken
  // install nor a second test run ever leaves half an environment behind.
  await Deno.mkdir(root, { recursive: true });
  const making = await Deno.makeTempDir({ dir: root, prefix: `${release}-` });
  try {
    const venv = await run(system, ["-m", "venv", making]);
    if (!venv.ok) return { missing: `python3 -m venv failed: ${venv.said}` };
    const pip = await run(python(making), [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      `aloelite[bundled-sqlite]==${release}`,
    ]);
    if (!pip.ok) {
      return {
        missing: `pip could not install aloelite ${release}: ${pip.said}`,
      };
    }
    await Deno.remove(home, { recursive: true }).catch(() => {});
    await Deno.rename(making, home).catch(() => {});
  } finally {
    await Deno.remove(making, { recursive: true }).catch(() => {});
  }
  const check = await run(python(home), ["-c", "import aloelite"]);
  return check.ok ? { python: python(home) } : { missing: `aloelite ${release} does not import` };
}

function cacheFolder(): string {
  const own = Deno.env.get("ALOELITE_ORACLE_DIR");
  if (own) return own;
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? Deno.env.get("LOCALAPPDATA");
  if (cache) return `${cache}/aloelite-oracle`;
  const home = Deno.env.get("HOME");
  if (home) return `${home}/.cache/aloelite-oracle`;
  return `${Deno.env.get("TMPDIR") ?? "/tmp"}/aloelite-oracle`;
}

async function run(
  command: string,
  args: string[],
): Promise<{ ok: boolean; said: string }> {
  try {
    const { success, stderr } = await new Deno.Command(command, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    const said = new TextDecoder().decode(stderr).trim().split("\n").at(-1) ??
      "";
    return { ok: success, said };
  } catch (error) {
    return { ok: false, said: String(error) };
  }
}
