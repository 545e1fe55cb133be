import type { StoredBytes } from "../internal.ts";
import { AloeError } from "../errors.ts";
import { DirtyChunk } from "./dirty_chunk.ts";
import { ErrnoError } from "./errno.ts";
import type { Awaitable } from "./filesystem.ts";
import type { Content, Inode } from "./inode.ts";
import { then } from "./namespace.ts";
import { ACCESS_MS, type VolumeState } from "./volume_state.ts";

/** `fallocate`: the file's size does not change. */
const FALLOC_KEEP_SIZE = 0x01;
/** `fallocate`: the range becomes a hole. */
const FALLOC_PUNCH_HOLE = 0x02;
/** `fallocate`: the range becomes zeros. */
const FALLOC_ZERO_RANGE = 0x10;

/** The number of chunks that one call copies by reference, to bound its time. */
const COPY_CHUNKS = 4096;

/** The number of bytes that one call copies through memory. */
const COPY_BYTES = 4 * 2 ** 20;

/** A day, in s: the access time is updated at least this often. */
const DAY = 86_400;

/** Returns the content of a regular file. @throws {ErrnoError} EISDIR, EINVAL. */
export function contentOf(inode: Inode): Content {
  if (inode.content === null) throw new ErrnoError(inode.isDirectory ? "EISDIR" : "EINVAL");
  return inode.content;
}

/** Reads into a buffer. @returns The number of bytes read. */
export function read(
  state: VolumeState,
  inode: Inode,
  offset: number,
  into: Uint8Array,
  unnoticed: boolean = false,
): Awaitable<number> {
  const content = contentOf(inode);
  const length = Math.min(into.length, inode.size - offset);
  if (length <= 0) return 0;
  if (!unnoticed) noteAccess(state, inode);
  const first = state.chunks.indexOf(offset);
  const last = state.chunks.indexOf(offset + length - 1);
  let missingFrom = -1;
  let missingTo = -1;
  for (let index = first; index <= last; index++) {
    const from = Math.max(0, offset - state.chunks.startOf(index));
    const to = state.chunks.lengthOf(index, offset + length);
    if (
      !fill(
        state,
        inode,
        content,
        index,
        from,
        to,
        into,
        state.chunks.startOf(index) + from - offset,
      )
    ) {
      if (missingFrom === -1) missingFrom = index;
      missingTo = index;
    }
  }
  if (missingFrom === -1) return length;
  return readStored(
    state,
    inode,
    content,
    offset,
    into.subarray(0, length),
    missingFrom,
    missingTo,
  );
}

/**
 * Fills a part of a chunk from memory.
 *
 * @returns Whether memory had it.
 */
function fill(
  state: VolumeState,
  inode: Inode,
  content: Content,
  index: number,
  from: number,
  to: number,
  into: Uint8Array,
  at: number,
): boolean {
  const chunk = content.chunks.get(index);
  const target = into.subarray(at, at + to - from);
  if (chunk !== undefined) {
    if (!chunk.covers(from, to)) {
      if (chunk.base === "zeros") target.fill(0);
      else if (chunk.base !== "stored") return false;
      else if (!fillStored(state, inode, content, index, from, target)) return false;
    }
    chunk.overlay(target, from);
    return true;
  }
  return fillStored(state, inode, content, index, from, target);
}

/** Fills stored content from the cache, and zeros elsewhere. */
function fillStored(
  state: VolumeState,
  inode: Inode,
  content: Content,
  index: number,
  from: number,
  target: Uint8Array,
): boolean {
  const valid = content.valid - state.chunks.startOf(index);
  if (valid <= from) {
    target.fill(0);
    return true;
  }
  const cached = state.cache.get(inode, index);
  if (cached === undefined) return false;
  copyValid(cached, from, Math.min(valid, cached.length), target);
  return true;
}

function copyValid(data: Uint8Array, from: number, valid: number, target: Uint8Array): void {
  const end = Math.min(valid, from + target.length);
  if (end <= from) {
    target.fill(0);
    return;
  }
  target.set(data.subarray(from, end));
  if (end - from < target.length) target.fill(0, end - from);
}

