import { decode, decodeMultiStream, encode } from "@msgpack/msgpack";
import { concatBytes } from "./crypto/bytes.ts";
import { AloeError } from "./errors.ts";
import { MsgPackDepth } from "./msgpack_depth.ts";
import { limitTime } from "./time_limits.ts";
import type { NodeType } from "./types.ts";

/** The value of a pack's field `fmt`. */
const FORMAT = "aloefs.pack";
/** The written version, field `ver`; version 1 can be read too. */
const VERSION = 2;
/** Version 1 stored times in ms. */
const NS_PER_MS = 1_000_000n;
/** The maximum size of a MsgPack bin, in bytes. */
export const MAX_ENTRY = 0xffffffff;

/** A node in a pack. */
export interface PackedNode {
  /** The index of its container among the nodes before it; -1 for the top. */
  parent: number;
  type: NodeType;
  name: string;
  /** In ns since the Unix epoch. */
  createdAt: bigint;
  /** In ns since the Unix epoch. */
  modifiedAt: bigint;
  uid: number | null;
  gid: number | null;
  mode: number | null;
  metadata: Record<string, string>;
  xattrs: Record<string, Uint8Array>;
  retention: number | null;
}

/** A node read from a pack. */
export interface UnpackedNode extends PackedNode {
  /** The content of a node other than a container; null for a container. */
  data: Uint8Array | null;
}

/** Returns the start of a pack: everything before its nodes. */
export function packHeader(nodes: number): Uint8Array {
  const header = new Uint8Array(5);
  header[0] = 0xdd;
  new DataView(header.buffer).setUint32(1, nodes);
  const list = nodes < 16
    ? Uint8Array.of(0x90 | nodes)
    : nodes < 0x10000
    ? Uint8Array.of(0xdc, nodes >> 8, nodes & 0xff)
    : header;
  return concatBytes([
    Uint8Array.of(0x83),
    encode("fmt"),
    encode(FORMAT),
    encode("ver"),
    encode(VERSION),
    encode("nodes"),
    list,
  ]);
}

/**
 * Returns one encoded node without its content.
 *
 * @param size The size of the content, which the caller appends, in bytes; null for a container.
 */
export function packNode(node: PackedNode, size: number | null): Uint8Array {
  const fields: [string, unknown][] = [
    ["p", node.parent],
    ["t", node.type],
    ["n", node.name],
    ["c", integer(node.createdAt)],
    ["m", integer(node.modifiedAt)],
  ];
  if (node.uid !== null) fields.push(["u", node.uid]);
  if (node.gid !== null) fields.push(["g", node.gid]);
  if (node.mode !== null) fields.push(["o", node.mode]);
  if (Object.keys(node.metadata).length > 0) fields.push(["x", node.metadata]);
  if (Object.keys(node.xattrs).length > 0) fields.push(["xa", node.xattrs]);
  if (node.retention !== null) fields.push(["rk", node.retention]);
  const parts: Uint8Array[] = [
    Uint8Array.of(0x80 | (fields.length + (size === null ? 0 : 1))),
  ];
  for (const [key, value] of fields) {
    parts.push(
      encode(key),
      encode(value, { useBigInt64: true, sortKeys: true }),
    );
  }
  if (size !== null) parts.push(encode("d"), binHeader(size));
  return concatBytes(parts);
}

/** Returns a value that MsgPack encodes in its shortest form. */
function integer(value: bigint): bigint | number {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function binHeader(size: number): Uint8Array {
  if (size < 0x100) return Uint8Array.of(0xc4, size);
  if (size < 0x10000) return Uint8Array.of(0xc5, size >> 8, size & 0xff);
  const header = new Uint8Array(5);
  header[0] = 0xc6;
  new DataView(header.buffer).setUint32(1, size);
  return header;
}

/** The maximum nesting of maps: a node and its attributes, with a margin for other writers. */
const DEEPEST = 16;

/**
 * The maximum length of an array in a node. The decoder allocates memory for the announced length.
 */
const LONGEST_ARRAY = 0xffff;

/** The number of bytes that always contain everything before the nodes. */
const HEADER_LENGTH = 64;

/**
 * Prefixes each key while a pack is decoded, because the library refuses `__proto__`, and objects
 * reorder keys that look like integers.
 */
const KEY_MARK = "=";
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });
const DECODING = {
  useBigInt64: true,
  maxArrayLength: LONGEST_ARRAY,
  keyDecoder: {
    canBeCached: () => true,
    decode: (bytes: Uint8Array, offset: number, length: number) =>
      KEY_MARK + UTF8.decode(bytes.subarray(offset, offset + length)),
  },
};

