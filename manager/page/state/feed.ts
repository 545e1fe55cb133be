import { useEffect, useRef } from "react";
import { answered, lasting } from "../api/connection.ts";
import type { FeedEvent } from "../api/types.ts";
import { volumes } from "../api/volumes.ts";

/**
 * The manager's feed of changes: one connection for all tabs that are seen,
 * since a browser has six for one host. The tab that has the lock has it, and
 * passes on what it hears; where there are no locks, each tab has its own.
 */

type Listener = (event: FeedEvent) => void;

const listeners = new Set<Listener>();
let source: EventSource | null = null;
/** Gives up the connection for all tabs, or the wait for it. */
let giveUpTurn: (() => void) | null = null;
/** Ends what looks whether the manager is there again. */
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
/** How long a tab may take to get the lock that nobody has, ms. */
const SOON_MS = 100;

/** What the tab with the connection passes on. */
type Passed = { event: FeedEvent } | { broken: true };

const channel = "BroadcastChannel" in globalThis && "locks" in navigator
  ? new BroadcastChannel(LOCK)
  : null;

channel?.addEventListener("message", ({ data }: MessageEvent<Passed>) => {
  if (document.hidden || source !== null) return;
  if ("event" in data) { for (const listener of listeners) listener(data.event); }
  else void lookFor(null);
});

/** Tells this tab, and those that hear by it. */
function tellAll(event: FeedEvent): void {
  for (const listener of listeners) listener(event);
  channel?.postMessage({ event } satisfies Passed);
}

function tell(message: MessageEvent): void {
  let event: FeedEvent = { type: message.type };
  try {
    event = { ...event, ...JSON.parse(message.data) as FeedEvent };
  } catch {
    // The type alone tells enough: something is to be looked at again.
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

// A tab in the background gives its connection, or its turn, to another.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return disconnect();
  if (giveUpTurn === null && source === null) connectFeed({ missed: true });
});

/** @param missed Whether there may have been events that nobody told the page of. */
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
    // It was given up before it came.
  });
  // Another tab has it: what is told from now on comes from there.
  setTimeout(() => {
    if (mine || turn.signal.aborted) return;
    if (missed) { for (const listener of listeners) listener({ type: "reset" }); }
    // When that one goes there may be something between.
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
    // After a break of its own the browser says what it has seen: the manager tells the rest.
    missed = false;
  });
  opened.addEventListener("error", () => {
    if (source !== opened) return;
    channel?.postMessage({ broken: true } satisfies Passed);
    void lookFor(opened);
  });
}

/** The feed does not say why it ended: asks, and connects anew when the manager answers. */
async function lookFor(broken: EventSource | null): Promise<void> {
  if (looking !== null) return;
  looking = new AbortController();
  const { signal } = looking;
  try {
    await lasting(() => volumes(signal), signal);
  } catch {
    // Whatever it was, the manager has answered.
  }
  if (signal.aborted) return;
  looking = null;
  if (broken === null || broken.readyState === EventSource.OPEN) return;
  // Some time between: a feed that is refused again and again is not asked for at once.
  setTimeout(() => {
    if (source === broken && broken.readyState !== EventSource.OPEN) open(true);
  }, 1000);
}

/** Calls back with each event, until what it returns is called. */
export function whenTold(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Calls back when something of a volume (null: of anything) changes, at most
 * every `pause` ms; or when something is told of its tasks, which is no change.
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
