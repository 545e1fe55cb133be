import { useEffect, useRef } from "react";
import { answered, lasting } from "../api/connection.ts";
import type { FeedEvent } from "../api/types.ts";
import { volumes } from "../api/volumes.ts";

/**
 * The manager's feed of changes. All visible tabs share one connection, because
 * a browser allows six for one host. The tab that holds the lock has the
 * connection and broadcasts its events; without locks, each tab has its own
 * connection.
 */

type Listener = (event: FeedEvent) => void;

const listeners = new Set<Listener>();
let source: EventSource | null = null;
/** Releases the shared connection, or cancels the wait for its lock. */
let giveUpTurn: (() => void) | null = null;
/** Stops the check whether the manager is reachable again. */
let looking: AbortController | null = null;

const TYPES = [
  "message",
  "changed",
  "created",
  "deleted",
  "renamed",
  "mounted",
  "unmounted",
  "imported",
  "unlocked",
  "locked",
  "reset",
  "task",
];

const LOCK = "aloelite.feed";
/** How long a tab may take to get a free lock, ms. */
const SOON_MS = 100;

/** A message from the tab with the connection. */
type Passed = { event: FeedEvent } | { broken: true };

const channel = "BroadcastChannel" in globalThis && "locks" in navigator
  ? new BroadcastChannel(LOCK)
  : null;

channel?.addEventListener("message", ({ data }: MessageEvent<Passed>) => {
  if (document.hidden || source !== null) return;
  if ("event" in data) { for (const listener of listeners) listener(data.event); }
  else void lookFor(null);
});

/** Notifies this tab and the tabs that listen to it. */
function tellAll(event: FeedEvent): void {
  for (const listener of listeners) listener(event);
  channel?.postMessage({ event } satisfies Passed);
}

function tell(message: MessageEvent): void {
  let event: FeedEvent = { type: message.type };
  try {
    event = { ...event, ...JSON.parse(message.data) as FeedEvent };
  } catch {
    // The event type suffices: listeners reload their data.
  }
  tellAll(event);
}

function close(): void {
  looking?.abort();
  looking = null;
  source?.close();
  source = null;
}

function disconnect(): void {
  close();
  giveUpTurn?.();
  giveUpTurn = null;
}

// A hidden tab releases its connection, or its place in the queue, to another.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return disconnect();
  if (giveUpTurn === null && source === null) connectFeed({ missed: true });
});

/** @param missed Whether events may have been missed. */
export function connectFeed({ missed = false } = {}): void {
  disconnect();
  if (channel === null) return open(missed);
  const turn = new AbortController();
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  giveUpTurn = () => {
    turn.abort();
    end();
  };
  let mine = false;
  navigator.locks.request(LOCK, { signal: turn.signal }, () => {
    if (turn.signal.aborted) return;
    mine = true;
    open(missed);
    return over;
  }).catch(() => {
    // The wait was cancelled before the lock was granted.
  });
  // Another tab holds the lock: its broadcasts arrive from now on.
  setTimeout(() => {
    if (mine || turn.signal.aborted) return;
    if (missed) { for (const listener of listeners) listener({ type: "reset" }); }
    // Events may be lost between two holders of the lock.
    missed = true;
  }, SOON_MS);
}

function open(missed: boolean): void {
  close();
  const opened = new EventSource("/events");
  source = opened;
  for (const type of TYPES) opened.addEventListener(type, tell);
  opened.addEventListener("open", () => {
    if (source !== opened) return;
    looking?.abort();
    looking = null;
    answered();
    if (missed) tellAll({ type: "reset" });
    // After a disconnect the browser sends Last-Event-ID, and the manager
    // resumes from there.
    missed = false;
  });
  opened.addEventListener("error", () => {
    if (source !== opened) return;
    channel?.postMessage({ broken: true } satisfies Passed);
    void lookFor(opened);
  });
}

/**
 * The feed does not give the reason for its end: sends a request, and
 * reconnects when the manager answers.
 */
async function lookFor(broken: EventSource | null): Promise<void> {
  if (looking !== null) return;
  looking = new AbortController();
  const { signal } = looking;
  try {
    await lasting(() => volumes(signal), signal);
  } catch {
    // Any event proves that the manager answers.
  }
  if (signal.aborted) return;
  looking = null;
  if (broken === null || broken.readyState === EventSource.OPEN) return;
  // Wait before reconnecting, because a feed may be refused repeatedly.
  setTimeout(() => {
    if (source === broken && broken.readyState !== EventSource.OPEN) open(true);
  }, 1000);
}

/** Calls back for each event, until the returned function is called. */
export function whenTold(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Calls back when a volume changes (null: when anything changes), at most every
 * `pause` ms; or for events about its tasks, which are not changes.
 */
export function useFeed(
  volume: string | null,
  listener: () => void,
  pause = 150,
  about: "changes" | "task" = "changes",
): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => {
    let timer: number | undefined;
    const hear: Listener = (event) => {
      const wanted = event.type === "reset" || (event.type === "task") === (about === "task");
      if (!wanted) return;
      if (volume !== null && event.volume_id !== undefined && event.volume_id !== volume) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        latest.current();
      }, pause);
    };
    listeners.add(hear);
    return () => {
      listeners.delete(hear);
      clearTimeout(timer);
    };
  }, [volume, pause, about]);
}
