import * as internal from "../../src/internal.ts";
import type { VolumeFacts } from "./facts.ts";
import type { FeedEvent } from "../api/events.ts";
import type { Publisher } from "./feed_events.ts";
import type { Filesystems } from "./filesystems.ts";
import type { OpenFile } from "./open_files.ts";

/** An event with its id. */
export interface NumberedEvent {
  id: string;
  event: FeedEvent;
}

/** An event in the history. Which listeners get its path is decided for each of them. */
interface StoredEvent extends NumberedEvent {
  where: { path: string; volume: VolumeFacts } | null;
}

/** What a listener wants, and may know. */
export interface ListenOptions {
  /** Only events of this filesystem, and those without one. */
  fsId?: string;
  volume?: string;
  /** The last event that the listener has got; it gets those that came after. */
  lastId?: string | null;
  /** Whether the listener has proved the PIN of a volume. By default it has not. */
  holds?: (volume: string) => boolean;
}

/** A subscriber of the feed. */
export interface Listener {
  /** The events since the last call; waits for the first one. Null at the end. */
  take(): Promise<NumberedEvent[] | null>;
  /** Ends the subscription. */
  close(): void;
}

/** Publishes changes to its listeners. */
export interface Feed extends Publisher {
  /** Subscribes, to one volume or to everything. */
  listen(options: ListenOptions): Listener;
  close(): void;
}

/** How often files are polled while there are listeners, ms. */
const POLL_MS = 400;

/** Events in the history, for clients that reconnect; and in the queue of a slow listener. */
const HISTORY = 1024;
const MAX_QUEUED = 256;

/** What the feed needs. */
export interface FeedOptions {
  /** The files that it polls. */
  filesystems: Pick<Filesystems, "list" | "opened">;
  /** Takes why files cannot be polled. */
  log: (line: string) => void;
}

/** The feed of a manager. */
export function createFeed(options: FeedOptions): Feed {
  return new ManagerFeed(options);
}

