import { chunkByHash, manifestPage } from "../../templates/content.ts";
import { entriesAfter, namesNotAllowed, volumeOfNode } from "../../templates/maintenance.ts";
import { cipherFor } from "../content/cipher_for.ts";
import { type ChunkCipher, plainCipher } from "../crypto/chunk_cipher.ts";
import { chunkAddress } from "../crypto/chunk_address.ts";
import { AloeError } from "../errors.ts";
import { MountHandle, type MountRef } from "../mount_handle.ts";
import { resolve, type Resolved } from "../resolve.ts";
import { healthCheck } from "./health.ts";
import type { Database } from "../storage/database.ts";
import type { VerifyReport } from "../types.ts";

/** How thoroughly a volume is verified. */
export interface VerifyOptions {
  /** Whether every chunk's bytes are checked too, not the manifests alone. Default false. */
  deep?: boolean;
  /** Stops the work. */
  signal?: AbortSignal;
  /** Called as entries are done. */
  onProgress?: (progress: { entries: number; chunks: number }) => void;
}

/** Entries and manifest rows read by one query. */
const PAGE = 1000;

/**
 * Checks the committed content of the mount's volume, the trash included:
 * that every manifest is complete and adds up to the size; when deep, that
 * every chunk has the address, the length and, encrypted, the authenticity
 * that it should have. And that every name is one that the format allows,
 * and no directory is in itself.
 *
 * @returns What was checked and what is wrong; being wrong is no exception.
 * @throws {AloeError} `mount_invalid`, `encryption_required`.
 */
export async function verify(
  db: Database,
  mount: MountRef,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const top = await db.read((tx) => resolve(tx, mount, "/"));
  const cipher = options.deep ? cipherFor(top) : plainCipher;
  const report: VerifyReport = {
    entriesChecked: 0,
    chunksChecked: 0,
    problems: [],
  };
  const good = new Set<string>();
  const seals = typeof mount === "string" ? null : MountHandle.sealsOf(mount);
  if (seals !== null) {
    await db.read((tx) => seals.checkVolume(tx)).catch((error) => {
      if (!(error instanceof AloeError && error.code === "corrupt")) throw error;
      report.problems.push(`volume-seal-mismatch volume=${top.volume}`);
    });
  }
  for (const row of await db.query((tx) => tx.all(namesNotAllowed, { volume: top.volume }))) {
    report.problems.push(`name-not-allowed node=${row.to_id} name=${JSON.stringify(row.name)}`);
  }
  for (const { kind, id } of await healthCheck(db)) {
    const volume = ENDLESS.get(kind) === undefined
      ? null
      : await db.query((tx) => tx.first(volumeOfNode, { node: id }));
    if (volume?.volume_id === top.volume) report.problems.push(`${ENDLESS.get(kind)} node=${id}`);
  }
  for (let after = "";;) {
    const entries = await db.query((tx) =>
      tx.all(entriesAfter, { volume: top.volume, after, limit: PAGE })
    );
    for (const entry of entries) {
      options.signal?.throwIfAborted();
      await verifyEntry(db, top, cipher, entry, good, report, options);
      for (
        const problem of await db.read(async (tx) => await seals?.problems(tx, entry.node_id) ?? [])
      ) {
        report.problems.push(
          `${problem} node=${entry.node_id} name=${JSON.stringify(entry.name)}`,
        );
      }
      report.entriesChecked++;
    }
    options.onProgress?.({
      entries: report.entriesChecked,
      chunks: report.chunksChecked,
    });
    if (entries.length < PAGE) return report;
    after = entries[entries.length - 1].node_id;
  }
}

/** Faults of the shape that a tree has no end by, as they are called here. */
const ENDLESS: ReadonlyMap<string, string> = new Map([
  ["cycle", "cycle"],
  ["container_with_two_placements", "directory-with-two-places"],
  ["root_with_placement", "root-with-place"],
]);

interface Entry {
  node_id: string;
  name: string;
  version: number;
  size: number;
}

async function verifyEntry(
  db: Database,
  top: Resolved,
  cipher: ChunkCipher,
  entry: Entry,
  good: Set<string>,
  report: VerifyReport,
  options: VerifyOptions,
): Promise<void> {
  const complain = (problem: string) =>
    report.problems.push(
      `${problem} node=${entry.node_id} name=${JSON.stringify(entry.name)}`,
    );
  const { chunkSize } = top;
  const chunks = Math.ceil(entry.size / chunkSize);
  let index = 0;
  for (;;) {
    options.signal?.throwIfAborted();
    const rows = await db.query((tx) =>
      tx.all(manifestPage, {
        node: entry.node_id,
        version: entry.version,
        first: index,
        limit: PAGE,
      })
    );
    for (const row of rows) {
      if (row.chunk_index !== index) complain(`chunk-missing index=${index}`);
      index = row.chunk_index + 1;
      const wanted = Math.min(
        chunkSize,
        entry.size - row.chunk_index * chunkSize,
      );
      if (row.length === null) complain(`chunk-missing hash=${row.chunk_hash}`);
      else if (row.length !== wanted) {
        complain(
          `length-mismatch index=${row.chunk_index} expected=${wanted} found=${row.length}`,
        );
      }
      if (!options.deep || row.length === null || good.has(row.chunk_hash)) {
        continue;
      }
      const problem = await chunkProblem(db, cipher, row.chunk_hash);
      report.chunksChecked++;
      if (problem === null) good.add(row.chunk_hash);
      else complain(`${problem} hash=${row.chunk_hash}`);
    }
    if (rows.length < PAGE) break;
  }
  if (index !== chunks) {
    complain(
      `size-mismatch size=${entry.size} expected-chunks=${chunks} found=${index}`,
    );
  }
}

async function chunkProblem(
  db: Database,
  cipher: ChunkCipher,
  hash: string,
): Promise<string | null> {
  const row = await db.query((tx) => tx.first(chunkByHash, { hash }));
  if (row === undefined) return "chunk-missing";
  if (chunkAddress(row.data) !== hash) return "address-mismatch";
  const plaintext = cipher.open({
    data: row.data,
    nonce: row.N_c,
    tag: row.enc_tag,
  });
  if (plaintext === null) return "not-authentic";
  return plaintext.length === row.length ? null : "length-mismatch";
}
