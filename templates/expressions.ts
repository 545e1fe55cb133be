import type { AliasedRawBuilder, RawBuilder } from "kysely";

/** What databases say differently; each backend has its own form of it. */
export interface Expressions {
  /** Rows of a JSON array of text: `value`, in order of `key`. */
  jsonRows(array: string): AliasedRawBuilder<{ key: number; value: string }, "item">;
  /** JSON text to the stored binary form; null stays null. */
  toJsonb(text: string | null): RawBuilder<Uint8Array | null>;
  /** A stored JSON value as text; null stays null. */
  fromJsonb(column: string): RawBuilder<string | null>;
  /** What device a node is, as one text (`kind major minor`); null when it is none. */
  deviceText(node: string): RawBuilder<string | null>;
  /** Stored bytes of a blob, without reading it. */
  byteLength(column: string): RawBuilder<number>;
  /** A sum that is about right where a damaged row would overflow it; null of no rows. */
  sumOf(column: string): RawBuilder<number | null>;
  /** A number that a driver may have bound as a float, as an integer. */
  toInteger(value: number): RawBuilder<number>;
  /**
   * A text column that no index is to be used for: to sort a few rows, or to
   * compare them, where the planner would otherwise walk a whole directory in
   * the order of the index instead of looking a name up.
   */
  unindexed(column: string): RawBuilder<string>;
  /** Whether a name is one that the format does not allow: no text, empty, with a slash or a NUL. */
  isNoName(column: string): RawBuilder<boolean>;
  /** The permission bits that a node without such has in its metadata, as text. */
  metadataMode(mode: string, metadata: string): RawBuilder<string | null>;
  /** Metadata whose permission bits, if it has any, are these. */
  withMetadataMode(metadata: string, mode: number): RawBuilder<Uint8Array | null>;
}

/** Those of the backend for which a query is being built; null at all other times. */
let current: Expressions | null = null;

/** Builds a query with the expressions of one backend. Building is synchronous. */
export function withExpressions<T>(expressions: Expressions, build: () => T): T {
  const before = current;
  current = expressions;
  try {
    return build();
  } finally {
    current = before;
  }
}

function inUse(): Expressions {
  if (current === null) throw new TypeError("expressions are used only while a template is built");
  return current;
}

// Templates use these, and are built for any backend.
export const jsonRows: Expressions["jsonRows"] = (array) => inUse().jsonRows(array);
export const toJsonb: Expressions["toJsonb"] = (text) => inUse().toJsonb(text);
export const fromJsonb: Expressions["fromJsonb"] = (column) => inUse().fromJsonb(column);
export const deviceText: Expressions["deviceText"] = (node) => inUse().deviceText(node);
export const byteLength: Expressions["byteLength"] = (column) => inUse().byteLength(column);
export const sumOf: Expressions["sumOf"] = (column) => inUse().sumOf(column);
export const toInteger: Expressions["toInteger"] = (value) => inUse().toInteger(value);
export const unindexed: Expressions["unindexed"] = (column) => inUse().unindexed(column);
export const isNoName: Expressions["isNoName"] = (column) => inUse().isNoName(column);
export const metadataMode: Expressions["metadataMode"] = (mode, metadata) =>
  inUse().metadataMode(mode, metadata);
export const withMetadataMode: Expressions["withMetadataMode"] = (metadata, mode) =>
  inUse().withMetadataMode(metadata, mode);
