import { ApiError, isCancelled } from "./problem.ts";

/**
 * The reason why requests to the manager wait. Waiting requests resume by
 * themselves; shown and typed content stays.
 */
export interface Trouble {
  /**
   * No answer: the connection is lost, or a proxy answers in the manager's
   * place.
   */
  unreachable: boolean;
  /** The manager requires its token. */
  signedOut: boolean;
  /** The volumes whose PIN is required. */
  locked: ReadonlySet<string>;
}

/** Delays before each retry, ms; the last one repeats. */
const RETRY_DELAYS = [500, 1000, 2000, 3000, 5000];

let trouble: Trouble = { unreachable: false, signedOut: false, locked: new Set() };
const listeners = new Set<() => void>();
/** Wakes the waiting requests, by the cause that they wait for. */
const waiting = new Map<() => void, string>();
const stalled = new Set<unknown>();

function set(change: Partial<Trouble>): void {
  trouble = { ...trouble, ...change };
  for (const listener of listeners) listener();
}

export function currentTrouble(): Trouble {
  return trouble;
}

export function whenTroubleChanges(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const NO_ANSWER = "answer";
const LOGIN = "login";

/**
 * The cause that must end before a retry makes sense; null if no retry makes
 * sense.
 */
function blockingCause(error: unknown): string | null {
  if (!(error instanceof ApiError)) return null;
  if (error.code === "unauthorized") return LOGIN;
  if (error.status === 401 && error.code === "encryption_required") return error.volume;
  // A 401 without the manager's code comes from a proxy whose login has ended.
  return [0, 401, 502, 503, 504].includes(error.status) ? NO_ANSWER : null;
}

/** Returns whether an error is temporary, so that a retry may succeed. */
export function isTransient(error: unknown): boolean {
  return blockingCause(error) !== null;
}

/**
 * Runs a request to the manager, and retries it while the manager is
 * unreachable or requires a token or a PIN first.
 *
 * @param onWait Called with the error when waiting begins.
 * @throws Any other error; an AbortError when the signal aborts.
 */
export async function withRetry<T>(
  task: () => Promise<T>,
  signal: AbortSignal,
  onWait?: (error: unknown) => void,
): Promise<T> {
  let cause: string | null = null;
  try {
    for (let tries = 0;; tries++) {
      try {
        const answer = await task();
        // Another tab may have obtained it.
        if (cause === LOGIN) reportSignedIn();
        else if (cause !== null && cause !== NO_ANSWER) reportUnlocked(cause);
        return answer;
      } catch (error) {
        cause = blockingCause(error);
        if (signal.aborted || isCancelled(error) || cause === null) throw error;
        onWait?.(error);
        if (cause === NO_ANSWER) stall(task);
        else stalled.delete(task);
        await waitForRetry(cause, tries, (error as ApiError).retryAfter, signal);
      }
    }
  } finally {
    stalled.delete(task);
    if (stalled.size === 0 && trouble.unreachable) set({ unreachable: false });
  }
}

function stall(task: unknown): void {
  stalled.add(task);
  if (!trouble.unreachable) set({ unreachable: true });
}

/**
 * Waits for the next retry: until the delay has passed or the cause has ended.
 */
function waitForRetry(
  cause: string,
  tries: number,
  retryAfter: number | null,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const pause = retryAfter === null
      ? RETRY_DELAYS[Math.min(tries, RETRY_DELAYS.length - 1)]
      : Math.max(retryAfter * 1000, RETRY_DELAYS[0]);
    const timer = cause === NO_ANSWER ? setTimeout(() => end(resolve), pause) : undefined;
    const wake = () => end(resolve);
    const stop = () => end(() => reject(new DOMException("cancelled", "AbortError")));
    const end = (then: () => void) => {
      clearTimeout(timer);
      waiting.delete(wake);
      signal.removeEventListener("abort", stop);
      then();
    };
    // A Retry-After header forbids an earlier retry.
    waiting.set(wake, cause === NO_ANSWER && retryAfter !== null ? "its time" : cause);
    signal.addEventListener("abort", stop, { once: true });
  });
}

function wakeWaiting(cause: string): void {
  for (const [wake, of] of [...waiting]) if (of === cause) wake();
}

/**
 * Reports an answer of the manager: wakes the requests that wait for the
 * connection.
 */
export function reportAnswer(): void {
  if (stalled.size > 0) wakeWaiting(NO_ANSWER);
}

/** Retries at once. */
export function retryNow(): void {
  wakeWaiting(NO_ANSWER);
}

/** Reports that the manager requires its token. */
export function reportTokenRequired(): void {
  if (!trouble.signedOut) set({ signedOut: true });
}

/** Reports a successful login. */
export function reportSignedIn(): void {
  if (trouble.signedOut) set({ signedOut: false });
  wakeWaiting(LOGIN);
}

/** Reports that the manager requires the PIN of a volume. */
export function reportPinRequired(volume: string): void {
  if (!trouble.locked.has(volume)) set({ locked: new Set(trouble.locked).add(volume) });
}

/** Reports that a volume is unlocked. */
export function reportUnlocked(volume: string): void {
  const locked = new Set(trouble.locked);
  if (locked.delete(volume)) set({ locked });
  wakeWaiting(volume);
}

/** Starts to watch for events that make a retry worthwhile. */
export function watchConnection(): void {
  addEventListener("online", retryNow);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { for (const wake of [...waiting.keys()]) wake(); }
  });
}
