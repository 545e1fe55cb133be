import { AloeError } from "./errors.ts";

/** The last id minted in a volume; later node and edge ids are greater. */
export interface Watermark {
  /** Milliseconds since the Unix epoch. */
  ts: number;
  /** The counter within the millisecond, 0 to 4095. */
  seq: number;
  /** Whether the watermark has changed since it was read. */
  moved: boolean;
}

const SEQ_LIMIT = 4096;

/** The greatest millisecond that fits into an id: 48 bits. */
const LAST_MS = 2 ** 48 - 1;

/**
 * Half of that range, in the year 6429. A watermark beyond it is no valid time, and leaves no room
 * for further ids.
 */
const SOUND_MS = 2 ** 47;

/** Ids that sort before this text have a valid time. */
export const SOUND_IDS_END = "8";

/** Returns whether ids can continue from a file's watermark. */
export function isSoundWatermark(ts: number, seq: number): boolean {
  return Number.isSafeInteger(ts) && ts >= 0 && ts < SOUND_MS &&
    Number.isSafeInteger(seq) && seq >= 0 && seq < SEQ_LIMIT;
}

/** Returns the watermark at which an id was minted; null for text that is not an id. */
export function watermarkOfId(id: string): Watermark | null {
  const [, high, low, seq] = ID.exec(id) ?? [];
  if (seq === undefined) return null;
  const mark = { ts: parseInt(high + low, 16), seq: parseInt(seq, 16), moved: false };
  return isSoundWatermark(mark.ts, mark.seq) ? mark : null;
}

const ID = /^([0-9a-f]{8})-([0-9a-f]{4})-7([0-9a-f]{3})-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * Returns a stateless uuid7 (RFC 9562, section 5.7), for volumes, mounts and locks.
 *
 * @returns Dashed lowercase text.
 */
export function uuid7(): string {
  const random = crypto.getRandomValues(new Uint8Array(2));
  return format(Date.now(), ((random[0] << 8) | random[1]) & 0xfff);
}

/**
 * Returns a uuid7 greater than all ids minted in its volume before, for nodes and edges. Advances
 * the watermark, which the transaction stores on commit.
 *
 * @returns Dashed lowercase text.
 * @throws {AloeError} `unsupported` when the volume's ids are exhausted.
 */
export function mint(mark: Watermark): string {
  const nowMs = Date.now();
  if (nowMs > mark.ts) {
    mark.ts = nowMs;
    mark.seq = 0;
  } else if (mark.seq + 1 >= SEQ_LIMIT) {
    // The counter is exhausted, so use the next millisecond.
    if (mark.ts >= LAST_MS) {
      throw new AloeError(
        "unsupported",
        "the volume's ids are exhausted; copy it into a new volume, which starts with new ids",
      );
    }
    mark.ts++;
    mark.seq = 0;
  } else {
    mark.seq++;
  }
  mark.moved = true;
  return format(mark.ts, mark.seq);
}

/**
 * Returns text that sorts after every id minted so far, at the current time and by the watermark.
 */
export function afterWatermark({ ts, seq }: Watermark): string {
  const nowMs = Date.now();
  return nowMs > ts ? textAfter(nowMs, SEQ_LIMIT - 1) : textAfter(ts, seq);
}

/** Returns text that sorts after a watermark's last id and before the next one. */
export function atWatermark({ ts, seq }: Watermark): string {
  return textAfter(ts, seq);
}

function textAfter(ms: number, seq: number): string {
  // No hexadecimal digit sorts after a "g".
  return `${format(ms, seq).slice(0, COUNTED)}-g`;
}

/** The length of an id's time and counter in its text. */
export const COUNTED = 18;

/** Random bytes are drawn in bulk, because a call into the runtime costs more than the bytes. */
const pool = new Uint8Array(4096);
let drawn = pool.length;

const HEX = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).padStart(2, "0"),
);

function format(ms: number, seq: number): string {
  if (drawn + 8 > pool.length) {
    crypto.getRandomValues(pool);
    drawn = 0;
  }
  const r = drawn;
  drawn += 8;
  const time = ms.toString(16).padStart(12, "0");
  const variant = 0x80 | (pool[r] & 0x3f);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${seq.toString(16).padStart(3, "0")}-` +
    `${HEX[variant]}${HEX[pool[r + 1]]}-` +
    HEX[pool[r + 2]] + HEX[pool[r + 3]] + HEX[pool[r + 4]] +
    HEX[pool[r + 5]] + HEX[pool[r + 6]] + HEX[pool[r + 7]];
}
