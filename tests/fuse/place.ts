/**
 * A place on a mount where programs run.
 *
 * @module
 */

import { sleep, within } from "./support.ts";

/** Options of `Place.sh`. */
export interface ShellOptions {
  /** The working directory. Default: the place's. */
  cwd?: string;
  /** The user. Default: the test's user. */
  user?: { uid: number; gid: number };
  /** The time limit in ms. Default 60,000. */
  ms?: number;
}

/** A process that runs in parallel to the test. */
export interface Running {
  /** Resolves with its output on success; rejects on failure. */
  done: Promise<string>;
  /** Whether it has ended. */
  ended(): boolean;
}

/** A directory on a mount, one outside, and the processes that a test runs. */
export class Place implements AsyncDisposable {
  readonly #groups = new Map<number, Promise<unknown>>();

  /**
   * @param dir The directory on the mount.
   * @param out A directory outside.
   */
  constructor(readonly dir: string, readonly out: string) {}

  /**
   * Runs a bash script, with `$OUT` set. It fails at the first failing command.
   *
   * @returns The output.
   * @throws On a failure or a timeout, with the output.
   */
  async sh(script: string, options: ShellOptions = {}): Promise<string> {
    return await this.start(script, options).done;
  }

  /** Starts a script like `sh`, without waiting for it. */
  start(script: string, options: ShellOptions = {}): Running {
    const { ms = 60_000, user, cwd = this.dir } = options;
    // `timeout` creates a process group, which ends with it.
    const child = new Deno.Command("timeout", {
      args: [
        "--kill-after=2",
        String(ms / 1000),
        "bash",
        "-euo",
        "pipefail",
        "-c",
        `ulimit -c 0; exec 2>&1; trap 'echo "failed: $BASH_COMMAND"' ERR\n${script}`,
      ],
      cwd,
      env: {
        OUT: this.out,
        LC_ALL: "C.UTF-8",
        TZ: "UTC",
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_AUTHOR_NAME: "A",
        GIT_AUTHOR_EMAIL: "a@example.org",
        GIT_COMMITTER_NAME: "A",
        GIT_COMMITTER_EMAIL: "a@example.org",
      },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
      ...user,
    }).spawn();
    let ended = false;
    const status = child.status;
    this.#groups.set(child.pid, status);
    const said = new Response(child.stdout).text();
    const done = (async () => {
      const { success, code, signal } = await status;
      ended = true;
      this.#groups.delete(child.pid);
      // Processes left by the script may keep the pipe open.
      const text = await within(said, 60_000, "the end of a script's output");
      if (success) return text;
      const why = code === 124 ? `took over ${ms} ms` : `ended with ${signal ?? code}`;
      throw new Error(`a script ${why}:\n${script}\n--\n${text.slice(-4000)}`);
    })();
    done.catch(() => {});
    return { done, ended: () => ended };
  }

  /** Kills running processes and those that they have started. */
  async stop(): Promise<void> {
    const groups = [...this.#groups];
    const signal = (signal: Deno.Signal) => {
      for (const [pid] of groups) {
        try {
          Deno.kill(-pid, signal);
        } catch {
          // All processes of the group have ended.
        }
      }
    };
    const all = Promise.all(groups.map(([, status]) => status));
    signal("SIGTERM");
    await Promise.race([all, sleep(300)]);
    // A group may outlive its leader.
    signal("SIGKILL");
    await within(all, 60_000, "the end of killed processes");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Quotes text for a shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
