import { AloeError } from "../../mod.ts";
import { networkOf } from "./addresses.ts";
import { Problem } from "./problem.ts";

/** Slows down guessing of PINs: wrong ones are counted by volume and client. */
export class PinGuard {
  readonly #free: number;
  readonly #onWrong: (subject: string, client: string) => void;
  readonly #counts = new Map<string, Count>();

  /**
   * @param free Wrong PINs in a row before a client has to wait.
   * @param onWrong Is called for each wrong one with its subject and its client.
   */
  constructor(free: number, onWrong: (subject: string, client: string) => void = () => {}) {
    this.#free = free;
    this.#onWrong = onWrong;
  }

  /**
   * Runs a task that throws `bad_key` for a wrong PIN.
   *
   * @throws {Problem} 429 `rate_limited` after too many wrong ones.
   */
  async attempt<T>(volume: string, client: string, task: () => Promise<T>): Promise<T> {
    const counts = this.#counted(volume, client);
    refuse(this.#wait(...counts));
    for (const count of counts) count.running++;
    try {
      const result = await task();
      counts[0].wrong = 0;
      return result;
    } catch (error) {
      if (error instanceof AloeError && error.code === "bad_key") {
        this.#failed(counts, volume, client);
      }
      throw error;
    } finally {
      for (const count of counts) count.running--;
    }
  }

  /**
   * Admits an attempt that is checked synchronously.
   *
   * @throws {Problem} 429 `rate_limited`.
   */
  admit(subject: string, client: string): void {
    if (this.#counts.size === 0) return;
    const own = this.#counts.get(keyOf(subject, client));
    if (own !== undefined) refuse(waitOf(own, this.#free, LONGEST_MS));
  }

  /** Counts a wrong attempt. */
  wrong(subject: string, client: string): void {
    this.#failed([this.#count(keyOf(subject, client))], subject, client);
  }

  /** Resets the count after a right attempt. */
  right(subject: string, client: string): void {
    if (this.#counts.size > 0) this.#counts.delete(keyOf(subject, client));
  }

  #counted(volume: string, client: string): [own: Count, all: Count] {
    return [this.#count(keyOf(volume, client)), this.#count(volume)];
  }

  #wait(own: Count, all: Count): number {
    return Math.max(
      waitOf(own, this.#free, LONGEST_MS),
      // Many addresses may be one person, who must not lock out all others for long.
      waitOf(all, this.#free * CLIENTS, LONGEST_FOR_ALL_MS),
    );
  }

  #failed(counts: readonly Count[], subject: string, client: string): void {
    this.#onWrong(subject, client);
    for (const count of counts) {
      count.wrong++;
      count.last = performance.now();
    }
  }

  #count(key: string): Count {
    let count = this.#counts.get(key);
    if (count !== undefined && count.running === 0 && performance.now() - count.last > FORGET_MS) {
      count.wrong = 0;
    }
    if (count === undefined) {
      if (this.#counts.size >= MOST) this.#forget();
      count = { wrong: 0, running: 0, last: performance.now() };
      this.#counts.set(key, count);
    }
    return count;
  }

  /** Drops expired counts, and the oldest half of the others. */
  #forget(): void {
    const now = performance.now();
    for (const [key, { running, wrong, last }] of this.#counts) {
      if (running === 0 && (wrong === 0 || now - last > FORGET_MS)) this.#counts.delete(key);
    }
    for (const [key, { running }] of this.#counts) {
      if (this.#counts.size < MOST / 2) break;
      if (running === 0) this.#counts.delete(key);
    }
  }
}

interface Count {
  /** Wrong PINs in a row. */
  wrong: number;
  /** Attempts that are being checked; they count as wrong until they are decided. */
  running: number;
  /** When the last wrong one was, by `performance.now`, which is monotonic. */
  last: number;
}

const LONGEST_MS = 15 * 60_000;
const LONGEST_FOR_ALL_MS = 30_000;
const FORGET_MS = 60 * 60_000;
const MOST = 20_000;
const CLIENTS = 10;

/** How long a client has to wait, ms. It doubles with each wrong PIN. */
function waitOf({ wrong, running, last }: Count, free: number, longest: number): number {
  if (wrong + running < free) return 0;
  if (wrong < free) return 1000;
  const pause = Math.min(1000 * 2 ** (wrong - free), longest);
  const wait = last + pause - performance.now();
  // Beyond the limit, attempts are checked one at a time.
  return wait > 0 ? wait : running > 0 ? 1000 : 0;
}

function refuse(wait: number): void {
  if (wait <= 0) return;
  throw new Problem(429, "rate_limited", "too many wrong guesses: wait before the next one", {
    headers: { "retry-after": `${Math.ceil(wait / 1000)}` },
  });
}

function keyOf(subject: string, client: string): string {
  return `${subject} ${networkOf(client)}`;
}
