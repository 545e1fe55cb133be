import { setImmediate } from "node:timers";
import type { AloeLite } from "../../mod.ts";
import * as internal from "../../src/internal.ts";
import { LARGE } from "./sized_answer.ts";
import type { Visit } from "./visit.ts";

/** Characters that all answers take together at most, and a single one. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
const MAX_ANSWER = MAX_CHARACTERS / 4;

const HEADERS = {
  "content-type": "application/json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

/** A cached answer. */
interface Answer {
  fs: AloeLite;
  volume: string;
  route: string;
  /** The file's change counter before it was made. */
  counter: number;
  body: string;
}

/**
 * Caches answers about plain volumes until their file changes, since clients repeat
 * the same requests. Only for connections that do not write: their change counter
 * sees every commit.
 */
export class AnswerCache {
  readonly #answers = new Map<string, Answer>();
  readonly #counters = new WeakMap<AloeLite, { turn: number; value: number | Promise<number> }>();
  #size = 0;
  #turn = 0;
  #turning = false;

  /**
   * Looks up the answer to a request that was admitted.
   *
   * @returns Null, or a promise of null, when it is not cached.
   */
  find(request: Request, visit: Visit): Response | Promise<Response | null> | null {
    if (request.method !== "GET") return null;
    const { url } = request;
    const answer = this.#answers.get(url);
    if (answer === undefined) return null;
    const respond = (counter: number): Response | null => {
      if (counter !== answer.counter) {
        this.#drop(url, answer);
        return null;
      }
      visit.route = answer.route;
      return new Response(answer.body, { headers: HEADERS });
    };
    const counter = this.#counter(answer.fs);
    if (typeof counter === "number") {
      const known = respond(counter);
      // A large one has to be counted while it is being sent.
      return known !== null && answer.body.length > LARGE ? Promise.resolve(known) : known;
    }
    return counter.then(respond, () => {
      // Its file has been closed.
      this.#drop(url, answer);
      return null;
    });
  }

  /**
   * Makes the answer to a request, and caches it.
   *
   * @param of What it is about; `route` is the pattern of its route.
   */
  async make(
    url: string,
    of: { fs: AloeLite; volume: string; route: string },
    body: () => Promise<string>,
  ): Promise<Response> {
    // Read before the answer is made, so that a change meanwhile invalidates it.
    const counter = await this.#counter(of.fs);
    const answer: Answer = { ...of, counter, body: await body() };
    if (answer.body.length <= MAX_ANSWER) {
      this.#drop(url, this.#answers.get(url));
      this.#answers.set(url, answer);
      this.#size += sizeOf(url, answer);
      for (const [oldest, old] of this.#answers) {
        if (this.#size <= MAX_CHARACTERS) break;
        this.#drop(oldest, old);
      }
    }
    return new Response(answer.body, { headers: HEADERS });
  }

  /** Drops the answers about a volume. */
  invalidate(volume: string): void {
    for (const [url, answer] of this.#answers) {
      if (answer.volume === volume) this.#drop(url, answer);
    }
  }

  #drop(url: string, answer: Answer | undefined): void {
    if (answer === undefined || this.#answers.get(url) !== answer) return;
    this.#answers.delete(url);
    this.#size -= sizeOf(url, answer);
  }

  /**
   * The change counter of a file. It is read once for all requests of one turn of the
   * event loop, since they arrived before the turn began.
   */
  #counter(fs: AloeLite): number | Promise<number> {
    if (!this.#turning) {
      this.#turning = true;
      this.#turn++;
      setImmediate(() => this.#turning = false);
    }
    const known = this.#counters.get(fs);
    if (known?.turn === this.#turn) return known.value;
    const value = internal.changeCounter(fs.db);
    const fresh: { turn: number; value: number | Promise<number> } = { turn: this.#turn, value };
    this.#counters.set(fs, fresh);
    value.then((counter) => fresh.value = counter, () => {});
    return value;
  }
}

function sizeOf(url: string, { body }: Answer): number {
  return url.length + body.length;
}
