import { Problem } from "./problem.ts";
import type { Limits } from "../settings.ts";
import { visitOf } from "./visit.ts";

/** The limits of a body. */
export interface BodyLimits {
  /** Its size at most, bytes. */
  bytes: number;
  /** How long it may pause, ms. */
  idleMs: number;
  /** The time over which its rate is measured, ms. */
  windowMs: number;
  /** Its rate at least, bytes a second. */
  bytesPerSecond: number;
  /** How long all of it may take, ms. */
  wholeMs: number;
}

/** The limits of a body with a file or a filesystem. */
export function contentLimits(limits: Limits): BodyLimits {
  return {
    bytes: limits.uploadBytes,
    idleMs: limits.idleBodyMs,
    windowMs: limits.bodyWindowMs,
    bytesPerSecond: limits.bodyBytesPerSecond,
    wholeMs: limits.bodyMs,
  };
}

/** The limits of a JSON body. */
export function jsonLimits(limits: Limits): BodyLimits {
  return {
    ...contentLimits(limits),
    bytes: limits.jsonBytes,
    windowMs: limits.jsonWindowMs,
  };
}

/** A body that ends early, because its client has disconnected or sends no valid body. */
export class BrokenBody extends Problem {
  constructor(cause: unknown) {
    super(400, "invalid", "the body ended early", { cause });
  }
}

/** The Content-Length of a request; null without one. @throws {Problem} 413. */
export function declaredLength(headers: Headers, limits: { bytes: number }): number | null {
  const text = headers.get("content-length");
  if (text === null || !/^\d+$/.test(text)) return null;
  const length = Number(text);
  if (length > limits.bytes) throw tooLarge(limits.bytes);
  return length;
}

/**
 * The pieces of a request's body. Each is read when it is asked for, not ahead.
 *
 * @throws {Problem} 400, 413; 408 when it is too slow, or its request was aborted.
 */
export async function* bodyPieces(
  request: Request,
  limits: BodyLimits,
): AsyncGenerator<Uint8Array, void> {
  const visit = visitOf(request);
  const expected = declaredLength(request.headers, limits);
  if (request.body === null) return;
  const reader = request.body.getReader();
  const rate = new RateWatch(limits, visit.signal);
  visit.waitingSince = performance.now();
  let size = 0;
  try {
    while (true) {
      const { done, value } = await rate.wait(reader.read());
      if (done) break;
      size += value.length;
      rate.received(value.length);
      visit.progressAt = performance.now();
      if (size > limits.bytes) throw tooLarge(limits.bytes);
      if (value.length > 0) yield value;
    }
    if (expected !== null && size !== expected) throw new BrokenBody(null);
  } finally {
    visit.waitingSince = null;
    rate.end();
    // A body that nobody reads must not block the connection.
    void reader.cancel().catch(() => {});
  }
}

/** Enforces the rate of a body. The time that its reader takes is not counted. */
class RateWatch {
  readonly #limits: BodyLimits;
  readonly #signal: AbortSignal;
  readonly #begun = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #aborted = () => this.#fail("the request was aborted");
  #failure: Problem | null = null;
  #reject: ((error: Problem) => void) | null = null;
  /** Since when a piece is awaited; null while none is. */
  #since: number | null = null;
  /** Waiting time, and bytes, of this window. */
  #waited = 0;
  #bytes = 0;

  constructor(limits: BodyLimits, signal: AbortSignal) {
    this.#limits = limits;
    this.#signal = signal;
    const every = Math.min(limits.idleMs, limits.windowMs, limits.wholeMs) / 4;
    this.#timer = setInterval(() => this.#check(), Math.max(10, every));
    if (signal.aborted) this.#aborted();
    else signal.addEventListener("abort", this.#aborted);
  }

  /** Waits for the next piece. */
  wait<T>(read: Promise<T>): Promise<T> {
    if (this.#failure !== null) {
      read.catch(() => {});
      return Promise.reject(this.#failure);
    }
    this.#since = performance.now();
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      read.then(resolve, (error) => reject(new BrokenBody(error)));
    });
  }

  /** Counts a piece that has arrived. */
  received(bytes: number): void {
    this.#bytes += bytes;
    if (this.#since !== null) this.#waited += performance.now() - this.#since;
    this.#since = null;
  }

  end(): void {
    clearInterval(this.#timer);
    this.#signal.removeEventListener("abort", this.#aborted);
  }

  #check(): void {
    const now = performance.now();
    const { idleMs, windowMs, bytesPerSecond, wholeMs } = this.#limits;
    if (now - this.#begun > wholeMs) return this.#fail("the body took too long");
    const waiting = this.#since === null ? 0 : now - this.#since;
    if (waiting > idleMs) return this.#fail("the body paused for too long");
    if (this.#waited + waiting < windowMs) return;
    if (this.#bytes < bytesPerSecond * windowMs / 1000) {
      return this.#fail("the body came too slowly");
    }
    this.#bytes = 0;
    this.#waited = 0;
    if (this.#since !== null) this.#since = now;
  }

  #fail(why: string): void {
    this.#failure ??= new Problem(408, "invalid", why);
    this.#reject?.(this.#failure);
  }
}

function tooLarge(bytes: number): Problem {
  return new Problem(413, "too_large", `the content may have ${bytes} bytes at most`);
}
