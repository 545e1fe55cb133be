import { fileURLToPath } from "node:url";
import {
  type FusePeer,
  gocryptfs,
  Mounted,
  obstacle,
  ours,
  passthrough,
  reference,
} from "./fuse_peers.ts";
import {
  type Bar,
  type Bench,
  compare,
  type Figure,
  limit,
  median,
  type Row,
  skipped,
} from "./harness.ts";
import { PeerProcess } from "./peer_process.ts";

/** What a mount is like for programs, beside other filesystems that are mounted through FUSE. */
export const mounts: Figure[] = [
  { name: "fuse-stream", run: (bench) => beside(bench, STREAM, streams) },
  { name: "fuse-files", run: (bench) => beside(bench, FILES, files) },
  { name: "fuse-programs", run: (bench) => beside(bench, PROGRAMS, programs) },
  { name: "fuse-directories", run: directories },
  { name: "fuse-sparse", run: sparse },
  { name: "fuse-memory", run: memory },
];

/** One thing that is measured, and what is asked of it. */
interface Work {
  figure: string;
  unit: string;
  /** Ours, plain, against passthrough_ll: at least. */
  plain?: number;
  /** Ours, encrypted, against gocryptfs: at least. */
  encrypted?: number;
}

/** Ours, plain, against the reference's driver, with everything. */
const REFERENCE = 3;

const STREAM = {
  write: { figure: "sequential write + fsync", unit: "MiB/s", plain: 0.7, encrypted: 1.0 },
  read: { figure: "sequential read, cold", unit: "MiB/s", plain: 0.6, encrypted: 1.0 },
  randomRead: { figure: "random 4 KiB read, cold", unit: "op/s", plain: 0.5, encrypted: 0.5 },
  randomWrite: {
    figure: "500 random 4 KiB writes, fsync",
    unit: "op/s",
    plain: 0.7,
    encrypted: 0.8,
  },
  randomSync: { figure: "random 4 KiB write + fsync", unit: "op/s", plain: 0.4, encrypted: 0.4 },
} satisfies Record<string, Work>;

const FILES = {
  create: { figure: "create a 4 KiB file", unit: "op/s", plain: 0.6, encrypted: 1.0 },
  read: { figure: "read a 4 KiB file, cold", unit: "op/s", plain: 0.8, encrypted: 1.0 },
  stat: { figure: "stat, cold", unit: "op/s", plain: 0.8, encrypted: 1.0 },
  scandir: { figure: "scandir + stat", unit: "op/s", plain: 1.0, encrypted: 1.0 },
  scandirCold: { figure: "scandir + stat, cold", unit: "op/s" },
  rename: { figure: "rename", unit: "op/s", plain: 0.5, encrypted: 0.8 },
  unlink: { figure: "unlink", unit: "op/s", plain: 0.5, encrypted: 0.8 },
  append: { figure: "append 128 bytes", unit: "op/s", plain: 3.0, encrypted: 3.0 },
} satisfies Record<string, Work>;

const PROGRAMS = {
  untar: { figure: "untar headers", unit: "files/s", plain: 0.7, encrypted: 1.0 },
  remove: { figure: "rm -r of them", unit: "files/s", plain: 0.7, encrypted: 1.0 },
  git: {
    figure: "git init, add, commit, gc, fsck",
    unit: "runs/s",
    plain: 0.7,
    encrypted: 1.0,
  },
} satisfies Record<string, Work>;

/** Files and turns of what a daemon is warmed up with after each mount. */
const WARM = { files: 500, turns: 2 };

/** A filesystem under measurement. */
class Side {
  readonly rates = new Map<string, number[]>();
  /** Why a figure cannot be had. */
  readonly failures = new Map<string, string>();
  readonly client: PeerProcess;

  constructor(readonly peer: FusePeer, readonly mounted: Mounted) {
    this.client = new PeerProcess("python3", [
      "-u",
      fileURLToPath(new URL("fuse_workloads.py", import.meta.url)),
    ]);
  }

  /** A path in the mounted directory. */
  path(name: string): string {
    return `${this.mounted.mountpoint}/${name}`;
  }

  /** How many of something this side is given. */
  count(usual: number): number {
    return Math.ceil(usual * this.peer.scale);
  }

