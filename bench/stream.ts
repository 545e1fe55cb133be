import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import {
  type Bench,
  compare,
  type Figure,
  interleave,
  MIB,
  type Row,
  seconds,
  settle,
} from "./harness.ts";
import { openOurs, Peer, requireSameRows } from "./peer.ts";
import { AloeLite, type Mount } from "../mod.ts";
import { Noise, PIECE } from "./pieces.ts";

const BAR = { least: 0.85 };
const PIN = "a PIN";
const NAME = "stream.bin";
/** MiB that one side writes before it is the other's turn. */
const SLICE_MIB = 32;
const NONE = new Uint8Array(0);

/** Large files in and out, as they are and encrypted. */
export const streams: Figure[] = [
  { name: "stream", run: (bench) => run(bench, null) },
  { name: "stream-encrypted", run: (bench) => run(bench, randomBytes(32)) },
];

async function run(bench: Bench, key: Uint8Array | null): Promise<Row[]> {
  const mib = bench.quick ? 128 : 1024;
  const size = mib >= 1024 ? `${mib / 1024} GiB` : `${mib} MiB`;
  const form = key === null ? "plain" : "encrypted";
  const crypto = key === null ? "" : " and node:crypto";
  const pin = key === null ? undefined : PIN;
  const paths = { ours: bench.path("ours.db"), peer: bench.path("peer.db") };
  bench.say(`stream ${size} in, ${form}`);
  const written = await write(paths, mib, pin, key);
  requireSameRows(paths.ours, paths.peer);
  bench.say(`stream ${size} out, ${form}`);
  const read = await readBack(paths, mib, pin, key);
  await bench.discard(paths.ours);
  await bench.discard(paths.peer);
  return [
    compare({
      figure: `stream ${size} in, ${form}`,
      against: `bare hash, inserts${crypto}`,
      unit: "MiB/s",
      bar: BAR,
    }, written),
    compare({
      figure: `stream ${size} out, ${form}`,
      against: `bare selects${crypto}`,
      unit: "MiB/s",
      bar: BAR,
    }, read),
  ];
}

interface Paths {
  ours: string;
  peer: string;
}

/** Both files grow in turn, a slice at a time; the last one has the commit in it. */
async function write(
  paths: Paths,
  mib: number,
  pin: string | undefined,
  key: Uint8Array | null,
): Promise<{ ours: number[]; peer: number[] }> {
  const slices = mib / SLICE_MIB;
  const noise = new Noise();
  await using ours = await openOurs(paths.ours, pin);
  const peer = await Peer.create(paths.peer);
  const descriptor = await ours.mount.openWrite("/" + NAME);
  const byHand = new PeerStream(peer, key);
  await settle();
  const rates = await interleave(slices, async (slice) =>
    SLICE_MIB / await seconds(async () => {
      for (let i = 0; i < SLICE_MIB; i++) {
        const block = noise.block(slice * SLICE_MIB + i);
        for (let at = 0; at < MIB; at += PIECE) {
          await descriptor.write(block.subarray(at, at + PIECE));
        }
      }
      if (slice === slices - 1) await descriptor.close();
    }), async (slice) =>
    SLICE_MIB / await seconds(() => {
      for (let i = 0; i < SLICE_MIB; i++) byHand.write(noise.block(slice * SLICE_MIB + i));
      if (slice === slices - 1) byHand.close();
    }));
  peer.close();
  return rates;
}

async function readBack(
  paths: Paths,
  mib: number,
  pin: string | undefined,
  key: Uint8Array | null,
): Promise<{ ours: number[]; peer: number[] }> {
  await using fs = await AloeLite.open(paths.ours);
  await using mount = await fs.mount("main", { pin });
  const peer = Peer.open(paths.peer);
  const ours = async () => mib / await seconds(() => drain(mount, mib));
  const bare = async () => mib / await seconds(() => readByHand(peer, mib, key));
  // Once for nothing: the page cache, and code that is compiled.
  await ours();
  await bare();
  const rates = await interleave(9, ours, bare);
  peer.close();
  return rates;
}

