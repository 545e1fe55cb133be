/**
 * Runs calls in lockstep on two directories, with several processes on each, and compares
 * everything visible: errors, bytes, stat fields, and finally the trees.
 *
 * As a program, it repeats the calls of a file that a failing test has printed, and shows the
 * answers: `deno run -A tests/fuse/differential.ts CALLS.json DIRECTORY DIRECTORY`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Call, PROCESSES, TIMES } from "./differential_ops.ts";
import { pythonPath } from "./python.ts";
import { within } from "./support.ts";

/** Stat fields as `syscalls.py` returns them; `size` is null for a directory. */
export interface Fields {
  mode: number;
  nlink: number;
  uid: number;
  gid: number;
  size: number | null;
  rdev: number;
  ino: string;
  atime: string;
  mtime: string;
  ctime: string;
}

/** An entry of a tree, by its path. */
export interface WalkedEntry extends Fields {
  xattrs: Record<string, string>;
  target?: string;
  data?: { n: number; sha: string; head: string };
}

/** The answer of a process. */
export interface Answer {
  r?: unknown;
  e?: string;
  seen?: Record<string, Fields | string>;
}

const DRIVER = fileURLToPath(new URL("syscalls.py", import.meta.url));

/** A process that makes system calls. */
export class Caller implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor() {
    this.#process = new Deno.Command(pythonPath(), {
      args: ["-u", DRIVER],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#lines = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Makes a call; only one at a time. */
  async call(request: Record<string, unknown>): Promise<Answer> {
    await this.#input.write(new TextEncoder().encode(JSON.stringify(request) + "\n"));
    const parts = [this.#rest];
    while (!parts.at(-1)!.includes("\n")) {
      const { done, value } = await this.#lines.read();
      if (done) throw new Error(`the process that makes calls ended at ${JSON.stringify(request)}`);
      parts.push(value);
    }
    const all = parts.join("");
    const end = all.indexOf("\n");
    this.#rest = all.slice(end + 1);
    return JSON.parse(all.slice(0, end)) as Answer;
  }

  /** Returns the result of a call. @throws On an errno. */
  async result<T = unknown>(request: Record<string, unknown>): Promise<T> {
    const { r, e } = await this.call(request);
    if (e !== undefined) throw new Error(`${e}: ${JSON.stringify(request)}`);
    return r as T;
  }

  /** Ends the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await within(this.#process.status, 30_000, "").catch(() => this.#process.kill("SIGKILL"));
    await this.#lines.cancel().catch(() => {});
  }
}

/** One of the two directories, with its processes. */
export class Side implements AsyncDisposable {
  readonly callers: Caller[] = Array.from({ length: PROCESSES }, () => new Caller());
  #base = "/";

  constructor(
    /** The directory that contains one directory for each run. */
    readonly top: string,
    /** Whether to emulate what a tmpfs lacks. */
    readonly poor: boolean,
  ) {}

  /** Starts a run in a new directory. */
  async start(name: string): Promise<void> {
    this.#base = `${this.top}/${name}/base`;
    Deno.mkdirSync(`${this.top}/${name}`);
    Deno.mkdirSync(this.#base);
    Deno.chmodSync(`${this.top}/${name}`, 0o777);
    Deno.chmodSync(this.#base, 0o777);
    await this.enter();
  }

  /** Enters the run's directory, with no files open. */
  async enter(): Promise<void> {
    for (const caller of this.callers) await caller.result({ do: "start", base: this.#base });
  }

  /** Closes all files and leaves the directory, so that it can be unmounted. */
  async leave(): Promise<void> {
    for (const caller of this.callers) await caller.result({ do: "start", base: "/" });
  }

  /** Makes a call. */
  call(request: Call, extra: Record<string, unknown>): Promise<Answer> {
    return within(
      this.callers[request.who].call({ ...request, ...extra, poor: this.poor }),
      20_000,
      JSON.stringify(request),
    );
  }

  /** Returns the tree of the run. */
  async walk(): Promise<Record<string, WalkedEntry>> {
    await this.callers[0].result({ do: "start", base: this.#base });
    return await this.callers[0].result({ do: "walk", p: "." });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const caller of this.callers) await caller[Symbol.asyncDispose]();
  }
}

/** Options of a comparison. */
export interface CompareOptions {
  /** Whether to wait for the clock before each call, so that changed times can be compared. */
  tick: boolean;
  /** Unmounts the first side and mounts it again. */
  remount?: () => Promise<void>;
  /** Whether a side reuses inode numbers, as ext4 does; they are not compared then. */
  reused?: boolean;
  /** Receives each call with both answers. */
  trace?: (call: Call, left: Answer, right: Answer) => void;
}

/** Checks that each inode on one side corresponds to one inode on the other. */
class Pairs {
  readonly #left = new Map<string, string>();
  readonly #right = new Map<string, string>();

  check(left: string, right: string, where: string): void {
    const known = this.#left.get(left), back = this.#right.get(right);
    if (known === undefined && back === undefined) {
      this.#left.set(left, right);
      this.#right.set(right, left);
    } else {
      assert.ok(
        known === right && back === left,
        `${where}: other inodes are the same: ${left} was ${known}, ${right} was ${back}`,
      );
    }
  }
}

const EXPLICIT = new Set(TIMES);

/** Compares the answers of both sides. */
class Comparison {
  readonly #inodes = new Pairs();
  /** The last mtime and ctime of each inode of each side. */
  readonly #times: [Map<string, Fields>, Map<string, Fields>] = [new Map(), new Map()];
  readonly #tick: boolean;
  readonly #reused: boolean;

  constructor({ tick, reused }: CompareOptions) {
    this.#tick = tick;
    this.#reused = reused ?? false;
  }

  answers(call: Call, left: Answer, right: Answer): void {
    const where = JSON.stringify(call);
    assert.deepEqual(plain(left), plain(right), `${where} differs`);
    for (const [name, one] of Object.entries(left.seen ?? {})) {
      const other = right.seen![name];
      if (typeof one === "string" || typeof other === "string") continue;
      this.fields(`${where}, ${name}`, call, one, other);
    }
  }

  fields(where: string, call: Call | null, left: Fields, right: Fields): void {
    if (!this.#reused) this.#inodes.check(left.ino, right.ino, where);
    const before = [this.#times[0].get(left.ino), this.#times[1].get(right.ino)];
    this.#times[0].set(left.ino, left);
    this.#times[1].set(right.ino, right);
    // A write through a mapping changes times at the first access to a page, or never (tmpfs).
    if (call?.do === "mmap") return;
    for (const name of ["mtime", "ctime"] as const) {
      if (name === "mtime" && (EXPLICIT.has(left.mtime) || EXPLICIT.has(right.mtime))) {
        assert.equal(left.mtime, right.mtime, `${where}: mtime`);
      }
      if (!this.#tick || !before[0] || !before[1]) continue;
      const changed = [left[name] !== before[0][name], right[name] !== before[1][name]];
      assert.equal(
        changed[0],
        changed[1],
        `${where}: ${name} ${changed[0] ? "changes on the left alone" : "stays on the left alone"}`,
      );
    }
    if (call?.do === "utimens" || call?.do === "futimens") {
      if (EXPLICIT.has(right.atime) && String(call.atime) === right.atime) {
        assert.equal(left.atime, right.atime, `${where}: atime`);
      }
    }
  }

  trees(left: Record<string, WalkedEntry>, right: Record<string, WalkedEntry>): void {
    assert.deepEqual(Object.keys(left).sort(), Object.keys(right).sort(), "the names differ");
    for (const [path, one] of Object.entries(left)) {
      const other = right[path];
      assert.deepEqual(shown(one), shown(other), `at the end, ${path} differs`);
      this.fields(`at the end, ${path}`, null, one, other);
    }
  }
}

/** Returns the part of an answer that must be equal. */
function plain(answer: Answer): unknown {
  const seen = Object.entries(answer.seen ?? {})
    .map(([name, fields]) => [name, typeof fields === "string" ? fields : shown(fields)]);
  return { r: answer.r, e: answer.e, seen: Object.fromEntries(seen) };
}

/** Returns the part of an entry that must be equal; inode numbers and times have separate rules. */
function shown<T extends Fields>(entry: T): Partial<T> {
  const { ino: _ino, atime: _atime, mtime: _mtime, ctime: _ctime, ...rest } = entry;
  return rest as unknown as Partial<T>;
}

const SESSION = crypto.randomUUID().slice(0, 8);
let started = 0;

/** Returns the call with descriptors replaced by open ones. */
function aimed(call: Call, open: Set<number>): Call {
  const aim = (slot: unknown) => {
    const slots = [...open].sort();
    return slots.length === 0 ? slot : slots[slot as number % slots.length];
  };
  const aimed = { ...call };
  for (const name of call.do === "open" ? ["at"] : ["slot", "slot2", "at"]) {
    if (name in call) aimed[name] = aim(call[name]);
  }
  return aimed;
}

/** Runs calls on both sides in separate directories. @throws When they differ. */
export async function compare(
  left: Side,
  right: Side,
  script: Call[],
  options: CompareOptions,
): Promise<void> {
  const name = `run-${SESSION}-${++started}`;
  for (const side of [left, right]) await side.start(name);
  const comparison = new Comparison(options);
  const open = Array.from({ length: PROCESSES }, () => new Set<number>());
  for (const drawn of script) {
    const call = aimed(drawn, open[drawn.who]);
    if (call.do === "remount") {
      await survive(left, options.remount!);
      await right.enter();
      for (const slots of open) slots.clear();
      continue;
    }
    const extra = { look: true, ...(options.tick ? { tick: true } : {}) };
    const [one, other] = await Promise.all([left.call(call, extra), right.call(call, extra)]);
    options.trace?.(call, one, other);
    comparison.answers(call, one, other);
    if (call.do === "open") {
      if (other.e === undefined) open[call.who].add(call.slot as number);
      else open[call.who].delete(call.slot as number);
    }
    if (call.do === "close") open[call.who].delete(call.slot as number);
  }
  for (const side of [left, right]) await side.enter();
  comparison.trees(await left.walk(), await right.walk());
}

/** Remounts a side, and asserts that every entry is unchanged, to the nanosecond. */
async function survive(side: Side, remount: () => Promise<void>): Promise<void> {
  // Reading may update access times once.
  await side.walk();
  const before = await side.walk();
  await side.leave();
  await remount();
  await side.enter();
  assert.deepEqual(await side.walk(), before, "after the remount");
}

/** Returns the calls of a script as JSON, one a line. */
export function printed(script: Call[], tick: boolean): string {
  return JSON.stringify({ tick, calls: script }).replaceAll('{"do"', '\n  {"do"') + "\n";
}

async function main(): Promise<void> {
  const [file, one, other] = Deno.args;
  const { tick, calls } = JSON.parse(Deno.readTextFileSync(file)) as {
    tick: boolean;
    calls: Call[];
  };
  await using left = new Side(one, false);
  await using right = new Side(other, true);
  await compare(left, right, calls, {
    tick,
    remount: () => Promise.resolve(),
    trace: (call, a, b) => {
      console.log(JSON.stringify(call));
      console.log("   left ", JSON.stringify(a));
      console.log("   right", JSON.stringify(b));
    },
  });
}

if (import.meta.main) await main();
