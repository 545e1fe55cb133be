/** Which places a request takes one of. */
export type Place = "usual" | "open" | "health";

/** A request that is worked on. */
export class Visit {
  /** The pattern of the route that answers it. */
  route = "none";
  /** Whether it carries the token, where one is asked for. */
  trusted = true;
  /** What kind of place it takes. */
  place: Place = "usual";
  /**
   * Since when its body is being read, or it waits for its turn, by `performance.now`;
   * null while it is worked on.
   */
  waitingSince: number | null = null;
  /** When something of its body came last, or of its answer was taken, by `performance.now`. */
  progressAt: number = performance.now();
  /** Ends its answer, where that is a stream. */
  cut: (() => void) | null = null;
  /** Rejected when the client goes; null where nobody tells. */
  completed: Promise<void> | null = null;
  #controller: AbortController | null = null;
  #over = false;

  /**
   * Aborted when nobody waits for the answer any more: the client has gone, or
   * its time is up. The signal of a `Request` is aborted after each answer.
   */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#over) this.#controller.abort();
      // Only for those who look: to wait for it costs as much as a small answer.
      this.completed?.catch(() => this.end());
    }
    return this.#controller.signal;
  }

  /** Tells who works on it that nobody waits any more. */
  end(): void {
    this.#over = true;
    this.#controller?.abort();
  }
}

const visits = new WeakMap<Request, Visit>();

/** Keeps the visit of a request with it, for what is given the request alone. */
export function keepVisit(request: Request, visit: Visit): void {
  visits.set(request, visit);
}

/** The visit of a request; a new one where nobody has let it in. */
export function visitOf(request: Request): Visit {
  return visits.get(request) ?? new Visit();
}