/** Returns the pairs of a decoded map; null when a key is not text. */
function pairsOf(decoded: object): [string, unknown][] | null {
  const pairs = Object.entries(decoded);
  if (!pairs.every(([key]) => key.startsWith(KEY_MARK))) return null;
  return pairs.map(([key, value]) => [key.slice(KEY_MARK.length), value]);
}

/** Appended to a pack: if it does not decode to itself, the pack ends within a value. */
const SENTINEL = encode(null);

/**
 * Yields the nodes of a pack in order. Uses about as much memory as the largest node.
 *
 * @param read Returns the next bytes; none at the end.
 * @throws {AloeError} `corrupt` for anything but a pack, `unsupported` for a newer version.
 */
export async function* unpackNodes(
  read: () => Promise<Uint8Array>,
): AsyncGenerator<UnpackedNode> {
  let head: Uint8Array = new Uint8Array(0);
  for (let more = await read(); more.length > 0; more = await read()) {
    head = concatBytes([head, more]);
    if (head.length >= HEADER_LENGTH) break;
  }
  const { version, count, length } = parseHeader(head);
  let pending = 0;
  const depth = new MsgPackDepth(DEEPEST);
  async function* rest() {
    depth.take(head.subarray(length));
    yield head.subarray(length);
    for (let block = await take(); block.length > 0; block = await take()) {
      depth.take(block);
      yield block;
    }
    yield SENTINEL;
  }
  /**
   * Returns the next block. The decoder restarts an incomplete node with each block, so blocks grow
   * with the node: the total time stays proportional to the size.
   */
  async function take(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let got = 0;
    while (got <= pending) {
      const bytes = await read();
      if (bytes.length === 0) break;
      parts.push(bytes);
      got += bytes.length;
    }
    pending += got;
    return parts.length === 1 ? parts[0] : concatBytes(parts);
  }
  let index = 0;
  let ended = false;
  try {
    for await (const raw of decodeMultiStream<undefined>(rest(), DECODING)) {
      pending = 0;
      if (ended) throw new AloeError("corrupt", "the pack has data after its nodes");
      if (index === count && raw === null) ended = true;
      else if (index === count) throw new AloeError("corrupt", "the pack has data after its nodes");
      else yield checkNode(raw, index++, version);
    }
  } catch (error) {
    if (error instanceof AloeError) throw error;
    throw new AloeError("corrupt", `the pack is damaged (${(error as Error).message})`, {
      cause: error,
    });
  }
  if (!ended) {
    throw new AloeError("corrupt", `the pack is truncated or has data after its ${count} nodes`);
  }
}

