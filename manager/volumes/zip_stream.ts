import { crc32 } from "node:zlib";
import { AloeError } from "../../src/errors.ts";

// ZIP by APPNOTE 6.3.10: stored members, written while they are read. Packages that write
// ZIP64 hold some kilobytes for each member until the end. Here it is the record in the
// central directory alone, with the part of its path that differs from the one before.

/** A member of an archive. */
export interface ZipMember {
  /** Its path in UTF-8, at most {@linkcode LONGEST_PATH} bytes; that of a directory ends with `/`. */
  path: Uint8Array;
  /** As `st_mode` of POSIX: the type and the permission bits. */
  mode: number;
  /** Its modification time, s since the Unix epoch. */
  modified: number;
  /** Its bytes, or their number and a source of them. */
  content: Uint8Array | { size: number; pieces: AsyncIterable<Uint8Array> };
}

/** Bytes of the longest path that a member can have. */
export const LONGEST_PATH = 0xffff;

/** Small pieces are joined to blocks of about this size, bytes. */
const BLOCK = 64 * 1024;

/** The value of a 32-bit field whose number is in a ZIP64 field. */
const ELSEWHERE_16 = 0xffff;
const ELSEWHERE_32 = 0xffffffff;

const LOCAL = 0x04034b50;
const DESCRIPTOR = 0x08074b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;

/** Sizes and CRC follow the content. */
const HAS_DESCRIPTOR = 1 << 3;
const UTF_8 = 1 << 11;

const DIRECTORY = 0o040000;
const KIND = 0o170000;

/** Made by Unix, specification 4.5. */
const MADE_BY = (3 << 8) | 45;

/**
 * An archive of some members, in blocks, written while the members are read.
 *
 * @throws {AloeError} `unsupported` for a path that is too long; `corrupt` for content
 * whose size differs from the declared one; what the members throw.
 */
export async function* zipStream(
  members: AsyncIterable<ZipMember>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const out = new Blocks();
  const directory = new CentralDirectory();
  for await (const member of members) {
    const { path, content } = member;
    if (path.length > LONGEST_PATH) {
      throw new AloeError("unsupported", `a path of ${path.length} bytes is too long for a ZIP`);
    }
    const offset = out.offset;
    if (content instanceof Uint8Array) {
      const facts = { size: content.length, crc: crc32(content), offset, streamed: false };
      out.push(localHeader(member, facts));
      out.push(content);
      directory.add(member, facts);
    } else {
      const { size } = content;
      out.push(localHeader(member, { size, crc: 0, offset, streamed: true }));
      let [crc, got] = [0, 0];
      for await (const piece of content.pieces) {
        crc = crc32(piece, crc);
        got += piece.length;
        out.push(piece);
        if (out.waiting >= BLOCK) yield out.take();
      }
      if (got !== size) throw new AloeError("corrupt", `${got} bytes in place of ${size}`);
      out.push(dataDescriptor(crc, size));
      directory.add(member, { size, crc, offset, streamed: true });
    }
    if (out.waiting >= BLOCK) yield out.take();
  }
  const start = out.offset;
  for (const record of directory.records()) {
    out.push(record);
    if (out.waiting >= BLOCK) yield out.take();
  }
  out.push(endRecords(directory.count, start, out.offset - start));
  yield out.take();
}

