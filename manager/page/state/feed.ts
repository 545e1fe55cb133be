import { useEffect, useRef } from "react";
import { reportAnswer, withRetry } from "../api/connection.ts";
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
let releaseTurn: (() => void) | null = null;
/** Stops the check whether the manager is reachable again. */
let reconnecting: AbortController | null = null;

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
const LOCK_TIMEOUT_MS = 100;

/** A message from the tab with the connection. */
type Broadcast = { event: FeedEvent } | { broken: true };

const channel = "BroadcastChannel" in globalThis && "locks" in navigator
  ? new BroadcastChannel(LOCK)
  : null;

channel?.addEventListener("message", ({ data }: MessageEvent<Broadcast>) => {
  if (document.hidden || source !== null) return;
  if ("event" in data) { for (const listener of listeners) listener(data.event); }
  else void reconnectWhenReachable(null);
});

/** Notifies this tab and the tabs that listen to it. */
function broadcast(event: FeedEvent): void {
  for (const listener of listeners) listener(event);
  channel?.postMessage({ event } satisfies Broadcast);
}

function onMessage(message: MessageEvent): void {
  let event: FeedEvent = { type: message.type };
  try {
    event = { ...event, ...JSON.parse(message.data) as FeedEvent };
  } catch {
    // The event type suffices: listeners reload their data.
  }
  broadcast(event);
}

function close(): void {
  reconnecting?.abort();
  reconnecting = null;
  source?.close();
  source = null;
}

function disconnect(): void {
  close();
  releaseTurn?.();
  releaseTurn = null;
}

// A hidden tab releases its connection, or its place in the queue, to another.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return disconnect();
  if (releaseTurn === null && source === null) connectFeed({ missed: true });
});

/** @param missed Whether events may have been missed. */
export function connectFeed({ missed = false } = {}): void {
  disconnect();
  if (channel === null) return open(missed);
  const turn = new AbortController();
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  releaseTurn = () => {
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
  }, LOCK_TIMEOUT_MS);
}

function open(missed: boolean): void {
  close();
  const opened = new EventSource("/events");
  source = opened;
  for (const type of TYPES) opened.addEventListener(type, onMessage);
  opened.addEventListener("open", () => {
    if (source !== opened) return;
    reconnecting?.abort();
    reconnecting = null;
    reportAnswer();
    if (missed) broadcast({ type: "reset" });
    // After a disconnect the browser sends Last-Event-ID, and the manager
    // resumes from there.
    missed = false;
  });
  opened.addEventListener("error", () => {
    if (source !== opened) return;
    channel?.postMessage({ broken: true } satisfies Broadcast);
    void reconnectWhenReachable(opened);
  });
}

/**
 * The feed does not give the reason for its end: sends a request, and
 * reconnects when the manager answers.
 */
async function reconnectWhenReachable(broken: EventSource | null): Promise<void> {
  if (reconnecting !== null) return;
  reconnecting = new AbortController();
  const { signal } = reconnecting;
  try {
    await withRetry(() => volumes(signal), signal);
  } catch {
    // Any event proves that the manager answers.
  }
  if (signal.aborted) return;
  reconnecting = null;
  if (broken === null || broken.readyState === EventSource.OPEN) return;
  // Wait before reconnecting, because a feed may be refused repeatedly.
  setTimeout(() => {
    if (source === broken && broken.readyState !== EventSource.OPEN) open(true);
  }, 1000);
}

/** Calls back for each event, until the returned function is called. */
export function onFeedEvent(listener: Listener): () => void {
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
