import { Buffer } from "node:buffer";
import { allocatedBytes } from "../src/vfs/allocation.ts";
import { ERRNO, ErrnoError } from "../src/vfs/errno.ts";
import type { Inode } from "../src/vfs/inode.ts";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../src/vfs/inode.ts";
import { decodeName, encodeName, shownName } from "../src/names.ts";
import { ATTR, ATTR_OUT, ENTRY_OUT, IN_HEADER, OUT_HEADER } from "./protocol.ts";
import { RequestCaller } from "./request_caller.ts";

/** The maximum size of one READ or WRITE, in bytes. */
export const MAX_TRANSFER = 1 << 20;
/** The maximum length of a name, in bytes. */
export const NAME_MAX = 255;
/** The offset of a request's body. */
export const BODY = IN_HEADER.SIZE;
/** The offset of a reply's body. */
export const REPLY = OUT_HEADER.SIZE;

const REQUEST_SIZE = MAX_TRANSFER + 4096;
const REPLY_SIZE = MAX_TRANSFER + 4096;
const TWO_32 = 2 ** 32;
const BLOCK = 4096;

/**
 * How long the kernel may cache names and attributes, in s. All changes go through the kernel or
 * are reported to it.
 */
const VALID = 86_400;
/** How long the kernel may cache the absence of a name, in s; other writers may create the name. */
const ABSENT_VALID = 1;

/**
 * A request and its reply in reused buffers, so that most requests allocate nothing. 64-bit numbers
 * are read and written in two halves, because each `bigint` is an allocation.
 */
export class Exchange {
  /** The request. */
  readonly request: Uint8Array<ArrayBuffer> = new Uint8Array(REQUEST_SIZE);
  /** The reply, header included. */
  readonly reply: Uint8Array<ArrayBuffer> = new Uint8Array(REPLY_SIZE);
  /** The length of the request, in bytes. */
  length = 0;
  /** Whether the kernel has just flushed its cached pages of the file. */
  flushed = false;
  /**
   * The node whose attributes the request changes without reporting them in the reply; 0 for none.
   */
  changed = 0;
  /** How long the kernel may cache names and attributes, in s. */
  readonly valid: number;
  readonly absentValid: number;
  readonly #in = new Uint32Array(this.request.buffer);
  readonly #out = new Uint32Array(this.reply.buffer);
  readonly #text = Buffer.from(this.request.buffer);
  readonly #caller = new RequestCaller();

  /**
   * @param cached False disables the kernel's caches of names and attributes, to measure requests.
   */
  constructor(cached = true) {
    this.valid = cached ? VALID : 0;
    this.absentValid = cached ? ABSENT_VALID : 0;
  }

  /** The request's operation. */
  get opcode(): number {
    return this.#in[IN_HEADER.opcode >> 2];
  }

  /** The node id that the request concerns. */
  get nodeId(): number {
    return this.u64(IN_HEADER.nodeid);
  }

  /** The request's unique number, lower half. */
  get uniqueLow(): number {
    return this.#in[IN_HEADER.unique >> 2];
  }

  /** The request's unique number, upper half. */
  get uniqueHigh(): number {
    return this.#in[(IN_HEADER.unique >> 2) + 1];
  }

  /** The caller. The object is reused for the next request. */
  get caller(): RequestCaller {
    this.#caller.uid = this.#in[IN_HEADER.uid >> 2];
    this.#caller.gid = this.#in[IN_HEADER.gid >> 2];
    this.#caller.pid = this.#in[IN_HEADER.pid >> 2];
    return this.#caller;
  }

  /** Reads a 32-bit number of the request. */
  u32(at: number): number {
    return this.#in[at >> 2];
  }

  /** Reads a 64-bit number of the request; values beyond 2^53 are rounded. */
  u64(at: number): number {
    return this.#in[at >> 2] + this.#in[(at >> 2) + 1] * TWO_32;
  }

  /** Reads a signed 64-bit number of the request. */
  i64(at: number): number {
    return this.#in[at >> 2] + (this.#in[(at >> 2) + 1] | 0) * TWO_32;
  }

  /** Returns the offset of the NUL that ends the string at an offset. */
  endOf(at: number): number {
    let end = at;
    while (end < this.length && this.request[end] !== 0) end++;
    return end;
  }

  /**
   * Reads a NUL-terminated name at an offset.
   *
   * @param decode Decodes a name that is not all ASCII.
   * @throws {ErrnoError} ENAMETOOLONG.
   */
  name(at: number, decode: (bytes: Uint8Array) => string = decodeName): string {
    const bytes = this.request;
    let end = at;
    let all = 0;
    for (let byte = bytes[end]; byte !== 0 && end < this.length; byte = bytes[++end]) all |= byte;
    if (end - at > NAME_MAX) throw new ErrnoError("ENAMETOOLONG");
    return all < 0x80 ? this.#text.toString("latin1", at, end) : decode(bytes.subarray(at, end));
  }

  /**
   * Reads the name of a new entry.
   *
   * @throws {ErrnoError} EINVAL for a name that no directory can hold.
   */
  newName(at: number): string {
    const name = this.name(at);
    if (shownName(name) !== name) throw new ErrnoError("EINVAL");
    return name;
  }

