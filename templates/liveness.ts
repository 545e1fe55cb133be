import type { RawBuilder, SqlBool } from "kysely";
import { sql } from "./kysely.ts";

/** Whether a mount has not been ended, whether or not it has expired. */
export function isMounted(mount: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`${sql.ref(`${mount}.state`)} != 'unmounted'`;
}

/** Whether the time of a mount or a lock has not run out. */
export function isUnexpired(table: string, now: bigint): RawBuilder<SqlBool> {
  const end = sql.ref(`${table}.expires_at`);
  return sql<SqlBool>`(${end} is null or ${end} > ${now})`;
}

/** Whether a mount is valid: neither ended nor expired. */
export function isValidMount(mount: string, now: bigint): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${isMounted(mount)} and ${isUnexpired(mount, now)})`;
}

/** Whether a lock is valid: it has not expired, and its mount is valid. */
export function isValidLock(lock: string, mount: string, now: bigint): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${isValidMount(mount, now)} and ${isUnexpired(lock, now)})`;
}
