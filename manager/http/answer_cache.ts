import { setImmediate } from "node:timers";
import type { AloeLite } from "../../mod.ts";
import * as ops from "../../src/ops.ts";
import type { Visit } from "./visit.ts";

/** Characters that all answers may take together, and one of them. */
const MAX_CHARACTERS = 4 * 1024 * 1024;
const MAX_ANSWER = MAX_CHARACTERS / 4;

const HEADERS = {
  "content-type": "application/json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

/** An answer as it was given. */
interface Answer {
  fs: AloeLite;
  volume: string;
  route: string;
  /** What the file's change counter was before it was made. */
  counter: number;
  body: string;
}

/**
 * Answers about plain volumes as they were given, as long as nobody changes
 * their file: people and programs ask the same again and again. Only of
 * connections that write nothing themselves, whose change counter sees every
 * commit.
 */
export class AnswerCache {
  readonly #answers = new Map<string, Answer>();
  readonly #counters = new WeakMap<AloeLite, { turn: number; value: number | Promise<number> }>();
  #size = 0;
  #turn = 0;
  #turning = false;

  /**
   * The answer to a request that was let in.
   *
   * @returns Null when it has to be made, or the promise of that.
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
    if (typeof counter === "number") return respond(counter);
    return counter.then(respond, () => {
      // Its file has been closed.
      this.#drop(url, answer);
      return null;
    });
  }

  /**
   * Makes the answer to a request, and keeps it.
   *
   * @param of What it is about; `route` is the pattern of its route.
   */
  async make(
    url: string,
    of: { fs: AloeLite; volume: string; route: string },
    body: () => Promise<string>,
  ): Promise<Response> {
    // Before it is made: a change meanwhile makes it old at once.
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

  /** Forgets what was said of a volume. */
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
   * The change counter of a file, read once for all requests that one turn of
   * the event loop brings: they had come before the turn began.
   */
  #counter(fs: AloeLite): number | Promise<number> {
    if (!this.#turning) {
      this.#turning = true;
      this.#turn++;
      setImmediate(() => this.#turning = false);
    }
    const known = this.#counters.get(fs);
    if (known?.turn === this.#turn) return known.value;
    const value = ops.changeCounter(fs.db);
    const fresh: { turn: number; value: number | Promise<number> } = { turn: this.#turn, value };
    this.#counters.set(fs, fresh);
    value.then((counter) => fresh.value = counter, () => {});
    return value;
  }
}

function sizeOf(url: string, { body }: Answer): number {
  return url.length + body.length;
}