async function readStored(
  state: VolumeState,
  inode: Inode,
  content: Content,
  offset: number,
  into: Uint8Array,
  missingFrom: number,
  missingTo: number,
): Promise<number> {
  const place = (index: number, base: Uint8Array) => {
    const start = state.chunks.startOf(index);
    const from = Math.max(0, offset - start);
    const to = Math.min(state.chunkSize, offset + into.length - start);
    const target = into.subarray(start + from - offset, start + to - offset);
    copyValid(base, from, base.length, target);
    content.chunks.get(index)?.overlay(target, from);
  };
  // Fetch in batches of one query each.
  for (let from = missingFrom; from <= missingTo; from += CHUNKS_AT_ONCE) {
    const to = Math.min(missingTo, from + CHUNKS_AT_ONCE - 1);
    const found = await loadStored(state, inode, content, from, to);
    for (let index = from; index <= to; index++) {
      const chunk = content.chunks.get(index);
      if (chunk !== undefined && typeof chunk.base !== "string") {
        const base = await state.source.chunk(chunk.base.hash);
        place(index, base.subarray(0, chunk.limit));
      } else if (chunk?.base === "zeros") {
        place(index, NOTHING);
      } else {
        const base = found.get(index);
        if (base !== undefined) place(index, base);
      }
    }
    for (const [index, data] of found) state.cache.put(inode, index, data);
  }
  return into.length;
}

const NOTHING = new Uint8Array(0);

/** The number of chunks fetched by one query. */
const CHUNKS_AT_ONCE = 16;

/** Thrown when stored content is damaged, or was changed by another process meanwhile. */
export class DamagedContent extends Error {
  override readonly name = "DamagedContent";
}

/**
 * Returns stored chunks, cut to their valid length. Chunks already in the cache are copied; fetched
 * ones are not added to it.
 */
async function loadStored(
  state: VolumeState,
  inode: Inode,
  content: Content,
  first: number,
  last: number,
): Promise<Map<number, Uint8Array>> {
  const found = new Map<number, Uint8Array>();
  const end = state.chunks.count(content.valid) - 1;
  for (let index = first; index <= last; index++) {
    const cached = index <= end ? state.cache.get(inode, index) : NOTHING;
    // Copy, because the cache may drop the chunk before it is used.
    if (cached !== undefined) found.set(index, cached.slice());
  }
  if (found.size === last - first + 1) return found;
  const to = Math.min(last, end);
  const rows = await storedChunks(state, inode, first, to);
  for (const { index, data } of rows) if (!found.has(index)) found.set(index, data);
  for (let index = first; index <= to; index++) {
    const valid = state.chunks.lengthOf(index, content.valid);
    const data = found.get(index);
    if (
      data === undefined ||
      data.length < Math.min(valid, content.stored - state.chunks.startOf(index))
    ) {
      throw new DamagedContent(`${inode.id}: chunk ${index} is missing or too short`);
    }
    if (data.length > valid) found.set(index, data.slice(0, valid));
  }
  return found;
}

async function storedChunks(
  state: VolumeState,
  inode: Inode,
  first: number,
  last: number,
): Promise<StoredBytes[]> {
  try {
    return await state.source.chunks(inode.id, first, last);
  } catch (error) {
    if (!(error instanceof AloeError && error.code === "corrupt")) throw error;
    throw new DamagedContent(error.message, { cause: error });
  }
}

/** Returns a symbolic link's target. */
export async function readTarget(state: VolumeState, inode: Inode): Promise<Uint8Array> {
  const last = state.chunks.count(inode.size) - 1;
  const target = new Uint8Array(inode.size);
  for (const { index, data } of await state.source.chunks(inode.id, 0, last)) {
    target.set(data, state.chunks.startOf(index));
  }
  return target;
}

/** Returns the current plaintext of a chunk, for the pool. */
export async function plaintext(
  state: VolumeState,
  inode: Inode,
  index: number,
  length: number,
): Promise<Uint8Array> {
  const content = inode.content!;
  const chunk = content.chunks.get(index);
  const whole = chunk?.whole(length);
  if (whole) return whole;
  const data = new Uint8Array(length);
  if (chunk !== undefined && typeof chunk.base !== "string") {
    const base = await state.source.chunk(chunk.base.hash);
    data.set(base.subarray(0, Math.min(length, chunk.limit)));
  } else if (chunk?.base !== "zeros" && content.valid > state.chunks.startOf(index)) {
    const base = state.cache.get(inode, index) ??
      (await loadStored(state, inode, content, index, index)).get(index)!;
    const valid = Math.min(length, content.valid - state.chunks.startOf(index), base.length);
    data.set(base.subarray(0, valid));
  }
  chunk?.overlay(data, 0);
  return data;
}

/**
 * Updates the access time as `relatime` does: if it is older than the last change, or than a day.
 */
function noteAccess(state: VolumeState, inode: Inode): void {
  if (state.options.readOnly) return;
  const older = inode.atimeSec - inode.mtimeSec || inode.atimeNsec - inode.mtimeNsec;
  const olderChange = inode.atimeSec - inode.ctimeSec || inode.atimeNsec - inode.ctimeNsec;
  const at = state.options.clock();
  if (older > 0 && olderChange > 0 && at.sec - inode.atimeSec < DAY) return;
  if (at.sec === inode.atimeSec && at.nsec === inode.atimeNsec) return;
  inode.atimeSec = at.sec;
  inode.atimeNsec = at.nsec;
  inode.timesChanged = true;
  state.touch(inode, ACCESS_MS);
}

