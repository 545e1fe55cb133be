import type { FeedEvent } from "../api/events.ts";
import type { VolumeFacts } from "./facts.ts";

/** Takes what has happened, for those who listen to the feed. */
export interface Publisher {
  /** Tells of a change of a filesystem or of a volume. */
  publish(event: Omit<FeedEvent, "path">): void;
  /** Tells of a change at a path. Only who may read the volume learns the path. */
  publishAt(type: string, volume: VolumeFacts, path: string): void;
}
