import { fileURLToPath } from "node:url";
import { detach, isMounted, Scratch, sleep, within } from "../fuse/support.ts";
import { processesOf } from "../manager/mount_support.ts";
import { TestProcess } from "../manager/processes.ts";

/** The PIN of the volume that has one. */
export const PIN = "4711-soak";

/** Limits that many and slow clients come to within seconds. */
const LIMITS = {
  concurrent: 64,
  connections: 192,
  clientConnections: 64,
  headMs: 1500,
  keepAliveMs: 3000,
  idleBodyMs: 3000,
  jsonWindowMs: 1500,
  bodyWindowMs: 3000,
  idleReadMs: 4000,
  uploadMs: 3000,
  sessionMs: 6000,
  idleFilesystemMs: 500,
  openFilesystems: 4,
};

/** What a process holds, when nothing goes on in it. */
export interface Held {
  /** Open descriptors. */
  descriptors: number;
  /** Threads that run JavaScript of their own. */
  workers: number;
  /** What is resident, bytes. */
  resident: number;
}

/** What is looked at twice. */
export interface Look {
  manager: Held;
  /** What the manager's collector cannot free, bytes. */
  heap: number;
  mount: Held;
  /** All files, logs of SQLite left out: while nothing goes on they are always the same. */
  files: string[];
}

/** A manager as a process, with folders of its own. */
export class Place implements AsyncDisposable {
  readonly #scratch: Scratch;
  readonly #server: TestProcess;
  /** What it keeps. */
  readonly root: string;
  /** Where it is. */
  readonly url: string;

  private constructor(scratch: Scratch, server: TestProcess, url: string) {
    this.#scratch = scratch;
    this.#server = server;
    this.root = scratch.join("root");
    this.url = url;
  }

  static async start(): Promise<Place> {
    const scratch = new Scratch();
    const options = {
      root: scratch.dir("root"),
      port: 0,
      limits: LIMITS,
      fuse: { enabled: true, readyMs: 120_000 },
    };
    // Temporary files of the processes come to a folder that can be looked at.
    const server = TestProcess.command("env", [
      `TMPDIR=${scratch.dir("tmp")}`,
      Deno.execPath(),
      ...["run", "--quiet", "--allow-all", "--v8-flags=--expose-gc"],
      fileURLToPath(new URL("server.ts", import.meta.url)),
      JSON.stringify(options),
    ]);
    try {
      return new Place(scratch, server, await server.line());
    } catch (error) {
      await server.end();
      await scratch[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Ends it as an operator does. @returns Its status. */
  async stop(): Promise<number> {
    return (await within(this.#server.end("SIGTERM"), 60_000, "the manager ends")).code;
  }

  /** What is held, once it is no more than it has been, or does not change any more. */
  async look(mountpoint: string, before?: Look): Promise<Look> {
    const flat = (one: Look) => before !== undefined && excess(before, one).length === 0;
    let last = "";
    let still = 0;
    for (let tries = 0;; tries++) {
      const look = await this.#lookNow(mountpoint);
      const counted = JSON.stringify([counts(look.manager), counts(look.mount), look.files]);
      still = counted === last ? still + 1 : 0;
      last = counted;
      // A first look takes what stays for longer than connections, sessions and workers do.
      if (before === undefined ? still >= 5 || tries >= 60 : flat(look) || tries >= 240) {
        return look;
      }
      await sleep(500);
    }
  }

  async #lookNow(mountpoint: string): Promise<Look> {
    await this.#server.say("gc");
    const { heapUsed, external } = JSON.parse(await this.#server.line());
    const [pid] = processesOf(this.root).filter((pid) =>
      Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").at(-2) === mountpoint
    );
    return {
      manager: held(this.#server.child.pid),
      heap: heapUsed + external,
      mount: held(pid),
      files: this.#files(),
    };
  }

  #files(): string[] {
    const found: string[] = [];
    const walk = (folder: string) => {
      for (const { name, isDirectory } of Deno.readDirSync(folder)) {
        const path = `${folder}/${name}`;
        if (isDirectory) {
          if (!isMounted(path)) walk(path);
          else found.push(path);
        } else if (!/-(wal|shm)$/.test(name)) {
          found.push(path);
        }
      }
    };
    walk(this.#scratch.path);
    return found.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.end();
    for (const pid of processesOf(this.root)) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    for (const { name } of Deno.readDirSync(this.root)) {
      if (name !== "mnt") continue;
      for (const each of Deno.readDirSync(`${this.root}/mnt`)) {
        detach(`${this.root}/mnt/${each.name}`);
      }
    }
    await this.#scratch[Symbol.asyncDispose]();
  }
}

const MB = 2 ** 20;

/** Workers that wait for half a minute for more to do, at most. */
const MOST_WORKERS = 6;

/** Descriptors that come and go by themselves, and those of a worker. */
const FEW = 8;

/**
 * What is more than it may be, in words. What runs for longer does not hold more:
 * a few descriptors and threads come and go by themselves, and an allocator keeps
 * pages; what each request, connection or mount left behind would be far above.
 */
export function excess(before: Look, after: Look): string[] {
  const found: string[] = [];
  const compare = (what: string, was: number, is: number, most: number) => {
    if (is > most) found.push(`${what}: ${was}, later ${is}`);
  };
  for (const one of ["manager", "mount"] as const) {
    const [was, is] = [before[one], after[one]];
    const idle = Math.max(0, is.workers - was.workers);
    const descriptors = was.descriptors + FEW + idle * FEW;
    compare(`${one}: descriptors`, was.descriptors, is.descriptors, descriptors);
    compare(`${one}: workers`, was.workers, is.workers, Math.max(was.workers, MOST_WORKERS));
    compare(`${one}: MiB`, was.resident / MB, is.resident / MB, was.resident * 1.3 / MB + 96);
  }
  compare("heap, MiB", before.heap / MB, after.heap / MB, before.heap * 1.3 / MB + 16);
  const known = new Set(before.files);
  const more = after.files.filter((path) => !known.has(path));
  if (more.length > 0) found.push(`files: ${more}`);
  return found;
}

function counts({ descriptors, workers }: Held): number[] {
  return [descriptors, workers];
}

/** What a process holds. */
function held(pid: number): Held {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  let workers = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    try {
      const thread = Deno.readTextFileSync(`/proc/${pid}/task/${name}/comm`);
      if (thread.startsWith("worker-")) workers++;
    } catch {
      // It has ended.
    }
  }
  return {
    descriptors: [...Deno.readDirSync(`/proc/${pid}/fd`)].length,
    workers,
    resident: Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) * 1024,
  };
}
