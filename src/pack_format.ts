import { decode, decodeMultiStream, encode } from "@msgpack/msgpack";
import { AloeError } from "./errors.ts";
import type { NodeType } from "./types.ts";

/** A pack's `fmt`. */
const FORMAT = "aloefs.pack";
/** The `ver` that is written; 1 is read too. */
const VERSION = 2;
/** Version 1 kept milliseconds. */
const NS_PER_MS = 1_000_000n;
/** What a MsgPack bin can hold. */
export const MAX_ENTRY = 0xffffffff;

/** A node in a pack. */
export interface PackedNode {
  /** Index of its container among the nodes before it; -1 for the top. */
  parent: number;
  type: NodeType;
  name: string;
  /** Nanoseconds. */
  createdAt: bigint;
  /** Nanoseconds. */
  modifiedAt: bigint;
  uid: number | null;
  gid: number | null;
  mode: number | null;
  metadata: Record<string, string>;
  xattrs: Record<string, Uint8Array>;
  retention: number | null;
}

/** A node as it comes out of a pack. */
export interface UnpackedNode extends PackedNode {
  /** Content of anything but a container. */
  data: Uint8Array | null;
}

/** The first bytes of a pack: everything before its nodes. */
export function packHeader(nodes: number): Uint8Array {
  const header = new Uint8Array(5);
  header[0] = 0xdd;
  new DataView(header.buffer).setUint32(1, nodes);
  const list = nodes < 16
    ? Uint8Array.of(0x90 | nodes)
    : nodes < 0x10000
    ? Uint8Array.of(0xdc, nodes >> 8, nodes & 0xff)
    : header;
  return join([
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
 * One node, all but the bytes of its content.
 *
 * @param size Bytes of content that the caller puts after it; null for a container.
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
  return join(parts);
}

/** As short as MsgPack can say it. */
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

/** Bytes that surely hold everything before the nodes. */
const HEADER_LENGTH = 64;

/**
 * The nodes of a pack, one after another, in the memory of the largest.
 *
 * @param read Gives the next bytes, none at the end.
 * @throws {AloeError} `corrupt` for anything but a pack, `unsupported` for a newer one.
 */
export async function* unpackNodes(
  read: () => Promise<Uint8Array>,
): AsyncGenerator<UnpackedNode> {
  let head: Uint8Array = new Uint8Array(0);
  for (let more = await read(); more.length > 0; more = await read()) {
    head = join([head, more]);
    if (head.length >= HEADER_LENGTH) break;
  }
  const { version, count, length } = parseHeader(head);
  async function* rest() {
    yield head.subarray(length);
    for (let more = await read(); more.length > 0; more = await read()) {
      yield more;
    }
  }
  let index = 0;
  try {
    for await (
      const raw of decodeMultiStream<undefined>(rest(), { useBigInt64: true })
    ) {
      if (index === count) {
        throw new AloeError("corrupt", "a pack has more than its nodes");
      }
      yield checkNode(raw, index++, version);
    }
  } catch (error) {
    if (error instanceof AloeError) throw error;
    throw new AloeError(
      "corrupt",
      `the pack is damaged (${(error as Error).message})`,
      {
        cause: error,
      },
    );
  }
  if (index !== count) {
    throw new AloeError(
      "corrupt",
      `the pack ends after ${index} of ${count} nodes`,
    );
  }
}

function parseHeader(
  head: Uint8Array,
): { version: number; count: number; length: number } {
  const start = join([
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
      `the pack is of version ${version}, newer than ${VERSION}`,
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
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    throw wrong("is no map");
  }
  const node = raw as Record<string, unknown>;
  const parent = whole(node.p);
  if (
    parent === null ||
    (index === 0 ? parent !== -1 : parent < 0 || parent >= index)
  ) {
    throw wrong("has no container before it");
  }
  if (typeof node.t !== "string" || !TYPES.has(node.t)) {
    throw wrong("has an unknown type");
  }
  if (index === 0 && node.t !== "container") {
    throw wrong("the top is no container");
  }
  if (typeof node.n !== "string" || node.n === "" || !node.n.isWellFormed()) {
    throw wrong("has no name");
  }
  const unit = version === 1 ? NS_PER_MS : 1n;
  const createdAt = time(node.c);
  const modifiedAt = time(node.m) ?? createdAt;
  if (createdAt === null || modifiedAt === null) throw wrong("has no times");
  const container = node.t === "container";
  if (!container && !(node.d instanceof Uint8Array)) {
    throw wrong("has no content");
  }
  if (container && node.d !== undefined) {
    throw wrong("is a container with content");
  }
  return {
    parent,
    type: node.t as NodeType,
    name: node.n,
    createdAt: createdAt * unit,
    modifiedAt: modifiedAt * unit,
    uid: whole(node.u),
    gid: whole(node.g),
    mode: whole(node.o),
    metadata: map(node.x, (v) => typeof v === "string", wrong) as Record<
      string,
      string
    >,
    xattrs: map(node.xa, (v) => v instanceof Uint8Array, wrong) as Record<
      string,
      Uint8Array
    >,
    retention: whole(node.rk),
    data: container ? null : node.d as Uint8Array,
  };
}

function whole(value: unknown): number | null {
  const number = typeof value === "bigint" ? Number(value) : value;
  return Number.isSafeInteger(number) ? number as number : null;
}

function time(value: unknown): bigint | null {
  if (typeof value === "bigint") return value;
  return Number.isSafeInteger(value) ? BigInt(value as number) : null;
}

function map(
  value: unknown,
  fits: (value: unknown) => boolean,
  wrong: (what: string) => AloeError,
): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (
    typeof value !== "object" || Array.isArray(value) ||
    !Object.values(value).every(fits)
  ) {
    throw wrong("has attributes of the wrong type");
  }
  return value as Record<string, unknown>;
}

function join(parts: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