class ManagerFeed implements Feed {
  readonly #options: FeedOptions;
  /** Ids name the run, since numbers start again with each one. */
  readonly #run = crypto.randomUUID().slice(0, 8);
  readonly #history: StoredEvent[] = [];
  readonly #listeners = new Set<QueuedListener>();
  /** The state of each filesystem at the last poll. */
  readonly #seen = new Map<string, State>();
  #count = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  #polling = false;
  #closed = false;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  publish(event: Omit<FeedEvent, "path">): void {
    this.#publish(event, null);
  }

  publishAt(type: string, volume: VolumeFacts, path: string): void {
    this.#publish({ type, fs_id: volume.fsId, volume_id: volume.id }, { path, volume });
  }

  #publish(event: FeedEvent, where: StoredEvent["where"]): void {
    if (this.#closed) return;
    const stored = { id: `${this.#run}-${++this.#count}`, event, where };
    this.#history.push(stored);
    if (this.#history.length > HISTORY) this.#history.shift();
    for (const listener of this.#listeners) listener.push(stored);
  }

  listen({ fsId, volume, lastId = null, holds = () => false }: ListenOptions): Listener {
    const listener = new QueuedListener({
      wants: (event) =>
        (fsId === undefined || event.fs_id === undefined || event.fs_id === fsId) &&
        (volume === undefined || event.volume_id === undefined || event.volume_id === volume),
      holds,
      lastId: () => `${this.#run}-${this.#count}`,
      leave: () => this.#leave(listener),
    });
    if (this.#closed) listener.close();
    else {
      this.#listeners.add(listener);
      this.#replay(listener, lastId);
      this.#startPolling();
    }
    return listener;
  }

  close(): void {
    this.#closed = true;
    for (const listener of [...this.#listeners]) listener.close();
    this.#stopPolling();
  }

  /** Sends the events after one; or a reset, if that one is no longer in the history. */
  #replay(listener: QueuedListener, lastId: string | null): void {
    if (lastId === null) return;
    const [run, number] = lastId.split("-");
    const missed = run === this.#run && /^\d+$/.test(number ?? "")
      ? this.#count - Number(number)
      : -1;
    if (missed < 0 || missed > this.#history.length) return listener.reset();
    for (const stored of this.#history.slice(this.#history.length - missed)) listener.push(stored);
  }

  #leave(listener: QueuedListener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.#stopPolling();
  }

  #startPolling(): void {
    if (this.#timer !== null) return;
    void this.#poll();
    this.#timer = setInterval(() => void this.#poll(), POLL_MS);
  }

  #stopPolling(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#seen.clear();
  }

  /** Finds the files that any process has changed. */
  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    try {
      const all = await this.#options.filesystems.list();
      for (const { id, path } of all) {
        const state = await this.#stateOf(id, path);
        if (this.#timer === null) return;
        const before = this.#seen.get(id);
        this.#seen.set(id, state);
        if (before !== undefined && differs(before, state)) {
          this.publish({ type: "changed", fs_id: id });
        }
      }
      const there = new Set(all.map(({ id }) => id));
      for (const id of this.#seen.keys()) if (!there.has(id)) this.#seen.delete(id);
    } catch (error) {
      this.#options.log(`the feed could not poll files: ${(error as Error).message}`);
    } finally {
      this.#polling = false;
    }
  }

  async #stateOf(id: string, path: string): Promise<State> {
    const state: State = { file: null, counter: 0, times: await times(path) };
    try {
      const file = await this.#options.filesystems.opened(id);
      if (file !== null) {
        state.counter = await internal.changeCounter(file.reader.db);
        state.file = file;
      }
    } catch {
      // The file is being closed, or cannot be opened.
    }
    return state;
  }
}

/** The state of a file at a poll. */
interface State {
  /** The open file, which counts changes; null for a closed one. */
  file: OpenFile | null;
  counter: number;
  times: string;
}

function differs(before: State, now: State): boolean {
  return now.file !== null && now.file === before.file
    ? now.counter !== before.counter
    : now.times !== before.times;
}

/** Times and sizes of a file and its WAL. An empty WAL, which readers create, is ignored. */
async function times(path: string): Promise<string> {
  const parts: number[] = [];
  for (const name of [path, `${path}-wal`]) {
    const info = await Deno.stat(name).catch(() => null);
    if (info !== null && info.size > 0) parts.push(info.size, info.mtime?.getTime() ?? 0);
  }
  return parts.join(" ");
}

/** What a listener needs of the feed. */
interface QueuedListenerOptions {
  wants: (event: FeedEvent) => boolean;
  holds: (volume: string) => boolean;
  lastId: () => string;
  leave: () => void;
}

/** A listener with a queue. When the queue overflows, its events are replaced by a reset. */
class QueuedListener implements Listener {
  readonly #options: QueuedListenerOptions;
  #events: NumberedEvent[] = [];
  #wake: (() => void) | null = null;
  #open = true;

  constructor(options: QueuedListenerOptions) {
    this.#options = options;
  }

  push({ id, event, where }: StoredEvent): void {
    const { wants, holds } = this.#options;
    if (!this.#open || !wants(event)) return;
    if (this.#events.length >= MAX_QUEUED) return this.reset();
    const readable = where !== null && (!where.volume.encrypted || holds(where.volume.id));
    this.#events.push({ id, event: readable ? { ...event, path: where.path } : event });
    this.#wake?.();
  }

  /** Replaces the queue by one event: everything may have changed. */
  reset(): void {
    this.#events = [{ id: this.#options.lastId(), event: { type: "reset" } }];
    this.#wake?.();
  }

  async take(): Promise<NumberedEvent[] | null> {
    if (this.#events.length === 0 && this.#open) {
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = null;
    }
    const events = this.#events;
    this.#events = [];
    return events.length === 0 ? null : events;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#events = [];
    this.#options.leave();
    this.#wake?.();
  }
}
