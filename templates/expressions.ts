import type { AliasedRawBuilder, RawBuilder } from "kysely";
import { sql } from "./kysely.ts";

// What SQLite says in its own words. Another dialect gives these few
// functions another body; the templates stay as they are.

/** Rows of a JSON array of text: `value`, in order of `key`. */
export function jsonRows(
  array: string,
): AliasedRawBuilder<{ key: number; value: string }, "item"> {
  return sql<{ key: number; value: string }>`json_each(${array})`.as<"item">(
    sql.ref("item"),
  );
}

/** JSON text to the stored binary form; null stays null. */
export function toJsonb(text: string | null): RawBuilder<Uint8Array | null> {
  return sql<Uint8Array | null>`jsonb(${text})`;
}

/** A stored JSON value as text; null stays null. */
export function fromJsonb(column: string): RawBuilder<string | null> {
  return sql<string | null>`json(${sql.ref(column)})`;
}

/** Stored bytes of a blob, without reading it. */
export function byteLength(column: string): RawBuilder<number> {
  return sql<number>`length(${sql.ref(column)})`;
}
