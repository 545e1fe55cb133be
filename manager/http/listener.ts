import type { ConnectionInfo } from "./front_door.ts";

/** What answers requests. */
export type Handler = (request: Request, info: ConnectionInfo) => Promise<Response>;

/** A port that is listened on. */
export interface Listener {
  /** The port that was bound. */
  readonly port: number;
  /** Settled when it has stopped listening. */
  readonly closed: Promise<void>;
  /** Stops listening. Connections end after this time, ms, at the latest. */
  close(ms: number): Promise<void>;
}
