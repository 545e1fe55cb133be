import { ApiError, isCancelled } from "./problem.ts";

/**
 * What keeps the page from the manager at present. What is asked meanwhile
 * waits, and goes on by itself; nothing that is shown or typed is given up.
 */
export interface Trouble {
  /** No answer comes: the connection is lost, or what answers cannot ask the manager. */
  unreachable: boolean;
  /** The manager demands its token. */
  signedOut: boolean;
  /** Volumes whose PIN it demands. */
  locked: ReadonlySet<string>;
}

/** How long to wait before each further try, ms; the last one stays. */
const PAUSES = [500, 1000, 2000, 3000, 5000];

let trouble: Trouble = { unreachable: false, signedOut: false, locked: new Set() };
const listeners = new Set<() => void>();
/** Those who wait for another try, by what they wait for. */
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

/** What has to come before another try may help; null where none will. */
function cure(error: unknown): string | null {
  if (!(error instanceof ApiError)) return null;
  if (error.code === "unauthorized") return LOGIN;
  if (error.status === 401 && error.code === "encryption_required") return error.volume;
  // A 401 that is not the manager's own is of a proxy whose login has ended.
  return [0, 401, 502, 503, 504].includes(error.status) ? NO_ANSWER : null;
}

/** Whether it is no fault of what was asked: another try may help. */
export function isPassing(error: unknown): boolean {
  return cure(error) !== null;
}

/**
 * Does something that asks the manager, again and again as long as the manager
 * cannot be reached or demands a token or a PIN first.
 *
 * @param onWait Told when it begins to wait, with what went wrong.
 * @throws What else goes wrong; an AbortError at the signal.
 */
export async function lasting<T>(
  task: () => Promise<T>,
  signal: AbortSignal,
  onWait?: (error: unknown) => void,
): Promise<T> {
  let need: string | null = null;
  try {
    for (let tries = 0;; tries++) {
      try {
        const answer = await task();
        // Another tab may have brought it.
        if (need === LOGIN) signedIn();
        else if (need !== null && need !== NO_ANSWER) unlocked(need);
        return answer;
      } catch (error) {
        need = cure(error);
        if (signal.aborted || isCancelled(error) || need === null) throw error;
        onWait?.(error);
        if (need === NO_ANSWER) stall(task);
        else stalled.delete(task);
        await turn(need, tries, (error as ApiError).retryAfter, signal);
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

/** Waits for the next try: for a while, or until what was missing is there. */
function turn(
  need: string,
  tries: number,
  retryAfter: number | null,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const pause = retryAfter === null
      ? PAUSES[Math.min(tries, PAUSES.length - 1)]
      : Math.max(retryAfter * 1000, PAUSES[0]);
    const timer = need === NO_ANSWER ? setTimeout(() => end(resolve), pause) : undefined;
    const wake = () => end(resolve);
    const stop = () => end(() => reject(new DOMException("cancelled", "AbortError")));
    const end = (then: () => void) => {
      clearTimeout(timer);
      waiting.delete(wake);
      signal.removeEventListener("abort", stop);
      then();
    };
    // Who was told when to come again is not woken before.
    waiting.set(wake, need === NO_ANSWER && retryAfter !== null ? "its time" : need);
    signal.addEventListener("abort", stop, { once: true });
  });
}

function wakeAll(need: string): void {
  for (const [wake, of] of [...waiting]) if (of === need) wake();
}

/** The manager has answered: who waits for that need not wait longer. */
export function answered(): void {
  if (stalled.size > 0) wakeAll(NO_ANSWER);
}

/** Tries again at once. */
export function tryNow(): void {
  wakeAll(NO_ANSWER);
}

/** The manager demands its token. */
export function demandsToken(): void {
  if (!trouble.signedOut) set({ signedOut: true });
}

/** It has got it. */
export function signedIn(): void {
  if (trouble.signedOut) set({ signedOut: false });
  wakeAll(LOGIN);
}

/** The manager demands a volume's PIN. */
export function demandsPin(volume: string): void {
  if (!trouble.locked.has(volume)) set({ locked: new Set(trouble.locked).add(volume) });
}

/** It has got it. */
export function unlocked(volume: string): void {
  const locked = new Set(trouble.locked);
  if (locked.delete(volume)) set({ locked });
  wakeAll(volume);
}

/** Begins to look for signs that trying again is worth it. */
export function watchConnection(): void {
  addEventListener("online", tryNow);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { for (const wake of [...waiting.keys()]) wake(); }
  });
}
