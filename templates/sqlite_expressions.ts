import type { AliasedRawBuilder, RawBuilder } from "kysely";
import type { Expressions } from "./expressions.ts";
import { sql } from "./kysely.ts";

function jsonRows(
  array: string,
): AliasedRawBuilder<{ key: number; value: string }, "item"> {
  return sql<{ key: number; value: string }>`json_each(${array})`.as<"item">(
    sql.ref("item"),
  );
}

function toJsonb(text: string | null): RawBuilder<Uint8Array | null> {
  return sql<Uint8Array | null>`jsonb(${text})`;
}

function fromJsonb(column: string): RawBuilder<string | null> {
  return sql<string | null>`json(${sql.ref(column)})`;
}

function deviceText(node: string): RawBuilder<string | null> {
  return sql<string | null>`(SELECT d.kind || ' ' || d.major || ' ' || d.minor
    FROM aloe_device AS d WHERE d.node_id = ${sql.ref(node)})`;
}

function byteLength(column: string): RawBuilder<number> {
  return sql<number>`length(${sql.ref(column)})`;
}

function sumOf(column: string): RawBuilder<number | null> {
  return sql<number | null>`CAST(sum(CAST(${sql.ref(column)} AS REAL)) AS INTEGER)`;
}

function toInteger(value: number): RawBuilder<number> {
  return sql<number>`CAST(${value} AS INTEGER)`;
}

function unindexed(column: string): RawBuilder<string> {
  return sql<string>`(${sql.ref(column)} || '')`;
}

function isNoName(column: string): RawBuilder<boolean> {
  const name = sql.ref(column);
  return sql<boolean>`(typeof(${name}) <> 'text' OR ${name} = '' OR instr(${name}, '/') > 0
    OR instr(CAST(${name} AS BLOB), x'00') > 0)`;
}

function metadataMode(mode: string, metadata: string): RawBuilder<string | null> {
  const stored = sql.ref(metadata);
  return sql<string | null>`CASE WHEN ${sql.ref(mode)} IS NULL AND json_valid(${stored}, 8)
    THEN json_extract(${stored}, '$.mode') END`;
}

function withMetadataMode(metadata: string, mode: number): RawBuilder<Uint8Array | null> {
  const stored = sql.ref(metadata);
  return sql<Uint8Array | null>`CASE WHEN json_type(${stored}, '$.mode') IS NULL THEN ${stored}
    ELSE jsonb_set(${stored}, '$.mode', printf('%o', ${toInteger(mode)})) END`;
}

/** SQLite's form of what databases say differently. */
export const sqliteExpressions: Expressions = {
  jsonRows,
  toJsonb,
  fromJsonb,
  deviceText,
  byteLength,
  sumOf,
  toInteger,
  unindexed,
  isNoName,
  metadataMode,
  withMetadataMode,
};
