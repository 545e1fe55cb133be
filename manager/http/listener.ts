import type { RequestInfo } from "./front_door.ts";

/** What answers requests. */
export type Handler = (request: Request, info: RequestInfo) => Promise<Response>;

/** A port that is listened on. */
export interface Listener {
  /** The port, also where any was asked for. */
  readonly port: number;
  /** Settled when it listens no more. */
  readonly closed: Promise<void>;
  /** Listens no more. Connections end, at the latest after this time. */
  close(ms: number): Promise<void>;
}