  /** Mounted anew, its code warm, its caches empty. */
  async cold(): Promise<void> {
    await this.mounted.unmount();
    await this.mounted.mount();
    const directory = this.path("warm");
    const files = this.count(WARM.files);
    if (!await exists(directory)) await this.client.call("warm_prepare", directory, files);
    await this.client.call("warm", directory, files, WARM.turns);
    await this.settle();
    await this.client.call("drop_caches", this.mounted.mountpoint, 3);
  }

  async settle(): Promise<void> {
    await this.client.call("settle", this.mounted.mountpoint);
  }

  /** Has the client do something `amount` times, and keeps the rate under a figure's key. */
  async measure(key: string, amount: number, fn: string, ...args: (string | number)[]) {
    if (this.failures.has(key)) return;
    try {
      const rate = amount / await this.client.call(fn, ...args);
      this.rates.set(key, [...this.rates.get(key) ?? [], rate]);
    } catch (error) {
      this.failures.set(key, (error as Error).message);
    }
    await this.settle();
  }
}

/** One round of a group of figures on one side. */
type Session = (side: Side, round: number, bench: Bench) => Promise<void>;

const PEERS = [ours(false), passthrough, ours(true), gocryptfs, reference];

const NOTE = "cold: mounted anew, code warmed up in another directory, kernel's caches dropped";

/** Runs a group of figures on all peers in turn, each round beginning with another. */
async function beside(bench: Bench, works: Record<string, Work>, session: Session) {
  const reason = await obstacle();
  if (reason !== null) return Object.values(works).flatMap((work) => rowsWithout(work, reason));
  const rounds = bench.quick ? 3 : 5;
  const missing = new Map<FusePeer, string>();
  const sides = new Map<FusePeer, Side>();
  try {
    for (const peer of PEERS) {
      const directory = bench.path("fuse");
      await Deno.mkdir(`${directory}/mounted`, { recursive: true });
      const started = await peer.start(directory);
      if ("missing" in started) missing.set(peer, started.missing);
      else sides.set(peer, new Side(peer, new Mounted(started, `${directory}/mounted`)));
    }
    for (let round = 0; round < rounds; round++) {
      const turn = round % PEERS.length;
      for (const peer of [...PEERS.slice(turn), ...PEERS.slice(0, turn)]) {
        const side = sides.get(peer);
        if (side === undefined || missing.has(peer)) continue;
        bench.say(`round ${round + 1} of ${rounds}: ${peer.name}`);
        try {
          await session(side, round, bench);
        } catch (error) {
          missing.set(peer, (error as Error).message);
        }
        await side.mounted.unmount();
      }
    }
  } finally {
    for (const side of sides.values()) {
      await side.client[Symbol.asyncDispose]();
      await side.mounted.unmount();
    }
  }
  return Object.entries(works).flatMap(([key, work]) => {
    const find = (peer: FusePeer) => {
      const rates = sides.get(peer)?.rates.get(key);
      if (rates !== undefined) return rates;
      return missing.get(peer) ?? sides.get(peer)?.failures.get(key) ?? "not measured";
    };
    return pairs(work).map(({ row, our, peer }) => rowOf(row, find(our), find(peer)));
  });
}

/** The rows of one figure, with whom each compares. */
function pairs(work: Work) {
  const [plain, through, encrypted, others, python] = PEERS;
  const row = (bar: number | undefined, our: FusePeer, peer: FusePeer) => ({
    row: {
      figure: our === plain ? work.figure : `${work.figure}, encrypted`,
      against: peer.name,
      unit: work.unit,
      bar: bar === undefined ? {} : { least: bar } as Bar,
    },
    our,
    peer,
  });
  return [
    row(work.plain, plain, through),
    row(work.encrypted, encrypted, others),
    row(REFERENCE, plain, python),
  ];
}

function rowsWithout(work: Work, reason: string): Row[] {
  return pairs(work).map(({ row }) => skipped(row, reason));
}

/** A row of what both sides gave, or of why one of them gave nothing. */
function rowOf(
  row: Pick<Row, "figure" | "against" | "unit" | "bar">,
  our: number[] | string,
  peer: number[] | string,
): Row {
  // What ours cannot do is a miss, not something that this machine lacks.
  if (typeof our === "string") {
    const beside = typeof peer === "string" ? null : median(peer);
    const { unit } = row;
    return { ...skipped(row, our), unit, peer: beside, pass: false, note: `failed: ${our}` };
  }
  if (typeof peer === "string") return { ...skipped(row, peer), unit: row.unit, ours: median(our) };
  const note = row.figure.endsWith("cold") && row.against === passthrough.name ? NOTE : "";
  return compare({ ...row, note }, { ours: our, peer });
}

