import type { ManifestStore, RowRange } from "./manifest_store.ts";

/**
 * How many chunks of a file are known to be holes, kept while its rows change.
 * It is never more than there are, and costs what changes: the manifest is
 * looked at where rows go, of files that have holes.
 */
export class HoleCount {
  readonly #zeros: string | null;
  readonly #known: number;
  #chunks: number;

  /**
   * @param zeros The address of a hole's chunk; null where there is no such.
   * @param known How many there are before.
   */
  constructor(zeros: string | null, known: number) {
    this.#zeros = zeros;
    this.#known = known;
    this.#chunks = known;
  }

  /** How many there are now. */
  get chunks(): number {
    return this.#chunks;
  }

  /** A row that refers to a chunk has come, or so many. */
  added(hash: string, rows = 1): void {
    if (hash === this.#zeros) this.#chunks += rows;
  }

  /** Rows `first` to `last` of a version are about to go. */
  async dropping(manifests: ManifestStore, rows: RowRange): Promise<void> {
    if (this.#known === 0 || this.#zeros === null) return;
    const found = await manifests.countReferences(rows, this.#zeros);
    this.#chunks = Math.max(0, this.#chunks - found);
  }

  /**
   * Notes it.
   *
   * @param version The committed version.
   * @param noted The version that it was noted for; null when it was for none.
   */
  async note(
    manifests: ManifestStore,
    node: string,
    version: number,
    noted: number | null,
  ): Promise<void> {
    const chunks = this.#chunks;
    const known = chunks === 0 ? noted === null : noted === version && chunks === this.#known;
    if (!known) await manifests.noteHoles(node, version, chunks);
  }
}
