/**
 * A thread that derives keys from passwords, one at a time.
 *
 * @module
 */

import { argon2id } from "./argon2.ts";
import type { DeriveMessage } from "./argon2_threads.ts";

/** The worker's global object. */
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<DeriveMessage>) => void) | null;
  postMessage(key: Uint8Array | string): void;
};

scope.onmessage = async ({ data: { password, salt, cost } }) => {
  try {
    scope.postMessage(await argon2id(password, salt, cost));
  } catch (error) {
    scope.postMessage((error as Error).message);
  } finally {
    password.fill(0);
  }
};