  /** Writes a 32-bit number of the reply. Offsets are relative to its body. */
  put32(at: number, value: number): void {
    this.#out[(REPLY + at) >> 2] = value;
  }

  /** Writes a 64-bit number of the reply; it may be negative. */
  put64(at: number, value: number): void {
    const word = (REPLY + at) >> 2;
    this.#out[word] = value;
    this.#out[word + 1] = Math.floor(value / TWO_32);
  }

  /** Writes a 64-bit number of the reply from its halves. */
  putHalves(at: number, high: number, low: number): void {
    const word = (REPLY + at) >> 2;
    this.#out[word] = low;
    this.#out[word + 1] = high;
  }

  /** Fills a range of the reply with zeros; both offsets are multiples of 4. */
  clear(from: number, to: number): void {
    this.#out.fill(0, (REPLY + from) >> 2, (REPLY + to) >> 2);
  }

  /** Writes the reply's header. `error` is positive. */
  head(length: number, error: number, uniqueLow: number, uniqueHigh: number): void {
    const out = this.#out;
    out[OUT_HEADER.len >> 2] = length;
    out[OUT_HEADER.error >> 2] = -error;
    out[OUT_HEADER.unique >> 2] = uniqueLow;
    out[(OUT_HEADER.unique >> 2) + 1] = uniqueHigh;
  }

  /** Writes a `fuse_attr`. */
  putAttr(at: number, inode: Inode): void {
    const out = this.#out;
    const word = (REPLY + at) >> 2;
    const { size, mode } = inode;
    out[word + (ATTR.ino >> 2)] = inode.inoLow;
    out[word + (ATTR.ino >> 2) + 1] = inode.inoHigh;
    this.put64(at + ATTR.size, size);
    inode.reportedBlocks = blocksOf(inode);
    this.put64(at + ATTR.blocks, inode.reportedBlocks);
    this.put64(at + ATTR.atime, inode.atimeSec);
    this.put64(at + ATTR.mtime, inode.mtimeSec);
    this.put64(at + ATTR.ctime, inode.ctimeSec);
    out[word + (ATTR.atimensec >> 2)] = inode.atimeNsec;
    out[word + (ATTR.mtimensec >> 2)] = inode.mtimeNsec;
    out[word + (ATTR.ctimensec >> 2)] = inode.ctimeNsec;
    out[word + (ATTR.mode >> 2)] = mode;
    out[word + (ATTR.nlink >> 2)] = inode.nlink;
    out[word + (ATTR.uid >> 2)] = inode.uid;
    out[word + (ATTR.gid >> 2)] = inode.gid;
    out[word + (ATTR.rdev >> 2)] = inode.rdev;
    out[word + (ATTR.blksize >> 2)] = BLOCK;
    out[word + (ATTR.flags >> 2)] = 0;
  }

  /**
   * Writes a `fuse_attr_out` for the handle of the request. The kernel is not notified about an
   * inode's earlier handles, so for those it must not cache the attributes.
   */
  putAttrOut(inode: Inode): void {
    this.put64(ATTR_OUT.attr_valid, this.nodeId === inode.nodeId ? this.valid : 0);
    this.put64(ATTR_OUT.attr_valid_nsec, 0);
    this.putAttr(ATTR_OUT.attr, inode);
  }

  /** Writes a `fuse_entry_out`. */
  putEntryOut(at: number, inode: Inode): void {
    this.put64(at + ENTRY_OUT.nodeid, inode.nodeId);
    this.put64(at + ENTRY_OUT.generation, 0);
    this.put64(at + ENTRY_OUT.entry_valid, this.valid);
    this.put64(at + ENTRY_OUT.attr_valid, this.valid);
    this.put64(at + ENTRY_OUT.entry_valid_nsec, 0);
    this.putAttr(at + ENTRY_OUT.attr, inode);
  }

  /**
   * Writes a name to the reply.
   *
   * @param dots Whether the name is the `.` or `..` entry itself.
   * @returns The name's length in bytes; -1 when it does not fit.
   */
  putName(at: number, name: string, room: number, dots: boolean = false): number {
    const reply = this.reply;
    const start = REPLY + at;
    if (name.length > room) return -1;
    // Child names `.` and `..`, and names with a slash or a NUL, are shown in escaped form.
    let plain = dots || name.length > 2 || (name !== "" && name[0] !== ".");
    for (let i = 0; plain && i < name.length; i++) {
      const code = name.charCodeAt(i);
      plain = code < 0x80 && code !== 0x2f && code !== 0;
      reply[start + i] = code;
    }
    if (plain) return name.length;
    const bytes = encodeName(name);
    if (bytes.length > room) return -1;
    reply.set(bytes, start);
    return bytes.length;
  }
}

/** Returns a file's size in 512-byte blocks, rounded up to 4 KiB as most filesystems do. */
export function blocksOf(inode: Inode): number {
  const type = inode.mode & S_IFMT;
  if (type !== S_IFREG) return type === S_IFDIR || (type === S_IFLNK && inode.size > 59) ? 8 : 0;
  return Math.ceil(allocatedBytes(inode) / BLOCK) * (BLOCK / 512);
}

/** Returns the result of a handler that refuses a request. */
export function refusal(code: keyof typeof ERRNO): number {
  return -ERRNO[code];
}