/** A buffer that joins small pieces. */
class Blocks {
  /** Bytes that were written so far. */
  offset = 0;
  /** Bytes in the buffer. */
  waiting = 0;
  #parts: Uint8Array[] = [];

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#parts.push(bytes);
    this.waiting += bytes.length;
    this.offset += bytes.length;
  }

  take(): Uint8Array<ArrayBuffer> {
    const parts = this.#parts;
    const block = parts.length === 1
      ? parts[0] as Uint8Array<ArrayBuffer>
      : joined(parts, this.waiting);
    this.#parts = [];
    this.waiting = 0;
    return block;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The fields of a member's headers beside its path and mode. */
interface Facts {
  size: number;
  crc: number;
  /** The offset of its local header. */
  offset: number;
  /** Whether size and CRC follow the content. */
  streamed: boolean;
}

function localHeader({ path, modified, mode }: ZipMember, facts: Facts): Uint8Array {
  const { size, crc, streamed } = facts;
  const wide = size >= ELSEWHERE_32;
  const extra = wide ? 20 : 0;
  const header = new Fields(30 + path.length + extra + stampLength(modified));
  header.u32(LOCAL).u16(versionNeeded(mode, wide)).u16(flags(streamed)).u16(0);
  header.u32(dosTime(modified)).u32(crc);
  // Unknown fields are zero, or refer to the ZIP64 field.
  header.u32(wide ? ELSEWHERE_32 : streamed ? 0 : size);
  header.u32(wide ? ELSEWHERE_32 : streamed ? 0 : size);
  header.u16(path.length).u16(extra + stampLength(modified)).bytes(path);
  const there = streamed ? 0 : size;
  if (wide) header.u16(1).u16(16).u64(there).u64(there);
  stamp(header, modified);
  return header.all;
}

function dataDescriptor(crc: number, size: number): Uint8Array {
  const wide = size >= ELSEWHERE_32;
  const fields = new Fields(wide ? 24 : 16).u32(DESCRIPTOR).u32(crc);
  if (wide) fields.u64(size).u64(size);
  else fields.u32(size).u32(size);
  return fields.all;
}

/** The records of the members, each stored as its difference from the one before. */
class CentralDirectory {
  count = 0;
  readonly #blocks: Uint8Array[] = [];
  #used = 0;
  #path: Uint8Array = new Uint8Array(0);

  add(member: ZipMember, facts: Facts): void {
    const { path } = member;
    const shared = commonLength(this.#path, path);
    this.#path = path;
    const record = centralHeader(member, facts);
    const length = record.length + 2 + path.length - shared;
    let block = this.#blocks.at(-1);
    if (block === undefined || this.#used + length > block.length) {
      if (block !== undefined) this.#blocks[this.#blocks.length - 1] = block.slice(0, this.#used);
      block = new Uint8Array(Math.max(BLOCK, length));
      this.#blocks.push(block);
      this.#used = 0;
    }
    block.set(record, this.#used);
    block[this.#used + record.length] = shared & 0xff;
    block[this.#used + record.length + 1] = shared >> 8;
    block.set(path.subarray(shared), this.#used + record.length + 2);
    this.#used += length;
    this.count++;
  }

  /** The whole records. They are dropped while they are read. */
  *records(): Generator<Uint8Array> {
    let path = new Uint8Array(0);
    for (let block = this.#blocks.shift(); block !== undefined; block = this.#blocks.shift()) {
      const end = this.#blocks.length === 0 ? this.#used : block.length;
      const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
      for (let at = 0; at < end;) {
        const length = view.getUint16(at + 28, true);
        const fixed = CENTRAL_LENGTH + view.getUint16(at + 30, true);
        const shared = view.getUint16(at + fixed, true);
        const rest = block.subarray(at + fixed + 2, at + fixed + 2 + length - shared);
        path = joined([path.subarray(0, shared), rest], length);
        const header = block.slice(at, at + CENTRAL_LENGTH);
        const extra = block.subarray(at + CENTRAL_LENGTH, at + fixed);
        yield joined([header, path, extra], fixed + length);
        at += fixed + 2 + rest.length;
      }
    }
  }
}

const CENTRAL_LENGTH = 46;

/** A record without its path: the fixed fields, then the extra ones. */
function centralHeader({ path, modified, mode }: ZipMember, facts: Facts): Uint8Array {
  const { size, crc, offset, streamed } = facts;
  // All three numbers or none: Info-ZIP does not read an offset alone.
  const wide = size >= ELSEWHERE_32 || offset >= ELSEWHERE_32;
  const extra = (wide ? 28 : 0) + stampLength(modified);
  const record = new Fields(CENTRAL_LENGTH + extra);
  record.u32(CENTRAL).u16(MADE_BY).u16(versionNeeded(mode, wide)).u16(flags(streamed));
  record.u16(0).u32(dosTime(modified)).u32(crc);
  record.u32(wide ? ELSEWHERE_32 : size).u32(wide ? ELSEWHERE_32 : size);
  record.u16(path.length).u16(extra).u16(0).u16(0).u16(0);
  // The low bits are attributes of MS-DOS: a directory.
  record.u32((mode << 16 | (isDirectory(mode) ? 0x10 : 0)) >>> 0);
  record.u32(wide ? ELSEWHERE_32 : offset);
  if (wide) record.u16(1).u16(24).u64(size).u64(size).u64(offset);
  stamp(record, modified);
  return record.all;
}

function endRecords(count: number, start: number, length: number): Uint8Array {
  const wide = count >= ELSEWHERE_16 || length >= ELSEWHERE_32 || start >= ELSEWHERE_32;
  const end = new Fields(22 + (wide ? 56 + 20 : 0));
  if (wide) {
    end.u32(END_64).u64(44).u16(MADE_BY).u16(45).u32(0).u32(0);
    end.u64(count).u64(count).u64(length).u64(start);
    end.u32(LOCATOR_64).u32(0).u64(start + length).u32(1);
  }
  const entries = Math.min(count, ELSEWHERE_16);
  end.u32(END).u16(0).u16(0).u16(entries).u16(entries);
  end.u32(Math.min(length, ELSEWHERE_32)).u32(Math.min(start, ELSEWHERE_32)).u16(0);
  return end.all;
}

function isDirectory(mode: number): boolean {
  return (mode & KIND) === DIRECTORY;
}

function versionNeeded(mode: number, wide: boolean): number {
  return wide ? 45 : isDirectory(mode) ? 20 : 10;
}

function flags(streamed: boolean): number {
  return UTF_8 | (streamed ? HAS_DESCRIPTOR : 0);
}

/** Limits a time to the signed 32 bits of the extended timestamp. */
function fitsStamp(modified: number): boolean {
  return modified >= -0x80000000 && modified <= 0x7fffffff;
}

function stampLength(modified: number): number {
  return fitsStamp(modified) ? 9 : 0;
}

/** The extended timestamp: the modification time in UTC. */
function stamp(fields: Fields, modified: number): void {
  if (fitsStamp(modified)) fields.u16(0x5455).u16(5).u8(1).u32(modified >>> 0);
}

const FIRST_TIME = Date.UTC(1980, 0, 1) / 1000;
const LAST_TIME = Date.UTC(2107, 11, 31, 23, 59, 58) / 1000;

/** A time in MS-DOS format, in steps of two seconds from 1980 to 2107. */
function dosTime(modified: number): number {
  const date = new Date(Math.min(Math.max(modified, FIRST_TIME), LAST_TIME) * 1000);
  const day = (date.getUTCFullYear() - 1980) << 9 | (date.getUTCMonth() + 1) << 5 |
    date.getUTCDate();
  const time = date.getUTCHours() << 11 | date.getUTCMinutes() << 5 | date.getUTCSeconds() >> 1;
  return (day << 16 | time) >>> 0;
}

/** The length of the common prefix of two paths, limited to 16 bits. */
function commonLength(a: Uint8Array, b: Uint8Array): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}

/** Writes the fields of a record in sequence, in little-endian order. */
class Fields {
  readonly all: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(length: number) {
    this.all = new Uint8Array(length);
    this.#view = new DataView(this.all.buffer);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
    return this;
  }

  u64(value: number): this {
    this.#view.setBigUint64(this.#at, BigInt(value), true);
    this.#at += 8;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.all.set(value, this.#at);
    this.#at += value.length;
    return this;
  }
}
