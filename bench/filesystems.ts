import {
  type Bench,
  compare,
  interleave,
  MIB,
  type Row,
  seconds,
  settle,
  skipped,
} from "./harness.ts";
import { openOurs } from "./peer.ts";
import type { PeerProcess } from "./peer_process.ts";
import { Noise } from "./pieces.ts";

/** Another filesystem in a file, and what ours has to be beside it. */
export interface Other {
  /** What the rows call it. */
  name: string;
  /** How many times as fast ours has to be with small files. */
  small: number;
  /** How many times as fast with large ones. */
  large: number;
  /** MiB of its large files: it should not take minutes with them. */
  mib: number;
  /** Starts it, or says why that cannot be done here. */
  start(): Promise<PeerProcess | { missing: string }>;
}

const SIZE = 4096;
const PIECE_MIB = 1;
/** Rounds; each with files of its own. The median leaves out the first, in which code is compiled. */
const ROUNDS = 7;
const LARGE_ROUNDS = 3;

/** Small files made, asked for, listed and read, and a large one streamed; on both in turn. */
export async function compareWith(bench: Bench, other: Other): Promise<Row[]> {
  bench.say(`beside ${other.name}`);
  const files = bench.quick ? 200 : 500;
  const mib = bench.quick ? Math.ceil(other.mib / 4) : other.mib;
  const row = (figure: string, large = false) => ({
    figure,
    against: other.name,
    bar: { least: large ? other.large : other.small },
  });
  const rows = {
    create: row(`create ${files} files of 4 KiB`),
    stat: row(`stat ${files} files`),
    list: row(`list ${files} files`),
    read: row(`read ${files} files of 4 KiB`),
    in: row(`stream ${mib} MiB in`, true),
    out: row(`stream ${mib} MiB out`, true),
  };
  const started = await other.start();
  if ("missing" in started) {
    return Object.values(rows).map((row) => skipped(row, started.missing));
  }
  await using peer = started;
  const paths = { ours: bench.path("ours.db"), peer: bench.path("peer.db") };
  const results: Row[] = [];
  {
    await using ours = await openOurs(paths.ours);
    await peer.call("open", paths.peer);
    const { mount } = ours;
    const noise = new Noise();
    const data = noise.block(0).slice(0, SIZE);
    const file = (round: number, i: number) => `/${round}/${i}.txt`;
    const each = async (round: number, task: (path: string, i: number) => Promise<unknown>) => {
      for (let i = 0; i < files; i++) await task(file(round, i), i);
    };
    const both = (unit: number, task: (round: number) => Promise<unknown>, fn: string) => {
      const large = fn.startsWith("stream");
      const size = large ? mib : files;
      return interleave(
        large ? LARGE_ROUNDS : ROUNDS,
        async (round) => unit / await seconds(() => task(round)),
        async (round) => unit / await peer.call(fn, round, size),
      );
    };
    const small = (fn: string, task: (path: string, i: number) => Promise<unknown>) =>
      both(files, (round) => each(round, task), fn);

    for (let round = 0; round < ROUNDS; round++) await mount.mkdir(`/${round}`);
    await peer.call("directories", ROUNDS);
    await settle();
    const made = await small("create", (path, i) => {
      new DataView(data.buffer).setUint32(0, i);
      return mount.createEntry(path, data);
    });
    const asked = await small("stat", (path) => mount.stat(path));
    const listed = await both(files, (round) => mount.list(`/${round}`), "list");
    const read = await small("read", (path) => mount.readAll(path));
    const written = await both(mib, async (round) => {
      await using descriptor = await mount.openWrite(`/${round}.bin`);
      for (let i = 0; i < mib; i += PIECE_MIB) await descriptor.write(noise.block(round * mib + i));
    }, "stream_in");
    const back = await both(mib, async (round) => {
      const descriptor = await mount.openRead(`/${round}.bin`);
      let bytes = 0;
      for await (const piece of descriptor.readable) bytes += piece.length;
      if (bytes !== mib * MIB) throw new Error(`read ${bytes} bytes`);
    }, "stream_out");
    await peer.call("close");
    const perSecond = { unit: "op/s" };
    const rate = { unit: "MiB/s" };
    results.push(
      compare({ ...rows.create, ...perSecond }, made),
      compare({ ...rows.stat, ...perSecond }, asked),
      compare({ ...rows.list, unit: "names/s" }, listed),
      compare({ ...rows.read, ...perSecond }, read),
      compare({ ...rows.in, ...rate }, written),
      compare({ ...rows.out, ...rate }, back),
    );
  }
  await bench.discard(paths.ours);
  await bench.discard(paths.peer);
  return results;
}
