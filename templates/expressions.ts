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

/** What device a node is, as one text (`kind major minor`); null when it is none. */
export function deviceText(node: string): RawBuilder<string | null> {
  return sql<string | null>`(SELECT d.kind || ' ' || d.major || ' ' || d.minor
    FROM aloe_device AS d WHERE d.node_id = ${sql.ref(node)})`;
}

/** Stored bytes of a blob, without reading it. */
export function byteLength(column: string): RawBuilder<number> {
  return sql<number>`length(${sql.ref(column)})`;
}

/** A sum that is about right where a damaged row would overflow it; null of no rows. */
export function sumOf(column: string): RawBuilder<number | null> {
  return sql<number | null>`CAST(sum(CAST(${sql.ref(column)} AS REAL)) AS INTEGER)`;
}

/** A number that a driver may have bound as a float, as an integer. */
export function toInteger(value: number): RawBuilder<number> {
  return sql<number>`CAST(${value} AS INTEGER)`;
}

/**
 * A text column that no index is to be used for: to sort a few rows, or to
 * compare them, where the planner would otherwise walk a whole directory in
 * the order of the index instead of looking a name up.
 */
export function unindexed(column: string): RawBuilder<string> {
  return sql<string>`(${sql.ref(column)} || '')`;
}

/** Whether a name is one that the format does not allow: no text, empty, with a slash or a NUL. */
export function isNoName(column: string): RawBuilder<boolean> {
  const name = sql.ref(column);
  return sql<boolean>`(typeof(${name}) <> 'text' OR ${name} = '' OR instr(${name}, '/') > 0
    OR instr(CAST(${name} AS BLOB), x'00') > 0)`;
}

/** The permission bits that a node without such has in its metadata, as text. */
export function metadataMode(mode: string, metadata: string): RawBuilder<string | null> {
  const stored = sql.ref(metadata);
  return sql<string | null>`CASE WHEN ${sql.ref(mode)} IS NULL AND json_valid(${stored}, 8)
    THEN json_extract(${stored}, '$.mode') END`;
}

/** Metadata whose permission bits, if it has any, are these. */
export function withMetadataMode(metadata: string, mode: number): RawBuilder<Uint8Array | null> {
  const stored = sql.ref(metadata);
  return sql<Uint8Array | null>`CASE WHEN json_type(${stored}, '$.mode') IS NULL THEN ${stored}
    ELSE jsonb_set(${stored}, '$.mode', printf('%o', ${toInteger(mode)})) END`;
}
