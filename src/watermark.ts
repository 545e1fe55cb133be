import { greatestEdgeId, greatestNodeId, storeWatermark } from "../templates/volume.ts";
import { isSoundWatermark, SOUND_IDS_END, type Watermark, watermarkOfId } from "./ids.ts";
import type { Transaction, TransactionExtension } from "./storage/transaction.ts";

/**
 * Returns a volume's watermark, for a transaction that may mint ids. If the stored one is not a
 * valid time, as in a damaged or foreign file, it is derived from the volume's ids; ids minted from
 * an invalid watermark would be malformed.
 */
export async function volumeWatermark(
  tx: Transaction,
  row: { volume_id: string; wm_ts: number; wm_seq: number },
): Promise<Watermark> {
  const { volume_id: volume, wm_ts: ts, wm_seq: seq } = row;
  if (isSoundWatermark(ts, seq)) return { ts, seq, moved: false };
  const below = SOUND_IDS_END;
  const node = await tx.first(greatestNodeId, { volume, below });
  const edge = await tx.first(greatestEdgeId, { volume, below });
  const ids = [node?.node_id ?? "", edge?.edge_id ?? ""].sort();
  return watermarkOfId(ids[1]) ?? watermarkOfId(ids[0]) ?? { ts: 0, seq: 0, moved: false };
}

/** The watermarks of the volumes that a transaction may mint ids in. */
export class Watermarks implements TransactionExtension {
  readonly #tx: Transaction;
  readonly #marks = new Map<string, Watermark>();

  constructor(tx: Transaction) {
    this.#tx = tx;
  }

  /** Whether the watermark of a volume was read. */
  has(volume: string): boolean {
    return this.#marks.has(volume);
  }

  /** The watermark of a volume, which {@linkcode set} has been told. */
  get(volume: string): Watermark {
    return this.#marks.get(volume)!;
  }

  /** Notes a volume's watermark. */
  set(volume: string, mark: Watermark): void {
    this.#marks.set(volume, mark);
  }

  /** Stores those that minting has moved. */
  async beforeCommit(): Promise<void> {
    for (const [volume, mark] of this.#marks) {
      if (!mark.moved) continue;
      await this.#tx.run(storeWatermark, { volume, ts: mark.ts, seq: mark.seq });
      mark.moved = false;
    }
  }
}
