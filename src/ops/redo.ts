import { abandonedNodes, inodeById, setInodeTimes } from "../../templates/inode.ts";
import {
  anyUnfinished,
  deleteStaleRedo,
  deleteTrueSize,
  redoIndexes,
  redoOf,
  unfoldedNodes,
} from "../../templates/redo.ts";
import { now } from "../clock.ts";
import { changeContent, type ContentChange, type NewChunk } from "../content/change_content.ts";
import { cipherFor } from "../content/cipher_for.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { ChunkMap } from "../content/chunk_map.ts";
import { AloeError } from "../errors.ts";
import type { MountHandle } from "../mount_handle.ts";
import { requireWritable, resolve, type Resolved } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { PlacementStore } from "../tree/placement_store.ts";
import { deleteForGood } from "./delete_for_good.ts";
import { inodeRow, plaintext } from "./inodes.ts";

/** Returns whether a killed mount has left unfinished work in the file. */
export async function needsRecovery(db: Database): Promise<boolean> {
  return await db.query((tx) => tx.first(anyUnfinished, {})) !== undefined;
}

/**
 * Completes the unfinished work of killed filesystems on the mount's volume: folds the redo log and
 * noted sizes into chunks, and deletes nameless nodes that only an invalid mount used.
 *
 * It runs in several transactions, each of which preserves the content, and uses the memory of a
 * few chunks. Nodes in use by a living filesystem stay valid for it.
 *
 * @throws {AloeError} `mount_invalid`, `read_only`, `no_space`; `corrupt` when a node's log cannot
 *   be read, after all other nodes are folded.
 */
export async function recoverVolume(db: Database, mount: MountHandle): Promise<void> {
  let broken: AloeError | null = null;
  for (let after = "";;) {
    const nodes = await db.query((tx) =>
      tx.all(unfoldedNodes, { volume: mount.volume, after, limit: NODES_AT_ONCE })
    );
    for (const { node_id } of nodes) {
      try {
        await foldNode(db, mount, node_id);
      } catch (error) {
        if (!(error instanceof AloeError && error.code === "corrupt")) throw error;
        broken ??= error;
      }
    }
    if (nodes.length < NODES_AT_ONCE) break;
    after = nodes[nodes.length - 1].node_id;
  }
  while (await dropAbandoned(db, mount) === NODES_AT_ONCE);
  if (broken !== null) throw broken;
}

const NODES_AT_ONCE = 500;

/** The number of chunks folded by one transaction, to bound its memory. */
const CHUNKS_AT_ONCE = 16;

/** The number of manifest rows of a hole that one transaction adds or deletes. */
const ROWS_AT_ONCE = 65_536;

/** The columns of a chunk without a row. */
const GONE = { data: null, length: null, N_c: null, enc_tag: null };

async function foldNode(db: Database, mount: MountHandle, node: string): Promise<void> {
  for (let first = true;; first = false) {
    const done = await db.write(async (tx) => {
      const top = await resolve(tx, mount, "/");
      requireWritable(top);
      return await foldStep(tx, top, node, first);
    }, { frees: true });
    if (done) return;
  }
}

/**
 * Folds some chunks of a node.
 *
 * @param first Whether this is the node's first step. It creates a new version if older ones are
 *   kept; later steps continue in that version.
 * @returns Whether the node is completely folded.
 */
