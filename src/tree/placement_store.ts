import {
  archiveEdge,
  archiveEdges,
  deleteEdgesOf,
  insertEdge,
  placementsIn,
  setEdgeName,
} from "../../templates/edge.ts";
import {
  deleteEdge,
  deleteUnlinked,
  insertUnlinked,
  replaceEdge,
  replaceSubdir,
} from "../../templates/inode.ts";
import { noteRemoval, noteRemovals, restoreEdge } from "../../templates/trash.ts";
import { deleteSomeVolumeEdges, deleteVolumeEdges } from "../../templates/volume.ts";
import { now } from "../clock.ts";
import type { Transaction } from "../storage/transaction.ts";

/** A placement: a name of a node in a directory. */
export interface Placement {
  /** Its id, a uuid7 of the volume. */
  edge: string;
  /** The directory. */
  parent: string;
  /** The name in it. */
  name: string;
}

/** Placements that one statement ends: no statement is to take long. */
const ENDED_AT_ONCE = 200;

/** Containers that one statement looks into. */
const CONTAINERS_AT_ONCE = 200;

/** Directories whose active placements a transaction has changed, by their node ids. */
export interface TouchedDirectories {
  /** Each of them alone. */
  readonly directories: ReadonlySet<string>;
  /** Each of them with every directory that was below it before the change. */
  readonly subtrees: ReadonlySet<string>;
}

interface Touched {
  directories: Set<string>;
  subtrees: Set<string>;
}

const touched = new WeakMap<Transaction, Touched>();

/**
 * Which directories a transaction has changed so far. A change that was undone
 * within the transaction is reported as well; the removal of a volume is not.
 */
export function touchedDirectories(tx: Transaction): TouchedDirectories {
  return touched.get(tx) ?? { directories: new Set(), subtrees: new Set() };
}

/**
 * The placements of nodes, within one transaction: the only module that writes
 * them. Each change reports the directories that it touches, which
 * {@linkcode touchedDirectories} tells.
 */
export class PlacementStore {
  readonly #tx: Transaction;

  /** @param tx A transaction that was begun to write. */
  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  /** Places a node in a directory of its volume. */
  async place(volume: string, node: string, { edge, parent, name }: Placement): Promise<void> {
    this.#touch(parent);
    await this.#tx.run(insertEdge, { edge, from: parent, to: node, volume, name });
  }

  /** Gives a placement another name. */
  async rename({ edge, parent }: Placement, name: string): Promise<void> {
    this.#touch(parent);
    await this.#tx.run(setEdgeName, { edge, name });
  }

  /**
   * Makes one placement of a node another one of it, under a new id. Nothing of
   * the old one remains, the trash does not have it.
   */
  async replace(old: Omit<Placement, "name">, { edge, parent, name }: Placement): Promise<void> {
    this.#touch(old.parent);
    this.#touch(parent);
    await this.#tx.run(replaceEdge, { old: old.edge, edge, from: parent, name });
    await this.#tx.run(replaceSubdir, {
      old: old.edge,
      oldFrom: old.parent,
      edge,
      from: parent,
    });
  }

  /**
   * Ends a placement, which goes to the trash.
   *
   * @param at When, ns. Placements that end at one time come back together.
   */
  async end({ edge, parent }: Omit<Placement, "name">, at: bigint = now()): Promise<void> {
    this.#touch(parent);
    await this.#tx.run(noteRemoval, { edge, at });
    await this.#tx.run(archiveEdge, { edge });
  }

  /**
   * Ends all placements below a directory, at one time.
   *
   * @param above The directory's own placement, which ends too; null to keep it.
   */
  async endBelow(node: string, above: Omit<Placement, "name"> | null): Promise<void> {
    touchedOf(this.#tx).subtrees.add(node);
    const at = now();
    if (above !== null) await this.end(above, at);
    // What has ended is not found again, so that a directory which is in itself ends too.
    const containers = [node];
    while (containers.length > 0) {
      const some = JSON.stringify(containers.splice(-CONTAINERS_AT_ONCE));
      const limit = ENDED_AT_ONCE;
      for (let rows = await this.#tx.all(placementsIn, { containers: some, limit });;) {
        const edges = JSON.stringify(rows.map((row) => row.edge_id));
        await this.#tx.run(noteRemovals, { edges, at });
        await this.#tx.run(archiveEdges, { edges });
        for (const row of rows) if (row.type === "container") containers.push(row.to_id);
        if (rows.length < limit) break;
        rows = await this.#tx.all(placementsIn, { containers: some, limit });
      }
    }
  }

  /** Makes a placement that has ended active again. */
  async restore({ edge, parent }: Omit<Placement, "name">): Promise<void> {
    this.#touch(parent);
    await this.#tx.run(restoreEdge, { edge });
  }

  /** Deletes a placement: the trash does not have it. */
  async delete({ edge, parent }: Omit<Placement, "name">): Promise<void> {
    this.#touch(parent);
    await this.#tx.run(deleteEdge, { edge });
  }

  /**
   * Deletes every placement of some nodes, and every one in them.
   *
   * @param nodes A JSON array of ids.
   * @param parents The directories that the nodes are placed in, other than the nodes.
   */
  async deleteOf(nodes: string, parents: Iterable<string>): Promise<void> {
    for (const parent of parents) this.#touch(parent);
    await this.#tx.run(deleteEdgesOf, { nodes });
  }

  /** Deletes every placement of a volume, which is about to be deleted. */
  async deleteVolume(volume: string): Promise<void> {
    await this.#tx.run(deleteVolumeEdges, { volume });
  }

  /** Deletes some of them. @returns How many there were. */
  deleteSomeOfVolume(volume: string, limit: number): Promise<number> {
    return this.#tx.run(deleteSomeVolumeEdges, { volume, limit });
  }

  /** Notes that a mount uses a node that has no placement, which is kept as long. */
  async keepUnplaced(node: string, mount: string): Promise<void> {
    await this.#tx.run(insertUnlinked, { node, mount });
  }

  /** Takes such a note back. */
  async forgetUnplaced(node: string): Promise<void> {
    await this.#tx.run(deleteUnlinked, { node });
  }

  #touch(directory: string): void {
    touchedOf(this.#tx).directories.add(directory);
  }
}

function touchedOf(tx: Transaction): Touched {
  let found = touched.get(tx);
  if (found === undefined) {
    found = { directories: new Set(), subtrees: new Set() };
    touched.set(tx, found);
  }
  return found;
}