/** A large file, written and read from the start to the end and here and there. */
async function streams(side: Side, round: number, bench: Bench): Promise<void> {
  const mib = side.count(bench.quick ? 128 : 512);
  const reads = side.count(bench.quick ? 500 : 2_000);
  const synced = side.count(bench.quick ? 100 : 300);
  const path = side.path("large");
  await side.cold();
  await side.measure("write", mib, "sequential_write", path, mib);
  await side.measure("randomWrite", 500, "random_write", path, mib, 500, round, 0);
  await side.measure("randomSync", synced, "random_write", path, mib, synced, round + 100, 1);
  await side.cold();
  await side.measure("read", mib, "sequential_read", path, mib);
  await side.cold();
  await side.measure("randomRead", reads, "random_read", path, mib, reads, round + 200);
  await side.client.call("remove", path);
}

/** Many small files in one directory. */
async function files(side: Side, round: number, bench: Bench): Promise<void> {
  const count = side.count(bench.quick ? 500 : 2_000);
  const appended = side.count(bench.quick ? 5_000 : 20_000);
  const directory = side.path(`files${round}`);
  await side.cold();
  await side.measure("create", count, "create", directory, count);
  await side.measure("append", appended, "append", side.path(`appended${round}`), appended);
  await side.cold();
  await side.measure("stat", count, "stat_files", directory, count);
  await side.measure("scandir", count, "scandir_stat", directory, count);
  await side.cold();
  await side.measure("scandirCold", count, "scandir_stat", directory, count);
  await side.cold();
  await side.measure("read", count, "read_files", directory, count);
  await side.measure("rename", count, "rename", directory, count);
  await side.measure("unlink", count, "unlink", directory, count, "renamed");
}

/** Programs that people run. */
async function programs(side: Side, round: number, bench: Bench): Promise<void> {
  const archive = await headers(bench, side.count(bench.quick ? 1_000 : 4_000));
  await side.cold();
  if (archive === null) {
    for (const key of ["untar", "remove"]) side.failures.set(key, "too few headers are installed");
  } else {
    const tree = side.path(`tree${round}`);
    await side.measure("untar", archive.files, "untar", archive.path, tree);
    await side.measure("remove", archive.files, "remove_tree", tree);
  }
  await side.measure("git", 1, "git", side.path(`git${round}`), 200);
}

interface Archive {
  path: string;
  files: number;
}

const archives = new Map<number, Archive | null>();

/** An archive of so many installed headers, made once; null when there are too few. */
async function headers(bench: Bench, count: number): Promise<Archive | null> {
  const known = archives.get(count);
  if (known !== undefined) return known;
  const found: string[] = [];
  const collect = async (directory: string) => {
    const entries = await Array.fromAsync(Deno.readDir(`/usr/include/${directory}`));
    for (const { name, isFile, isDirectory } of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
      if (found.length === count) return;
      const path = directory === "" ? name : `${directory}/${name}`;
      if (isDirectory) await collect(path);
      else if (isFile) found.push(path);
    }
  };
  await collect("").catch(() => {});
  let archive: Archive | null = null;
  if (found.length >= count / 2) {
    const list = bench.path("headers.txt");
    const path = bench.path("headers.tar");
    await Deno.writeTextFile(list, found.join("\n"));
    const args = ["-C", "/usr/include", "-cf", path, "-T", list];
    const { success } = await new Deno.Command("tar", { args }).output();
    if (success) archive = { path, files: found.length };
  }
  archives.set(count, archive);
  return archive;
}

/** Mounts a new plain volume of ours alone. */
async function alone(bench: Bench): Promise<Side> {
  const peer = PEERS[0];
  const directory = bench.path("fuse");
  await Deno.mkdir(`${directory}/mounted`, { recursive: true });
  const command = await peer.start(directory);
  if ("missing" in command) throw new Error(command.missing);
  const side = new Side(peer, new Mounted(command, `${directory}/mounted`));
  await side.cold();
  return side;
}

/** The rows of figures of ours alone; skipped where nothing can be mounted. */
async function ofOurs(
  bench: Bench,
  works: (Pick<Row, "figure" | "against" | "unit" | "bar"> & { key: string; base: string })[],
  run: (side: Side) => Promise<void>,
): Promise<Row[]> {
  const reason = await obstacle();
  if (reason !== null) return works.map((work) => skipped(work, reason));
  const side = await alone(bench);
  try {
    await run(side);
  } finally {
    await side.client[Symbol.asyncDispose]();
    await side.mounted.unmount();
  }
  return works.map(({ key, base, ...row }) => {
    const find = (key: string) => side.rates.get(key) ?? side.failures.get(key) ?? "not measured";
    return rowOf(row, find(key), find(base));
  });
}

