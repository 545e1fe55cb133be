import { useEffect, useRef } from "react";
import { answered, lasting } from "../api/connection.ts";
import type { FeedEvent } from "../api/types.ts";
import { volumes } from "../api/volumes.ts";

/** The manager's feed of changes: one connection for the whole page. */

type Listener = (event: FeedEvent) => void;

const listeners = new Set<Listener>();
let source: EventSource | null = null;
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

function tell(message: MessageEvent): void {
  let event: FeedEvent = { type: message.type };
  try {
    event = { ...event, ...JSON.parse(message.data) as FeedEvent };
  } catch {
    // The type alone tells enough: something is to be looked at again.
  }
  for (const listener of listeners) listener(event);
}

function disconnect(): void {
  looking?.abort();
  looking = null;
  source?.close();
  source = null;
}

// A browser has few connections for one host: tabs in the background give theirs back.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return disconnect();
  if (source === null) connectFeed({ missed: true });
});

/** @param missed Whether there may have been events that nobody told the page of. */
export function connectFeed({ missed = false } = {}): void {
  disconnect();
  const opened = new EventSource("/events");
  source = opened;
  for (const type of TYPES) opened.addEventListener(type, tell);
  opened.addEventListener("open", () => {
    if (source !== opened) return;
    looking?.abort();
    looking = null;
    answered();
    if (missed) { for (const listener of listeners) listener({ type: "reset" }); }
    // After a break of its own the browser says what it has seen: the manager tells the rest.
    missed = false;
  });
  opened.addEventListener("error", () => {
    if (source === opened) void lookFor(opened);
  });
}

/** The feed does not say why it ended: asks, and connects anew when the manager answers. */
async function lookFor(broken: EventSource): Promise<void> {
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
  if (broken.readyState === EventSource.OPEN) return;
  // Some time between: a feed that is refused again and again is not asked for at once.
  setTimeout(() => {
    if (source === broken && broken.readyState !== EventSource.OPEN) connectFeed({ missed: true });
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