async function foldStep(
  tx: Transaction,
  top: Resolved,
  node: string,
  first: boolean,
): Promise<boolean> {
  const { chunkSize } = top;
  const chunks = new ChunkMap(chunkSize);
  const scope = { cipher: cipherFor(top), chunkSize };
  const manifests = new ManifestStore(tx);
  const state = await manifests.unfolded(node);
  if (state === undefined) return true;
  await tx.run(deleteStaleRedo, { node });
  if (state.true_size === null) {
    await tx.run(deleteTrueSize, { node });
    return true;
  }
  const { size: stored } = state;
  const size = state.true_size;
  for (const bytes of [stored, size]) {
    if (Number.isSafeInteger(bytes) && bytes >= 0 && bytes <= chunks.limit) continue;
    throw new AloeError("corrupt", `${node}: its sizes in the file are impossible`);
  }
  const rows = chunks.count(stored);
  const wanted = chunks.count(size);
  const change: ContentChange = {
    node,
    keep: null,
    keepRows: rows,
    holes: [],
    chunks: [],
    stored,
    redo: [],
    folded: [],
    size,
  };
  const commit = async () => {
    const { volume } = top;
    const before = inodeRow((await tx.first(inodeById, { node, volume }))!);
    const history = first && state.has_history ? "all" : "none";
    const { version } = await changeContent(tx, scope, change, history, false);
    // A new version sets the times, but the content is unchanged.
    if (version !== state.version) await tx.run(setInodeTimes, { ...before, node });
  };
  /** Returns the new content of a chunk: stored bytes or zeros, overlaid with the log. */
  const chunk = async (index: number, length: number): Promise<NewChunk> => {
    const data = new Uint8Array(length);
    if (index < rows) {
      const [row = GONE] = await manifests.committedChunks(node, index, index);
      data.set(plaintext(scope.cipher, row, node).subarray(0, length));
    }
    for (const row of await tx.all(redoOf, { node, first: index, last: index })) {
      const bytes = plaintext(scope.cipher, row, node);
      if (!Number.isSafeInteger(row.start) || row.start < 0) {
        throw new AloeError("corrupt", `${node}: a record of the redo log is damaged`);
      }
      if (row.start < length) data.set(bytes.subarray(0, length - row.start), row.start);
    }
    return { index, data };
  };

  if (rows - wanted > ROWS_AT_ONCE) {
    // A truncation may delete many rows, so delete them in steps.
    change.keepRows = rows - ROWS_AT_ONCE;
    change.stored = chunks.startOf(change.keepRows);
    await commit();
    return false;
  }
  const logged = (await tx.all(redoIndexes, { node, limit: CHUNKS_AT_ONCE }))
    .map((row) => row.chunk_index);
  const last = logged.length < CHUNKS_AT_ONCE;
  const inside = logged.filter((index) => index < wanted);
  // The size after this step: never smaller than the stored size, unless the content is truncated.
  let end = size;
  if (!last) end = Math.min(size, Math.max(stored, chunks.startOf(logged[logged.length - 1] + 1)));
  const rowsAfter = chunks.count(end);
  if (rowsAfter - rows > ROWS_AT_ONCE) {
    // A hole may be large, so add it in steps before any content is written into it.
    end = chunks.startOf(rows + ROWS_AT_ONCE);
    if (chunks.partial(stored) > 0) change.chunks.push(await chunk(rows - 1, chunkSize));
    change.holes.push({ first: rows, last: rows + ROWS_AT_ONCE - 1 });
    change.stored = end;
    await commit();
    return false;
  }
  const made = new Set(inside);
  // The chunks at the old and the new end change their length.
  if (end !== stored) {
    if (chunks.partial(stored) > 0 && rows <= rowsAfter) made.add(rows - 1);
    if (chunks.partial(end) > 0) made.add(rowsAfter - 1);
  }
  for (const index of [...made].sort((a, b) => a - b)) {
    change.chunks.push(await chunk(index, chunks.lengthOf(index, end)));
  }
  change.holes = gaps(made, rows, rowsAfter);
  change.keepRows = Math.min(rows, rowsAfter);
  change.stored = end;
  change.folded = last ? "all" : logged;
  await commit();
  return last;
}

/** Returns the ranges of indexes in [`from`, `to`) that are not in a set. */
function gaps(made: ReadonlySet<number>, from: number, to: number) {
  const runs: { first: number; last: number }[] = [];
  for (let index = from; index < to; index++) {
    if (made.has(index)) continue;
    const run = runs[runs.length - 1];
    if (run?.last === index - 1) run.last = index;
    else runs.push({ first: index, last: index });
  }
  return runs;
}

/**
 * @returns The number of nodes checked.
 */
async function dropAbandoned(db: Database, mount: MountHandle): Promise<number> {
  return await db.write(async (tx) => {
    const top = await resolve(tx, mount, "/");
    requireWritable(top);
    const nodes = await tx.all(abandonedNodes, {
      volume: top.volume,
      now: now(),
      limit: NODES_AT_ONCE,
    });
    for (const { node_id: node, placed } of nodes) {
      if (placed) await new PlacementStore(tx).forgetUnplaced(node);
    }
    await deleteForGood(tx, nodes.filter((row) => !row.placed).map((row) => row.node_id));
    return nodes.length;
  }, { frees: true });
}
