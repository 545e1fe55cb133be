import { ByteBudget } from "../../src/byte_budget.ts";

/** The minimum time that a body keeps its memory, and the interval of its rate, in ms. */
const RATE_INTERVAL = 1000;

/** The interval at which bodies that should return their memory are searched, in ms. */
const SEARCH_INTERVAL = 200;

/** Bytes a second below which a body returns its memory while others wait. */
const SLOW = 128 * 1024;

/** The time after which fast bodies that can resume return their memory too, in ms. */
const PATIENCE = 10_000;

/** The memory of a body, to be disposed when the bytes are no longer needed. */
export interface BodyShare extends Disposable {
  /**
   * Waits for more of the body.
   *
   * @returns Null when others need the memory and it has to be returned; the promise stays pending.
   */
  more<T extends object>(next: Promise<T>): Promise<T | null>;
  /** Counts received bytes. */
  came(bytes: number): void;
}

/**
 * Limits the memory of all bodies that are kept until they are complete. While requests wait for
 * memory, the bodies with the lowest recent rates have to return theirs, so that slow clients do
 * not block others.
 */
export class BodyMemory {
  readonly #limit: number;
  readonly #budget: ByteBudget;
  readonly #resumable: boolean;
  readonly #shares = new Set<Share>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param limit Bytes in all. A larger body is admitted alone.
   * @param resumable Whether a body that has returned its memory resumes later. Such bodies take
   *   turns, however fast they are.
   */
  constructor(limit: number, resumable: boolean) {
    this.#limit = limit;
    this.#budget = new ByteBudget(limit);
    this.#resumable = resumable;
  }

  /** The number of bytes in use. */
  get used(): number {
    return this.#budget.used;
  }

  /** Takes memory; waits until there is room for it. */
  async take(bytes: number): Promise<BodyShare> {
    const granted = this.#budget.take(bytes);
    if (this.#budget.waiting !== null) {
      this.#timer ??= setInterval(() => this.#search(), SEARCH_INTERVAL);
    }
    const room = await granted;
    if (this.#budget.waiting === null) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    const share = new Share(bytes, () => {
      if (this.#shares.delete(share)) room[Symbol.dispose]();
    });
    this.#shares.add(share);
    return share;
  }

  /** Makes the slowest bodies return as much as is waited for. */
  #search(): void {
    const waiting = this.#budget.waiting;
    if (waiting === null) return;
    const now = performance.now();
    let missing = this.#budget.used - this.#limit + waiting.bytes;
    const most = this.#resumable && now - waiting.since > PATIENCE ? Infinity : SLOW;
    const slow: { share: Share; rate: number }[] = [];
    for (const share of this.#shares) {
      const rate = share.rate(now);
      if (share.waits && rate < most) slow.push({ share, rate });
    }
    slow.sort((a, b) => a.rate - b.rate);
    for (const { share } of slow) {
      if (missing <= 0) return;
      missing -= share.size;
      share.giveBack();
    }
  }
}

class Share implements BodyShare {
  /** The start of the interval of its rate, and the bytes received in it. */
  #since: number = performance.now();
  #bytes = 0;
  #give: (() => void) | null = null;
  /** The bytes of the share. */
  readonly size: number;
  readonly #end: () => void;

  constructor(size: number, end: () => void) {
    this.size = size;
    this.#end = end;
  }

  /** Whether it waits for its client. */
  get waits(): boolean {
    return this.#give !== null;
  }

  giveBack(): void {
    this.#give?.();
    this.#give = null;
  }

  more<T extends object>(next: Promise<T>): Promise<T | null> {
    return new Promise((resolve, reject) => {
      this.#give = () => resolve(null);
      const settled = () => this.#give = null;
      next.then((value) => (settled(), resolve(value)), (error) => (settled(), reject(error)));
    });
  }

  came(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Returns the recent bytes a second; infinite until an interval has passed. */
  rate(now: number): number {
    if (now - this.#since < RATE_INTERVAL) return Infinity;
    const rate = this.#bytes * 1000 / (now - this.#since);
    this.#since = now;
    this.#bytes = 0;
    return rate;
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}

/** Reads a body piece by piece; its memory may have to be returned while a piece is awaited. */
export class BodyReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  /** The requested piece that no call has returned yet. */
  #next: Promise<IteratorResult<Uint8Array>> | null = null;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /**
   * The next piece.
   *
   * @param share The memory that keeps the earlier pieces; null for none.
   * @returns Null at the end; `"wanted"` when the share has to be returned.
   * @throws What the pieces throw.
   */
  async read(share: BodyShare | null): Promise<Uint8Array | null | "wanted"> {
    this.#next ??= this.#pieces.next();
    const found = share === null ? await this.#next : await share.more(this.#next);
    if (found === null) {
      // The caller may fail before it asks for this piece again.
      this.#next.catch(() => {});
      return "wanted";
    }
    this.#next = null;
    if (found.done) return null;
    share?.came(found.value.length);
    return found.value;
  }

  /** Stops reading, without waiting for the pending piece. */
  end(): void {
    void this.#pieces.return?.().catch(() => {});
  }
}

/**
 * Frees the memory of a piece that is no longer needed. Buffers are outside of the JavaScript heap,
 * so garbage collection alone would run too rarely.
 */
export function free(piece: Uint8Array): void {
  const buffer = piece.buffer as ArrayBuffer;
  // A view of a part may share its buffer with others.
  if (!buffer.detached && piece.byteLength === buffer.byteLength) buffer.transfer(0);
}
