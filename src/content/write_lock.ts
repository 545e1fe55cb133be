import { getLock, insertLock } from "../../templates/lock.ts";
import { now } from "../clock.ts";
import { AloeError } from "../errors.ts";
import { uuid7 } from "../ids.ts";
import type { Resolved } from "../tree/resolve.ts";
import type { Transaction } from "../storage/transaction.ts";

/** Inserts a lock row for the node's mount. @returns The lock's id. */
export async function takeLock(
  tx: Transaction,
  node: Resolved,
  expiresAt: bigint | null,
): Promise<string> {
  const id = uuid7();
  await tx.run(insertLock, {
    lock: id,
    mount: node.mountId,
    node: node.node,
    expiresAt,
    createdAt: now(),
  });
  return id;
}

/** @throws {AloeError} `lock_invalid`. */
export async function requireLock(tx: Transaction, mount: string, id: string) {
  const row = await tx.first(getLock, { lock: id, mount, now: now() });
  if (row === undefined) {
    throw new AloeError(
      "lock_invalid",
      `${id}: the lock was released or has lapsed`,
    );
  }
  return row;
}
