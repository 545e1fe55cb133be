/**
 * One of several processes on one file. Works for the given time, then prints
 * what it committed as JSON: a {@linkcode Log}.
 *
 * @module
 */

import { AloeError, AloeLite, type Mount } from "../../../mod.ts";
import { noise, random, sha256 } from "../crash/support.ts";
import { CHUNK, makeRecord, readRecord } from "./record.ts";

/** The task of a worker. */
export interface Job {
  file: string;
  name: string;
  role: "writer" | "reader";
  seconds: number;
  seed: number;
  /** The destination of the reader's backups. */
  backup?: string;
}

/** The result of a worker. */
export interface Log {
  name: string;
  /** Successful operations by kind. */
  done: Record<string, number>;
  /** Refused operations by code. */
  refused: Record<string, number>;
  /** Ids of the nodes that it created, in order. */
  ids: string[];
  /** Paths that must exist at the end, with a digest for a file. */
  paths: Record<string, string | null>;
  /** Numbers of the records that it committed to each shared file. */
  records: Record<string, number[]>;
  /** Unexpected events. */
  faults: string[];
}

/** The files that all processes write. */
export const SHARED = ["/shared/0", "/shared/1", "/shared/2"];

class Worker {
  readonly log: Log;
  readonly #fs: AloeLite;
  readonly #mount: Mount;
  readonly #job: Job;
  readonly #next: () => number;
  /** The expected content of the process's own files. */
  readonly #own = new Map<string, Uint8Array<ArrayBuffer>>();
  #serial = 0;

  constructor(fs: AloeLite, mount: Mount, job: Job) {
    this.#fs = fs;
    this.#mount = mount;
    this.#job = job;
    this.#next = random(job.seed);
    this.log = {
      name: job.name,
      done: {},
      refused: {},
      ids: [],
      paths: {},
      records: Object.fromEntries(SHARED.map((path) => [path, []])),
      faults: [],
    };
  }

  async work(): Promise<void> {
    const until = performance.now() + this.#job.seconds * 1000;
    while (performance.now() < until) {
      if (this.#job.role === "reader") await this.#look();
      else await this.#change();
    }
    for (const [path, bytes] of this.#own) this.log.paths[path] = await sha256(bytes);
  }

  // --- writing -----------------------------------------------------------------

  async #change(): Promise<void> {
    const n = this.#serial++;
    const { name } = this.#job;
    const kind = this.#below(12);
    if (kind < 3) await this.#append(`/${name}-${this.#below(3)}`, n);
    else if (kind < 5) await this.#writeShared(n);
    else if (kind < 7) await this.#streamShared(n);
    else if (kind < 9) await this.#wander(n);
    else if (kind < 10) await this.#batch(n);
    else if (kind < 11) await this.#trash(n);
    else await this.#maintain();
  }

  async #append(path: string, n: number): Promise<void> {
    const bytes = noise(this.#job.seed + n, 1 + this.#below(3 * CHUNK));
    const before = this.#own.get(path);
    const done = await this.#try("append", async () => {
      if (before === undefined) this.log.ids.push(await this.#mount.createEntry(path, bytes));
      else if (n % 2 === 0) await this.#mount.append(path, bytes);
      else {
        const out = await this.#mount.openWrite(path, "append");
        await out.write(bytes);
        await out.close();
      }
    });
    if (!done) return;
    const joined = new Uint8Array((before?.length ?? 0) + bytes.length);
    joined.set(before ?? new Uint8Array(0));
    joined.set(bytes, before?.length ?? 0);
    this.#own.set(path, joined);
  }

