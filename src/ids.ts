/** The last id minted in a volume: node and edge ids grow past it. */
export interface Watermark {
  /** Milliseconds since the Unix epoch. */
  ts: number;
  /** Counter within the millisecond, 0 to 4095. */
  seq: number;
  /** Whether it moved since it was read. */
  moved: boolean;
}

const SEQ_LIMIT = 4096;

/**
 * A stateless uuid7 (RFC 9562, section 5.7), for volumes, mounts and locks.
 *
 * @returns Dashed lowercase text.
 */
export function uuid7(): string {
  const random = crypto.getRandomValues(new Uint8Array(2));
  return format(Date.now(), ((random[0] << 8) | random[1]) & 0xfff);
}

/**
 * A uuid7 greater than every id minted in its volume before, for nodes and
 * edges. Moves the watermark, which the transaction stores when it commits.
 *
 * @returns Dashed lowercase text.
 */
export function mint(mark: Watermark): string {
  const nowMs = Date.now();
  if (nowMs > mark.ts) {
    mark.ts = nowMs;
    mark.seq = 0;
  } else if (++mark.seq >= SEQ_LIMIT) {
    // The counter is spent: borrow the next millisecond.
    mark.ts++;
    mark.seq = 0;
  }
  mark.moved = true;
  return format(mark.ts, mark.seq);
}

/** Random bytes are drawn in bulk: a call into the runtime costs more than the bytes. */
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