/** Returns the dirty chunk at an index; creates it if it is missing. */
function dirtyChunk(state: VolumeState, content: Content, index: number): DirtyChunk {
  let chunk = content.chunks.get(index);
  if (chunk === undefined) content.chunks.set(index, chunk = new DirtyChunk(state.chunkSize));
  content.unsaved.add(index);
  return chunk;
}

/**
 * Returns the maximum size of a file, in bytes. Up to here offsets are exact and manifests bounded.
 */
export function sizeLimit(state: VolumeState): number {
  return state.chunks.limit;
}

/** Writes a copy of the given bytes. */
export function write(state: VolumeState, inode: Inode, offset: number, data: Uint8Array): void {
  const content = contentOf(inode);
  const end = offset + data.length;
  if (end > sizeLimit(state)) throw new ErrnoError("EFBIG");
  if (data.length === 0) return;
  for (let at = offset; at < end;) {
    const { index, within: start, length } = state.chunks.locate(at);
    const taken = Math.min(length, end - at);
    const chunk = dirtyChunk(state, content, index);
    const before = chunk.memory;
    chunk.write(start, data.subarray(at - offset, at - offset + taken));
    state.dirtyBytes += chunk.memory - before;
    at += taken;
  }
  if (end > inode.size) inode.size = end;
  inode.contentChanged = true;
  state.counts.bytesWritten += data.length;
  state.touch(inode);
}

/** Sets a file's size. */
export function truncate(state: VolumeState, inode: Inode, size: number): void {
  const content = contentOf(inode);
  if (size > sizeLimit(state)) throw new ErrnoError("EFBIG");
  if (size < inode.size) {
    const last = state.chunks.indexOf(size);
    for (const [index, chunk] of content.chunks) {
      if (index < last) continue;
      state.dirtyBytes -= chunk.memory;
      if (index > last || size === state.chunks.startOf(last)) {
        content.chunks.delete(index);
        content.unsaved.delete(index);
        if (content.logged.has(index)) content.stale.add(index);
        continue;
      }
      content.unsaved.add(index);
      chunk.cut(size - state.chunks.startOf(last));
      // Bytes beyond the cut must not reappear when the file grows again, neither from the base nor
      // from the log, which only a fold empties.
      chunk.limit = Math.min(chunk.limit, size - state.chunks.startOf(last));
      if (chunk.logged) chunk.rebased = true;
      state.dirtyBytes += chunk.memory;
    }
    if (size < content.stored) content.limit = Math.min(content.limit, size);
    state.cache.drop(inode, last);
  }
  if (size !== inode.size) {
    inode.size = size;
    inode.contentChanged = true;
    state.touch(inode);
  }
}

/** Fills a range with zeros, within the size. */
function zero(state: VolumeState, inode: Inode, from: number, to: number): void {
  const content = contentOf(inode);
  for (let at = from; at < to;) {
    const { index, within: start } = state.chunks.locate(at);
    const end = state.chunks.lengthOf(index, to);
    // The file's last chunk counts as whole when its end is included.
    const full = start === 0 &&
      (end === state.chunkSize || state.chunks.startOf(index) + end >= inode.size);
    if (full && at >= content.valid && !content.chunks.has(index)) {
      at = state.chunks.startOf(index + 1);
      continue;
    }
    const chunk = dirtyChunk(state, content, index);
    state.dirtyBytes -= chunk.memory;
    if (full) chunk.rebase("zeros");
    else chunk.write(start, new Uint8Array(end - start));
    state.dirtyBytes += chunk.memory;
    at = state.chunks.startOf(index + 1);
  }
  inode.contentChanged = true;
  state.touch(inode);
}

/** Resizes, punches holes and zeroes as `fallocate(2)` does. Reserves no space. */
export function fallocate(
  state: VolumeState,
  inode: Inode,
  mode: number,
  offset: number,
  length: number,
): void {
  contentOf(inode);
  const end = offset + length;
  if (length <= 0) throw new ErrnoError("EINVAL");
  if (end > sizeLimit(state)) throw new ErrnoError("EFBIG");
  const keep = (mode & FALLOC_KEEP_SIZE) !== 0;
  switch (mode & ~FALLOC_KEEP_SIZE) {
    case 0:
      break;
    case FALLOC_PUNCH_HOLE:
      if (!keep) throw new ErrnoError("EOPNOTSUPP");
      zero(state, inode, offset, Math.min(end, inode.size));
      break;
    case FALLOC_ZERO_RANGE:
      zero(state, inode, offset, Math.min(end, inode.size));
      break;
    default:
      throw new ErrnoError("EOPNOTSUPP");
  }
  // The kernel manages the times, as for a cached write.
  if (!keep && end > inode.size) truncate(state, inode, end);
}

