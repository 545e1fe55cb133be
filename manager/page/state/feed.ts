import { useEffect, useRef } from "react";
import type { FeedEvent } from "../api/types.ts";

/** The manager's feed of changes: one connection for the whole page. */

type Listener = (event: FeedEvent) => void;

const listeners = new Set<Listener>();
let source: EventSource | null = null;
let retry: number | undefined;

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
  clearTimeout(retry);
  source?.close();
  source = null;
}

// A browser has few connections for one host: tabs in the background give theirs back.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return disconnect();
  if (source !== null) return;
  connectFeed();
  for (const listener of listeners) listener({ type: "reset" });
});

export function connectFeed(): void {
  disconnect();
  const opened = new EventSource("/events");
  source = opened;
  for (const type of TYPES) opened.addEventListener(type, tell);
  // Refused for good (a login that ended, a manager that stops): try again later.
  opened.addEventListener("error", () => {
    if (opened.readyState !== EventSource.CLOSED || source !== opened) return;
    retry = setTimeout(connectFeed, 5000);
  });
}

/** Calls back when something of a volume (null: of anything) changes, at most every `pause` ms. */
export function useFeed(volume: string | null, listener: () => void, pause = 150): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => {
    let timer: number | undefined;
    const hear: Listener = (event) => {
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
  }, [volume, pause]);
}
