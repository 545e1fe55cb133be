import { AloeError } from "../../src/errors.ts";
import type { FileSize, WalState } from "../../src/internal.ts";
import { readRaw } from "./raw_file.ts";

/** Bytes of the WAL's header, and of the header of each frame. */
const WAL_HEADER = 32;
const FRAME_HEADER = 24;

/** The page with this byte is never used, since SQLite's locks are on it. */
const LOCK_BYTE = 0x40000000;

/** A state of a file that a transaction holds. */
export interface HeldState {
  path: string;
  /** A descriptor of the file. */
  raw: number;
  size: FileSize;
  /** The state of the WAL when the transaction already held it. */
  wal: WalState;
}

/**
 * The pages of a file in the state that a transaction holds. The last frame of a page
 * in the WAL is used, or else the page of the file. Frames that the state needs are not
 * overwritten while it is held. A checkpoint overwrites pages of the file only with
 * frames that are in the WAL, where they are found. Frames that an earlier checkpoint
 * has moved are not searched, since their space may be reused.
 */
export class HeldPages implements Disposable {
  readonly count: number;
  readonly pageSize: number;
  readonly #raw: number;
  readonly #wal: Deno.FsFile | null;
  /** Offsets of pages in the WAL, by page number from 0. */
  readonly #places = new Map<number, number>();

  constructor({ path, raw, size, wal }: HeldState) {
    this.count = size.pages;
    this.pageSize = size.pageSize;
    this.#raw = raw;
    this.#wal = wal.moved < wal.pages ? Deno.openSync(`${path}-wal`) : null;
    try {
      if (this.#wal !== null) this.#index(this.#wal, wal);
    } catch (error) {
      this.#wal?.close();
      throw error;
    }
  }

  /** Reads consecutive pages. @param first The number of the first one, from 0. */
  read(first: number, count: number): Uint8Array<ArrayBuffer> {
    const { pageSize } = this;
    const bytes = new Uint8Array(count * pageSize);
    const there = readRaw(this.#raw, bytes, first * pageSize);
    for (let i = 0; i < count; i++) {
      const place = this.#places.get(first + i);
      if (place !== undefined) {
        readAt(this.#wal!, bytes.subarray(i * pageSize, (i + 1) * pageSize), place);
      } else if ((i + 1) * pageSize > there && !this.#isLockPage(first + i)) {
        throw new AloeError("corrupt", "the file is shorter than it says");
      }
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    this.#wal?.close();
  }

  #isLockPage(page: number): boolean {
    return page === Math.floor(LOCK_BYTE / this.pageSize);
  }

  #index(wal: Deno.FsFile, { pages, moved }: WalState): void {
    const header = new Uint8Array(WAL_HEADER);
    readAt(wal, header, 0);
    const salts = new DataView(header.buffer).getBigUint64(16);
    const frame = new Uint8Array(FRAME_HEADER);
    const view = new DataView(frame.buffer);
    for (let i = moved; i < pages; i++) {
      const place = WAL_HEADER + i * (FRAME_HEADER + this.pageSize);
      readAt(wal, frame, place);
      if (view.getBigUint64(8) !== salts) {
        throw new AloeError("busy", "the log of the file was begun anew");
      }
      this.#places.set(view.getUint32(0) - 1, place + FRAME_HEADER);
    }
  }
}

function readAt(file: Deno.FsFile, into: Uint8Array, offset: number): void {
  file.seekSync(offset, Deno.SeekMode.Start);
  for (let done = 0; done < into.length;) {
    const read = file.readSync(into.subarray(done));
    if (read === null) throw new AloeError("corrupt", "the log of the file ends early");
    done += read;
  }
}
