import { DatabaseSync, type StatementSync } from "node:sqlite";
import { AloeLite, type Mount, type Pin } from "../mod.ts";
import { mint, uuid7, type Watermark } from "../src/ids.ts";

/** A file with one volume, mounted. */
export interface Ours extends AsyncDisposable {
  fs: AloeLite;
  mount: Mount;
}

/** Opens a new file of ours with one volume. */
export async function openOurs(path: string, pin?: Pin): Promise<Ours> {
  const fs = await AloeLite.open(path);
  const { id } = await fs.createVolume({ name: "main", pin });
  const mount = await fs.mount(id, { pin });
  return {
    fs,
    mount,
    async [Symbol.asyncDispose]() {
      await mount.unmount();
      await fs.close();
    },
  };
}

/**
 * The peer: what a program would do by hand that is to leave the same rows in
 * the same file. The file, its schema, its triggers and its volume are made
 * by the engine; the pragmas are the engine's.
 */
export class Peer {
  readonly db: DatabaseSync;
  /** The volume. */
  readonly volume: string;
  /** Its root container. */
  readonly root: string;
  readonly #mark: Watermark;
  readonly #insertNode: StatementSync;
  readonly #insertContent: StatementSync;
  readonly #insertEdge: StatementSync;
  readonly #insertChunk: StatementSync;
  readonly #insertManifestRow: StatementSync;
  readonly #storeWatermark: StatementSync;
  readonly #commitVersion: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  private constructor(path: string) {
    this.db = openLikeOurs(path);
    const volume = this.db.prepare("SELECT volume_id, root_node_id, wm_ts, wm_seq FROM volume")
      .get()!;
    this.volume = volume.volume_id as string;
    this.root = volume.root_node_id as string;
    this.#mark = { ts: volume.wm_ts as number, seq: volume.wm_seq as number, moved: false };
    const prepare = (sql: string) => this.db.prepare(sql);
    this.#insertNode = prepare(
      "INSERT INTO node (node_id, type, name, created_at, modified_at, volume_id) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#insertContent = prepare(
      "INSERT INTO content (node_id, version, size) VALUES (?, ?, ?)",
    );
    this.#insertEdge = prepare(
      "INSERT INTO edge (edge_id, from_id, to_id, volume_id, archived, name) VALUES (?, ?, ?, ?, 0, ?)",
    );
    this.#insertChunk = prepare(
      "INSERT INTO content_chunk (chunk_hash, data, length, N_c, enc_tag) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
    this.#insertManifestRow = prepare(
      "INSERT INTO content_version (content_id, version, chunk_index, chunk_hash) VALUES (?, ?, ?, ?)",
    );
    this.#storeWatermark = prepare(
      "UPDATE volume SET wm_ts = ?, wm_seq = ? WHERE volume_id = ?",
    );
    this.#commitVersion = prepare(
      "UPDATE content SET version = ?, size = ? WHERE node_id = ?",
    );
    this.#begin = prepare("BEGIN IMMEDIATE");
    this.#commit = prepare("COMMIT");
  }

  /** A new file, its schema made by the engine. */
  static async create(path: string): Promise<Peer> {
    await (await openOurs(path))[Symbol.asyncDispose]();
    return new Peer(path);
  }

  /** An existing file of ours. */
  static open(path: string): Peer {
    return new Peer(path);
  }

  /** How safe the commits that follow are. */
  set durable(durable: boolean) {
    this.db.prepare(`PRAGMA synchronous = ${durable ? "FULL" : "NORMAL"}`).run();
  }

  begin(): void {
    this.#begin.run();
  }

  commit(): void {
    this.#commit.run();
  }

  /** An entry in the root, without its chunks. @returns Its node id. */
  insertEntry(name: string, version: number, size: number): string {
    const node = mint(this.#mark);
    const now = BigInt(Date.now()) * 1_000_000n;
    this.#insertNode.run(node, "entry", name, now, now, this.volume);
    this.#insertContent.run(node, version, size);
    this.#insertEdge.run(mint(this.#mark), this.root, node, this.volume, name);
    return node;
  }

  /** A chunk with its place in a version. */
  insertChunk(
    node: string,
    index: number,
    chunk: { hash: string; data: Uint8Array; nonce: Uint8Array; tag: Uint8Array },
  ): void {
    this.#insertChunk.run(chunk.hash, chunk.data, chunk.data.length, chunk.nonce, chunk.tag);
    this.#insertManifestRow.run(node, 1, index, chunk.hash);
  }

  /** How far ids were minted. */
  storeWatermark(): void {
    this.#storeWatermark.run(this.#mark.ts, this.#mark.seq, this.volume);
  }

  commitVersion(node: string, size: number): void {
    this.#commitVersion.run(1, size, node);
  }

  close(): void {
    this.db.close();
  }
}

/** Pragmas as `src/storage/sqlite/sqlite_dialect.ts` sets them; those of the file are in it already. */
function openLikeOurs(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: 20 });
  for (
    const pragma of [
      "cache_size = -16384",
      "temp_store = MEMORY",
      "journal_mode = WAL",
      "wal_autocheckpoint = 4096",
      "journal_size_limit = 67108864",
      "synchronous = FULL",
    ]
  ) {
    db.prepare(`PRAGMA ${pragma}`).run();
  }
  return db;
}

const COUNTED = ["node", "content", "content_chunk", "content_version", "edge", "aloe_version"];

/**
 * Makes sure that both sides did the same work.
 *
 * @throws {Error} When a table has not as many rows in one file as in the other.
 */
export function requireSameRows(ours: string, peer: string): void {
  const [a, b] = [counts(ours), counts(peer)];
  if (JSON.stringify(a) !== JSON.stringify(b)) {
    throw new Error(
      `the sides left different rows: ${JSON.stringify(a)} and ${JSON.stringify(b)}`,
    );
  }
}

function counts(path: string): Record<string, unknown> {
  using db = new DatabaseSync(path, { readOnly: true });
  const found: Record<string, unknown> = {};
  for (const table of COUNTED) {
    found[table] = db.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n;
  }
  found.bytes = db.prepare("SELECT sum(size) AS n FROM content").get()!.n;
  found.stored = db.prepare("SELECT sum(length(data)) AS n FROM content_chunk").get()!.n;
  found.watermark = db.prepare("SELECT count(*) AS n FROM volume WHERE wm_ts > 0").get()!.n;
  return found;
}

/** A new id, for rows made without the engine. */
export const newId = uuid7;