async function drain(mount: Mount, mib: number): Promise<void> {
  let bytes = 0;
  const descriptor = await mount.openRead("/" + NAME);
  for await (const piece of descriptor.readable) bytes += piece.length;
  if (bytes !== mib * MIB) throw new Error(`read ${bytes} bytes of ${mib} MiB`);
}

/** One transaction a chunk; the last one, which commits the version, is on disk with all before it. */
class PeerStream {
  readonly #peer: Peer;
  readonly #key: Uint8Array | null;
  readonly #node: string;
  #index = 0;

  constructor(peer: Peer, key: Uint8Array | null) {
    this.#peer = peer;
    this.#key = key;
    peer.begin();
    this.#node = peer.insertEntry(NAME, 0, 0);
    peer.storeWatermark();
    peer.commit();
    peer.durable = false;
  }

  write(data: Uint8Array): void {
    const chunk = this.#key === null ? plainChunk(data) : sealedChunk(data, this.#key);
    this.#peer.begin();
    this.#peer.insertChunk(this.#node, this.#index++, chunk);
    this.#peer.commit();
  }

  close(): void {
    this.#peer.durable = true;
    this.#peer.begin();
    this.#peer.commitVersion(this.#node, this.#index * MIB);
    this.#peer.commit();
  }
}

/** The address covers the length, eight bytes, and the stored bytes. */
function addressOf(data: Uint8Array): string {
  return createHash("sha256").update(lengthOf(data)).update(data).digest("hex");
}

function lengthOf(data: Uint8Array): Uint8Array {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(data.length));
  return length;
}

/** A chunk as a volume without encryption has it. */
export function plainChunk(data: Uint8Array) {
  return { hash: addressOf(data), data, nonce: NONE, tag: NONE };
}

/** A chunk as a convergent volume has it. */
function sealedChunk(plaintext: Uint8Array, key: Uint8Array) {
  const nonce = createHash("sha256").update("aloelite-nc").update(lengthOf(plaintext))
    .update(plaintext).digest().subarray(0, 12);
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
  const data = cipher.update(plaintext);
  cipher.final();
  return { hash: addressOf(data), data, nonce, tag: cipher.getAuthTag() };
}

const READ = `SELECT k.data, k.N_c, k.enc_tag
  FROM content_version AS v JOIN content_chunk AS k ON k.chunk_hash = v.chunk_hash
  WHERE v.content_id = ? AND v.version = 1 AND v.chunk_index = ?`;

/** Every blob, dropped when it is there. */
function readByHand(peer: Peer, mib: number, key: Uint8Array | null): void {
  const entry = peer.db.prepare("SELECT node_id FROM node WHERE name = ?").get(NAME)!;
  const select = peer.db.prepare(READ);
  let bytes = 0;
  for (let index = 0; index < mib; index++) {
    const row = select.get(entry.node_id, index) as Record<string, Uint8Array<ArrayBuffer>>;
    if (key === null) {
      bytes += row.data.length;
      wakeCollector();
    } else {
      bytes += opened(row, key).length;
      row.data.buffer.transfer(0);
    }
  }
  if (bytes !== mib * MIB) throw new Error(`read ${bytes} bytes of ${mib} MiB`);
}

/**
 * V8 counts what SQLite returned, but looks at the count only when it makes a
 * buffer itself; without this both sides would pile up the whole file.
 */
function wakeCollector(): void {
  new ArrayBuffer(1);
}

function opened(row: Record<string, Uint8Array>, key: Uint8Array): Uint8Array {
  const decipher = createDecipheriv("chacha20-poly1305", key, row.N_c, { authTagLength: 16 });
  decipher.setAuthTag(row.enc_tag);
  const plaintext = decipher.update(row.data);
  decipher.final();
  return plaintext;
}
