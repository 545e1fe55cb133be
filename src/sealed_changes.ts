import type { ContentTouch } from "../templates/template.ts";
import type { Transaction, TransactionExtension } from "./storage/transaction.ts";

/** The number of manifest rows whose digest is one part of a tag. */
const ROWS_A_PAGE = 4096;

/** A change of more pages than this is treated as a change of the whole manifest. */
const MOST_PAGES = 64;

/** A transaction's changes of the content of a node. */
export interface TouchedContent {
  /** The changed manifest pages, by version. */
  versions: Map<number, Set<number> | "all">;
  /** How the redo log has changed. */
  redo: "appended" | "changed" | null;
  /** Whether this is the node's first content. */
  isNew: boolean;
}

/** Maintains the tags of one encrypted volume. */
export interface SealKeeper {
  /** Checks a node of the volume; ignores nodes of other volumes. @throws `corrupt`. */
  check(tx: Transaction, node: string): Promise<void>;
  /** Checks a version of a node of the volume. */
  checkVersion(tx: Transaction, node: string, version: number): Promise<void>;
  /** Updates the tags of changed content. */
  seal(tx: Transaction, touched: ReadonlyMap<string, TouchedContent>): Promise<void>;
}

/**
 * A transaction's changes of the content of encrypted volumes: content is checked before it is
 * changed, and tagged before the commit.
 */
export class SealedChanges implements TransactionExtension {
  /** The keepers of the tags, by volume. */
  readonly keepers: Map<string, SealKeeper> = new Map();
  readonly #tx: Transaction;
  readonly #touched = new Map<string, TouchedContent>();

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  /**
   * Returns whether a node's content was changed, so that its tag is still that of the old content.
   */
  hasTouched(node: string): boolean {
    return this.#touched.has(node);
  }

  /** Updates the tags of changed content. */
  async beforeCommit(): Promise<void> {
    if (this.#touched.size === 0) return;
    for (const keeper of this.keepers.values()) await keeper.seal(this.#tx, this.#touched);
    this.#touched.clear();
  }

  /** Checks the existing content and records the change. */
  async beforeChange(touch: ContentTouch): Promise<void> {
    const { node, source, version, from, first, last, redo, isNew = false } = touch;
    let touched = this.#touched.get(node);
    if (touched === undefined) {
      // The tag is computed again later, so check first that content without a valid tag gets none.
      if (!isNew) {
        for (const keeper of this.keepers.values()) await keeper.check(this.#tx, node);
      }
      touched = { versions: new Map(), redo: null, isNew: false };
      this.#touched.set(node, touched);
    }
    touched.isNew ||= isNew;
    for (const keeper of this.keepers.values()) {
      if (source !== undefined && !this.#touched.has(source)) await keeper.check(this.#tx, source);
      if (from !== undefined && from > 0 && !touched.isNew) {
        await keeper.checkVersion(this.#tx, node, from);
      }
    }
    if (redo !== undefined && touched.redo !== "changed") touched.redo = redo;
    if (version === undefined) {
      if (source !== undefined) touched.versions.clear();
      return;
    }
    const pages = touched.versions.get(version);
    if (pages === "all") return;
    if (first === undefined || last === undefined || last - first >= MOST_PAGES * ROWS_A_PAGE) {
      touched.versions.set(version, "all");
      return;
    }
    const changed = pages ?? new Set();
    for (let page = Math.floor(first / ROWS_A_PAGE); page * ROWS_A_PAGE <= last; page++) {
      changed.add(page);
    }
    if (pages === undefined) touched.versions.set(version, changed);
  }
}
