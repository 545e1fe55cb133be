import type { ContentTouch } from "../templates/template.ts";
import type { Transaction, TransactionExtension } from "./storage/transaction.ts";

/** Manifest rows whose digest is one part of a tag. */
const ROWS_A_PAGE = 4096;

/** More pages of one change are looked at as a whole manifest. */
const MOST_PAGES = 64;

/** What a transaction has changed of the content of a node. */
export interface TouchedContent {
  /** Pages of the manifests of versions. */
  versions: Map<number, Set<number> | "all">;
  /** What has become of the redo log. */
  redo: "appended" | "changed" | null;
  /** Whether the node has got its first content. */
  isNew: boolean;
}

/** Keeps the tags of one encrypted volume. */
export interface SealKeeper {
  /** Checks a node of the volume. Others are not its business. @throws `corrupt`. */
  check(tx: Transaction, node: string): Promise<void>;
  /** The same for a version of it. */
  checkVersion(tx: Transaction, node: string, version: number): Promise<void>;
  /** Makes the tags of what has changed. */
  seal(tx: Transaction, touched: ReadonlyMap<string, TouchedContent>): Promise<void>;
}

/**
 * What a transaction changes of the content of encrypted volumes: checked before
 * it is changed, and given its tags before the commit.
 */
export class SealedChanges implements TransactionExtension {
  /** What keeps the tags of the volumes that the transaction works in, by volume. */
  readonly keepers: Map<string, SealKeeper> = new Map();
  readonly #tx: Transaction;
  readonly #touched = new Map<string, TouchedContent>();

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  /** Whether it has changed the content of a node, whose tag is of what was there before. */
  hasTouched(node: string): boolean {
    return this.#touched.has(node);
  }

  /** Makes the tags of content that has changed. */
  async beforeCommit(): Promise<void> {
    if (this.#touched.size === 0) return;
    for (const keeper of this.keepers.values()) await keeper.seal(this.#tx, this.#touched);
    this.#touched.clear();
  }

  /** Notes what is about to be changed, having checked what is there. */
  async beforeChange(touch: ContentTouch): Promise<void> {
    const { node, source, version, from, first, last, redo, isNew = false } = touch;
    let touched = this.#touched.get(node);
    if (touched === undefined) {
      // Its tag is made anew: what has lost its own must not get one by that.
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
