import type { Services } from "./services.ts";

/** What would hold the event loop, done in a worker. */
export interface Jobs {
  close(): Promise<void>;
}

/** The jobs of a manager. */
export function createJobs(_services: () => Services): Jobs {
  return { close: () => Promise.resolve() };
}
