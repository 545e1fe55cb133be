/**
 * The thread of a `Checkpointer`: moves what a WAL holds into the file, as often
 * as it is asked to.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { openGuarded } from "./guarded.ts";

/** The global object, as a worker has it. */
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<string | null>) => void) | null;
  postMessage(done: boolean): void;
};

let database: DatabaseSync | null = null;

// The first message names the file, each later one asks; null ends it.
scope.onmessage = ({ data }) => {
  if (data === null) {
    database?.close();
    scope.postMessage(true);
    return;
  }
  try {
    database ??= openGuarded(data, { timeout: 0 });
    database.prepare("PRAGMA wal_checkpoint(PASSIVE)").run();
    scope.postMessage(true);
  } catch {
    scope.postMessage(false);
  }
};
