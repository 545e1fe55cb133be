import type { Services } from "./services.ts";

/** What happened. */
export interface FeedEvent {
  type: string;
  fs_id?: string;
  volume_id?: string;
  [more: string]: unknown;
}

/** Changes, for whoever listens. */
export interface Feed {
  publish(event: FeedEvent): void;
  close(): void;
}

/** The feed of a manager. */
export function createFeed(_services: () => Services): Feed {
  return { publish: () => {}, close: () => {} };
}