/** What a directory's size costs. */
function directories(bench: Bench): Promise<Row[]> {
  const [few, many] = [200, bench.quick ? 20_000 : 200_000];
  const rounds = bench.quick ? 5 : 9;
  const works = [
    { name: "lookup", figure: "lookup" },
    { name: "create", figure: "create" },
    { name: "unlink", figure: "unlink" },
    { name: "list", figure: `first ${few} of a listing` },
  ].map(({ name, figure }) => ({
    figure: `${figure}, directory of ${many}`,
    against: `directory of ${few}`,
    unit: "op/s",
    bar: { least: 0.67 },
    key: `${name}${many}`,
    base: `${name}${few}`,
  }));
  return ofOurs(bench, works, async (side) => {
    bench.say(`directories of ${few} and ${many} files`);
    for (const size of [few, many]) {
      await side.client.call("create_empty", side.path(`of${size}`), size, "f");
    }
    await side.settle();
    await side.cold();
    // Once through both, so that it is not the disk that is measured.
    for (const size of [few, many]) {
      await side.client.call("stat_files", side.path(`of${size}`), size);
    }
    for (let round = 0; round < rounds; round++) {
      for (const size of round % 2 === 0 ? [few, many] : [many, few]) {
        const directory = side.path(`of${size}`);
        // Dentries and inodes alone.
        await side.client.call("drop_caches", side.mounted.mountpoint, 2);
        await side.measure(`lookup${size}`, few, "lookup_some", directory, size, few, round);
        await side.client.call("drop_caches", side.mounted.mountpoint, 2);
        await side.measure(`list${size}`, few, "list_first", directory, few);
        await side.measure(`create${size}`, few, "create_empty", directory, few, "m");
        await side.measure(`unlink${size}`, few, "unlink", directory, few, "m");
      }
    }
  });
}

/** What a sparse file's size costs a small write. */
function sparse(bench: Bench): Promise<Row[]> {
  const [small, large] = [100, 100 * 1024];
  const writes = bench.quick ? 50 : 100;
  const rounds = bench.quick ? 5 : 9;
  const works = [{
    figure: "4 KiB write + fsync, sparse 100 GiB",
    against: "sparse 100 MiB",
    unit: "ms",
    bar: { most: 2.0 },
    key: "large",
    base: "small",
  }];
  const sizes = { small, large };
  return ofOurs(bench, works, async (side) => {
    bench.say(works[0].figure);
    for (const [key, mib] of Object.entries(sizes)) {
      await side.client.call("make_sparse", side.path(key), mib);
    }
    for (let round = 0; round < rounds; round++) {
      for (const [key, mib] of Object.entries(sizes)) {
        await side.measure(key, writes, "random_write", side.path(key), mib, writes, round, 1);
      }
    }
    // As times, so that the ratio is what the larger one costs.
    for (const key of Object.keys(sizes)) {
      side.rates.set(key, (side.rates.get(key) ?? []).map((rate) => 1000 / rate));
    }
  });
}

/** The most memory that our daemon has while a large file is copied in, and read. */
async function memory(bench: Bench): Promise<Row[]> {
  const gib = bench.quick ? 2 : 20;
  const figure = `memory of the mount, ${gib} GiB copied in, read`;
  const bar = { most: 400 };
  const reason = await obstacle();
  if (reason !== null) return [skipped({ figure, against: "", bar }, reason)];
  bench.say(figure);
  const side = await alone(bench);
  try {
    const path = side.path("large");
    const opened = await peak(side.mounted.pid);
    await side.client.call("sequential_write", path, gib * 1024);
    const written = await peak(side.mounted.pid);
    await side.client.call("sequential_read", path, gib * 1024);
    const note = `${opened.toFixed(0)} MiB when warmed up, ${written.toFixed(0)} when written`;
    return [limit({ figure, unit: "MiB", bar, note }, await peak(side.mounted.pid))];
  } finally {
    await side.client[Symbol.asyncDispose]();
    await side.mounted.unmount();
  }
}

/** Most resident memory of a process so far, MiB. */
async function peak(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmHWM:\s*(\d+) kB/m.exec(status)![1]) / 1024;
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}