  async #writeShared(n: number): Promise<void> {
    const path = SHARED[this.#below(SHARED.length)];
    const record = makeRecord(this.#job.name, n, this.#below(4 * CHUNK));
    if (await this.#try("write shared", () => this.#mount.writeAll(path, record))) {
      this.log.records[path].push(n);
    }
  }

  async #streamShared(n: number): Promise<void> {
    const path = SHARED[this.#below(SHARED.length)];
    const record = makeRecord(this.#job.name, n, this.#below(12 * CHUNK));
    const done = await this.#try("stream shared", async () => {
      const out = await this.#mount.openWrite(path);
      for (let at = 0; at < record.length; at += 1500) {
        await out.write(record.subarray(at, at + 1500));
        // Let the other processes run while the entry is locked.
        if (this.#below(4) === 0) await pause(this.#below(8));
      }
      await out.close();
    });
    if (done) this.log.records[path].push(n);
  }

  /** Moves a directory of its own through shared ones. */
  async #wander(n: number): Promise<void> {
    const { name } = this.#job;
    const first = `/shared/${name}-${n}`;
    const second = `/shared/${name}-${n}-renamed`;
    const third = `/shared/to/${name}-${n}`;
    const made = await this.#try("mkdir", async () => {
      this.log.ids.push(await this.#mount.mkdir(first));
    });
    if (!made) return;
    const renamed = await this.#try(
      "rename",
      () => this.#mount.rename(first, `${name}-${n}-renamed`),
    );
    const here = renamed ? second : first;
    const moved = await this.#try("move", () => this.#mount.move(here, third));
    this.log.paths[moved ? third : here] = null;
  }

  async #batch(n: number): Promise<void> {
    const { name } = this.#job;
    const made: string[] = [];
    const ids: string[] = [];
    const bytes = noise(n, 600);
    const done = await this.#try("batch", () =>
      this.#mount.batch(async (tx) => {
        for (let i = 0; i < 5; i++) {
          made.push(`/shared/to/${name}-${n}-${i}`);
          ids.push(await tx.createEntry(made[i], bytes));
        }
      }));
    if (!done) return;
    this.log.ids.push(...ids);
    const digest = await sha256(bytes);
    for (const path of made) this.log.paths[path] = digest;
  }

  async #trash(n: number): Promise<void> {
    const path = `/shared/${this.#job.name}-${n}-back`;
    const bytes = noise(n, 300);
    let id = "";
    const made = await this.#try("create", async () => {
      id = await this.#mount.createEntry(path, bytes);
      this.log.ids.push(id);
    });
    if (!made) return;
    this.log.paths[path] = await sha256(bytes);
    if (!await this.#try("remove", () => this.#mount.remove(path))) return;
    const restored = await this.#try("restore", async () => {
      if (await this.#mount.restore(id) !== path) throw new Error(`${path}: restored elsewhere`);
    });
    if (!restored) delete this.log.paths[path];
  }

  /** Maintenance by one process never affects what another one uses. */
  async #maintain(): Promise<void> {
    await this.#try("prune", () => this.#fs.prune());
    await this.#try("prune content", () => this.#fs.pruneContent());
  }

  // --- reading -----------------------------------------------------------------

  async #look(): Promise<void> {
    const path = SHARED[this.#below(SHARED.length)];
    await this.#try("read shared", async () => this.#check(path, await this.#mount.readAll(path)));
    await this.#try("stream", async () => {
      const [{ version, size }] = await this.#mount.history(path);
      await using input = await this.#mount.openRead(path, { version });
      const bytes = new Uint8Array(size);
      let at = 0;
      for await (const chunk of input.readable) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      this.#check(path, bytes);
    });
    await this.#try("list", async () => {
      for (const dir of ["/", "/shared", "/shared/to"]) {
        const listed = await this.#mount.list(dir);
        if (listed.some((child) => !child.visible)) {
          this.log.faults.push(`${dir}: a name is there twice`);
        }
        for (const child of listed.slice(-3)) await this.#mount.statById(child.node);
      }
    });
    if (this.#serial++ % 20 === 10) {
      await this.#try("health", async () => {
        for (const { kind, id } of await this.#fs.health()) this.log.faults.push(`${kind} ${id}`);
      });
      await this.#try("verify", async () => {
        this.log.faults.push(...(await this.#mount.verify()).problems);
      });
    }
    const { backup } = this.#job;
    if (backup !== undefined && this.#serial === 30) {
      await this.#try("backup", () => this.#fs.backup(backup));
    }
  }

  #check(path: string, bytes: Uint8Array): void {
    const problem = readRecord(bytes).problem;
    if (problem !== null) this.log.faults.push(`${path}: ${problem}`);
  }

  // --- both --------------------------------------------------------------------

  /** Runs an operation that may fail only with `lock_held` or `busy`. */
  async #try(what: string, task: () => Promise<unknown>): Promise<boolean> {
    try {
      await task();
      this.log.done[what] = (this.log.done[what] ?? 0) + 1;
      return true;
    } catch (error) {
      const code = error instanceof AloeError ? error.code : "none";
      this.log.refused[code] = (this.log.refused[code] ?? 0) + 1;
      if (code !== "lock_held" && code !== "busy") {
        this.log.faults.push(`${what}: ${(error as Error).stack}`);
      }
      return false;
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (import.meta.main) {
  const job: Job = JSON.parse(Deno.args[0]);
  await using fs = await AloeLite.open(job.file, { create: false });
  await using mount = await fs.mount("main");
  const worker = new Worker(fs, mount, job);
  await worker.work();
  console.log(JSON.stringify(worker.log));
}