/** Copies a range, whole chunks by reference. @returns The number of bytes copied. */
export async function copyRange(
  state: VolumeState,
  from: Inode,
  fromOffset: number,
  to: Inode,
  toOffset: number,
  length: number,
): Promise<number> {
  const source = contentOf(from);
  const target = contentOf(to);
  const end = Math.min(fromOffset + length, from.size);
  if (toOffset + length > sizeLimit(state)) throw new ErrnoError("EFBIG");
  let at = fromOffset;
  const shift = toOffset - fromOffset;
  const aligned = from !== to && state.chunks.partial(shift) === 0;
  let copied = 0;
  let chunks = 0;
  while (at < end && copied < COPY_BYTES && chunks < COPY_CHUNKS) {
    const { index, within, length: rest } = state.chunks.locate(at);
    if (aligned && within === 0) {
      const most = Math.min(state.chunks.indexOf(end), index + COPY_CHUNKS - chunks);
      const count = await copyChunks(
        state,
        from,
        source,
        to,
        target,
        index,
        most,
        shift / state.chunkSize,
      );
      if (count > 0) {
        chunks += count;
        at += state.chunks.startOf(count);
        continue;
      }
    }
    const taken = Math.min(end - at, rest);
    const bytes = new Uint8Array(taken);
    await read(state, from, at, bytes, true);
    write(state, to, at + shift, bytes);
    copied += taken;
    at += taken;
  }
  if (at <= fromOffset) return 0;
  to.size = Math.max(to.size, at + shift);
  // The kernel manages the times, as for a cached write.
  to.contentChanged = true;
  state.touch(to);
  return at - fromOffset;
}

/**
 * Refers to stored chunks from `first` to before `end`, as long as they are in the pool unchanged.
 */
async function copyChunks(
  state: VolumeState,
  from: Inode,
  source: Content,
  to: Inode,
  target: Content,
  first: number,
  end: number,
  shift: number,
): Promise<number> {
  const stored = Math.min(end, state.chunks.indexOf(source.valid));
  let last = first;
  while (last < stored && !source.chunks.has(last)) last++;
  if (last === first) return 0;
  const rows = await state.source.hashes(from.id, first, last - 1);
  for (const { index, hash } of rows) {
    const chunk = dirtyChunk(state, target, index + shift);
    state.dirtyBytes -= chunk.memory;
    chunk.rebase(state.zeroHashes.has(hash) ? "zeros" : { hash });
  }
  if (rows.length !== last - first) throw new Error(`${from.id}: a chunk is missing`);
  to.size = Math.max(to.size, state.chunks.startOf(last + shift));
  to.contentChanged = true;
  return last - first;
}

/** Returns the offset of the next data or hole. @throws {ErrnoError} ENXIO. */
export function seek(
  state: VolumeState,
  inode: Inode,
  offset: number,
  what: "data" | "hole",
): Awaitable<number> {
  const content = contentOf(inode);
  if (offset >= inode.size) throw new ErrnoError("ENXIO");
  return then(nextChunk(state, inode, content, offset, what), (index) => {
    if (index === null) {
      if (what === "data") throw new ErrnoError("ENXIO");
      return inode.size;
    }
    return Math.max(offset, state.chunks.startOf(index));
  });
}

/** The number of chunk addresses fetched by one query. */
const HASHES_AT_ONCE = 4096;

async function nextChunk(
  state: VolumeState,
  inode: Inode,
  content: Content,
  offset: number,
  what: "data" | "hole",
): Promise<number | null> {
  const end = state.chunks.count(inode.size);
  const stored = state.chunks.count(content.valid);
  let hashes = new Map<number, string>();
  for (let index = state.chunks.indexOf(offset); index < end; index++) {
    const chunk = content.chunks.get(index);
    let hole: boolean;
    if (chunk !== undefined && (chunk.written || chunk.base !== "stored")) {
      hole = chunk.base === "zeros" && !chunk.written;
    } else if (index >= stored) {
      hole = true;
    } else {
      if (!hashes.has(index)) {
        const last = Math.min(stored - 1, index + HASHES_AT_ONCE - 1);
        const rows = await state.source.hashes(inode.id, index, last);
        hashes = new Map(rows.map((row) => [row.index, row.hash]));
      }
      hole = state.zeroHashes.has(hashes.get(index) ?? "");
    }
    if (hole === (what === "hole")) return index;
  }
  return null;
}
