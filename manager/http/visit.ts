/** The kinds of places; a request takes one of them. */
export type Place = "usual" | "open" | "health";

/** The state of a running request. */
export class Visit {
  /** The pattern of the route that answers it. */
  route = "none";
  /** Whether it is authenticated, where a token is required. */
  trusted = true;
  /** What kind of place it takes. */
  place: Place = "usual";
  /**
   * Since when it waits for its body or for its turn, by `performance.now`; null while
   * it does not wait.
   */
  waitingSince: number | null = null;
  /** When a part of its body or of its response was last transferred, by `performance.now`. */
  progressAt: number = performance.now();
  /** Whether the manager works on it; else its client has to receive what there is. */
  working = true;
  /** Ends its response, where that is a stream. */
  cut: (() => void) | null = null;
  /** Rejected when the client disconnects; null where that is not known. */
  completed: Promise<void> | null = null;
  #controller: AbortController | null = null;
  #over = false;

  /**
   * Aborted when the client has disconnected or the request exceeds its time. Not the
   * signal of the `Request`, which the runtime aborts after each response.
   */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#over) this.#controller.abort();
      // Only on demand: to wait for it costs as much as a small response.
      this.completed?.catch(() => this.end());
    }
    return this.#controller.signal;
  }

  /** Aborts the work on it. */
  end(): void {
    this.#over = true;
    this.#controller?.abort();
  }
}

const visits = new WeakMap<Request, Visit>();

/** Attaches a visit to its request, for functions that only have the request. */
export function keepVisit(request: Request, visit: Visit): void {
  visits.set(request, visit);
}

/** The visit of a request; a new one if it did not come through the front door. */
export function visitOf(request: Request): Visit {
  return visits.get(request) ?? new Visit();
}