function parseHeader(
  head: Uint8Array,
): { version: number; count: number; length: number } {
  const start = concatBytes([
    Uint8Array.of(0x83),
    encode("fmt"),
    encode(FORMAT),
    encode("ver"),
  ]);
  if (head.length < start.length || start.some((byte, i) => byte !== head[i])) {
    throw noPack();
  }
  const name = encode("nodes");
  const at = head.findIndex((_, i) => i > start.length && name.every((b, j) => b === head[i + j]));
  const list = at + name.length;
  if (at === -1 || list >= head.length) throw noPack();
  const version = decodeVersion(head.subarray(start.length, at));
  if (version < 1) throw noPack();
  if (version > VERSION) {
    throw new AloeError(
      "unsupported",
      `the pack has version ${version}, newer than ${VERSION}`,
    );
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const kind = head[list];
  if (kind >= 0x90 && kind <= 0x9f) {
    return { version, count: kind & 0xf, length: list + 1 };
  }
  if (kind === 0xdc && head.length >= list + 3) {
    return { version, count: view.getUint16(list + 1), length: list + 3 };
  }
  if (kind === 0xdd && head.length >= list + 5) {
    return { version, count: view.getUint32(list + 1), length: list + 5 };
  }
  throw noPack();
}

function decodeVersion(bytes: Uint8Array): number {
  try {
    const version = decode(bytes);
    return Number.isInteger(version) ? version as number : 0;
  } catch {
    return 0;
  }
}

function noPack(): AloeError {
  return new AloeError("corrupt", "the entry is not a pack");
}

const TYPES = new Set(["container", "entry", "symlink", "fifo", "socket"]);

function checkNode(raw: unknown, index: number, version: number): UnpackedNode {
  const wrong = (what: string) => new AloeError("corrupt", `node ${index} of the pack: ${what}`);
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) throw wrong("is not a map");
  const node: Record<string, unknown> = Object.fromEntries(pairsOf(raw) ?? []);
  const parent = whole(node.p);
  if (parent === null || (index === 0 ? parent !== -1 : parent < 0 || parent >= index)) {
    throw wrong("has no preceding container");
  }
  if (typeof node.t !== "string" || !TYPES.has(node.t)) throw wrong("has an unknown type");
  if (index === 0 && node.t !== "container") throw wrong("the top is not a container");
  if (typeof node.n !== "string" || !isName(node.n)) throw wrong("has no name");
  const unit = version === 1 ? NS_PER_MS : 1n;
  const createdAt = time(node.c, unit);
  const modifiedAt = node.m === undefined || node.m === null ? createdAt : time(node.m, unit);
  if (createdAt === null || modifiedAt === null) throw wrong("has no times");
  const container = node.t === "container";
  if (!container && !(node.d instanceof Uint8Array)) throw wrong("has no content");
  if (container && node.d !== undefined) throw wrong("is a container with content");
  const bounded = (value: unknown, limit: number, what: string): number | null => {
    if (value === undefined || value === null) return null;
    const number = whole(value);
    if (number === null || number < 0 || number > limit) throw wrong(`has no ${what}`);
    return number;
  };
  const xattrs = map(node.xa, (v) => v instanceof Uint8Array, wrong) as Record<string, Uint8Array>;
  if (Object.hasOwn(xattrs, "")) throw wrong("has an attribute without a name");
  const retention = whole(node.rk);
  return {
    parent,
    type: node.t as NodeType,
    name: node.n,
    createdAt,
    modifiedAt,
    uid: bounded(node.u, 0xffffffff, "user id"),
    gid: bounded(node.g, 0xffffffff, "group id"),
    mode: bounded(node.o, 0o7777, "permission bits"),
    metadata: map(node.x, (v) => typeof v === "string", wrong) as Record<string, string>,
    xattrs,
    // The reference also stores 0 and negative values; a prune then keeps one version.
    retention,
    data: container ? null : node.d as Uint8Array,
  };
}

function isName(name: string): boolean {
  return name !== "" && !name.includes("/") && !name.includes("\0") && name.isWellFormed();
}

function whole(value: unknown): number | null {
  const number = typeof value === "bigint" ? Number(value) : value;
  return Number.isSafeInteger(number) ? number as number : null;
}

function time(value: unknown, unit: bigint): bigint | null {
  const number = Number.isSafeInteger(value) ? BigInt(value as number) : value;
  if (typeof number !== "bigint") return null;
  return limitTime(number * unit);
}

function map(
  value: unknown,
  fits: (value: unknown) => boolean,
  wrong: (what: string) => AloeError,
): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  const pairs = typeof value === "object" && !Array.isArray(value) ? pairsOf(value) : null;
  if (pairs === null || !pairs.every(([, each]) => fits(each))) {
    throw wrong("has attributes of the wrong type");
  }
  // fromEntries creates own properties for any key.
  return Object.fromEntries(pairs);
}
