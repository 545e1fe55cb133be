import {
  type Bench,
  compare,
  type Figure,
  interleave,
  type Row,
  seconds,
  settle,
} from "./harness.ts";
import { openOurs, Peer, requireSameRows } from "./peer.ts";
import { plainChunk } from "./stream.ts";

const SIZE = 4096;
const BAR = { least: 0.6 };

/** Small files, each a commit of its own and all in one. */
export const creates: Figure[] = [
  { name: "create", run: (bench) => run(bench, false) },
  { name: "create-batch", run: (bench) => run(bench, true) },
];

async function run(bench: Bench, batch: boolean): Promise<Row[]> {
  const files = bench.quick ? 2_000 : 10_000;
  const what = `create ${files} files of 4 KiB, ${batch ? "one batch" : "one by one"}`;
  bench.say(what);
  const paths = { ours: bench.path("ours.db"), peer: bench.path("peer.db") };
  const rates = await (batch ? inBatches(bench, paths, files) : oneByOne(paths, files));
  requireSameRows(paths.ours, paths.peer);
  await bench.discard(paths.ours);
  await bench.discard(paths.peer);
  return [
    compare({ figure: what, against: "hand-written statements", unit: "op/s", bar: BAR }, rates),
  ];
}

interface Paths {
  ours: string;
  peer: string;
}

/** Files that one side creates before it is the other's turn. */
const SLICE = 250;

async function oneByOne(paths: Paths, files: number) {
  const content = new Content();
  await using ours = await openOurs(paths.ours);
  const peer = await Peer.create(paths.peer);
  await settle();
  const rates = await interleave(files / SLICE, async (slice) =>
    SLICE / await seconds(async () => {
      for (let i = slice * SLICE; i < (slice + 1) * SLICE; i++) {
        await ours.mount.createEntry(`/file ${i}`, content.of(i));
      }
    }), async (slice) =>
    SLICE / await seconds(() => {
      for (let i = slice * SLICE; i < (slice + 1) * SLICE; i++) {
        peer.begin();
        create(peer, i, content);
        peer.storeWatermark();
        peer.commit();
      }
    }));
  peer.close();
  return rates;
}

async function inBatches(bench: Bench, paths: Paths, files: number) {
  const content = new Content();
  return await interleave(7, async () => {
    await bench.discard(paths.ours);
    await using ours = await openOurs(paths.ours);
    await settle();
    return files / await seconds(() =>
      ours.mount.batch(async (mount) => {
        for (let i = 0; i < files; i++) await mount.createEntry(`/file ${i}`, content.of(i));
      })
    );
  }, async () => {
    await bench.discard(paths.peer);
    const peer = await Peer.create(paths.peer);
    await settle();
    const time = await seconds(() => {
      peer.begin();
      for (let i = 0; i < files; i++) create(peer, i, content);
      peer.storeWatermark();
      peer.commit();
    });
    peer.close();
    return files / time;
  });
}

function create(peer: Peer, i: number, content: Content): void {
  const node = peer.insertEntry(`file ${i}`, 1, SIZE);
  peer.insertChunk(node, 0, plainChunk(content.of(i)));
}

/** The content of each file, no two alike. */
class Content {
  readonly #data = crypto.getRandomValues(new Uint8Array(SIZE));

  /** The next call overwrites it. */
  of(file: number): Uint8Array {
    new DataView(this.#data.buffer).setUint32(0, file);
    return this.#data;
  }
}
