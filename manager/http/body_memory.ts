/** How long a body keeps its memory in any case, and how long its rate is counted, ms. */
const TURN = 1000;

/** How often it is looked for a body that gives its memory back, ms. */
const LOOK = 200;

/** Bytes a second. What comes more slowly is not worth to be kept while others wait. */
const SLOW = 128 * 1024;

/** How long others wait for those that come fast, and can go on later, ms. */
const PATIENCE = 10_000;

/** Memory that a body has. To be disposed when the bytes are not needed any more. */
export interface BodyShare extends Disposable {
  /**
   * Waits for more of the body.
   *
   * @returns Null when others need the memory: it is to be given back. The promise goes on.
   */
  more<T extends object>(next: Promise<T>): Promise<T | null>;
  /** Notes that bytes have come. */
  came(bytes: number): void;
}

/**
 * Bounds the memory of all bodies that are kept until something has come of them
 * in whole. While others wait for some, those that come slowest lately have to
 * give theirs back: clients that take their time keep nobody out.
 */
export class BodyMemory {
  readonly #limit: number;
  #used = 0;
  readonly #resumable: boolean;
  readonly #waiting: { bytes: number; since: number; go: () => void }[] = [];
  readonly #shares = new Set<Share>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param limit Bytes in all. What is larger than that is given to one body alone.
   * @param resumable Whether a body goes on later that has given its memory back. They
   * take turns then, however fast they come.
   */
  constructor(limit: number, resumable: boolean) {
    this.#limit = limit;
    this.#resumable = resumable;
  }

  /** Bytes that are held. */
  get used(): number {
    return this.#used;
  }

  /** Takes memory, waiting until there is some. */
  async take(bytes: number): Promise<BodyShare> {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) {
      await new Promise<void>((go) => {
        this.#waiting.push({ bytes, since: performance.now(), go });
        this.#timer ??= setInterval(() => this.#look(), LOOK);
      });
    } else {
      this.#used += bytes;
    }
    const share = new Share(bytes, () => {
      if (!this.#shares.delete(share)) return;
      this.#used -= bytes;
      this.#next();
    });
    this.#shares.add(share);
    return share;
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.#limit;
  }

  #next(): void {
    for (let first = this.#waiting[0]; first !== undefined && this.#fits(first.bytes);) {
      this.#waiting.shift();
      // Counted before it runs, so that two are not given the same room.
      this.#used += first.bytes;
      first.go();
      first = this.#waiting[0];
    }
    if (this.#waiting.length > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Has the slowest bodies give back as much as is waited for. */
  #look(): void {
    const now = performance.now();
    let missing = this.#used - this.#limit;
    for (const { bytes } of this.#waiting) missing += bytes;
    const [first] = this.#waiting;
    const most = this.#resumable && now - first.since > PATIENCE ? Infinity : SLOW;
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
  /** Since when its rate is counted, and what has come since. */
  #since: number = performance.now();
  #bytes = 0;
  #give: (() => void) | null = null;
  /** Bytes that it holds. */
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

  /** Bytes a second that have come lately; infinite until that can be told. */
  rate(now: number): number {
    if (now - this.#since < TURN) return Infinity;
    const rate = this.#bytes * 1000 / (now - this.#since);
    this.#since = now;
    this.#bytes = 0;
    return rate;
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}

/** A body that is read piece by piece, with memory that may have to be given back meanwhile. */
export class BodyReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  /** What is asked for and was not taken yet. */
  #next: Promise<IteratorResult<Uint8Array>> | null = null;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /**
   * The next piece.
   *
   * @param share The memory that the pieces before it are kept in; null for none.
   * @returns Null at the end; `"wanted"` when the share is to be given back.
   * @throws What the pieces throw.
   */
  async read(share: BodyShare | null): Promise<Uint8Array | null | "wanted"> {
    this.#next ??= this.#pieces.next();
    const found = share === null ? await this.#next : await share.more(this.#next);
    if (found === null) {
      // Whoever gives memory back may fail before this is asked for again.
      this.#next.catch(() => {});
      return "wanted";
    }
    this.#next = null;
    if (found.done) return null;
    share?.came(found.value.length);
    return found.value;
  }

  /** Reads no further. What is being waited for is not waited for. */
  end(): void {
    void this.#pieces.return?.().catch(() => {});
  }
}

/**
 * Frees the memory of a piece that is not needed any more: the collector sees little
 * garbage of its own in a process that takes bodies, and would let them pile up.
 */
export function free(piece: Uint8Array): void {
  const buffer = piece.buffer as ArrayBuffer;
  // A view of a part may share its buffer with others.
  if (!buffer.detached && piece.byteLength === buffer.byteLength) buffer.transfer(0);
}
