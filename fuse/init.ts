import { BODY, type Exchange, MAX_TRANSFER } from "./exchange.ts";
import {
  INIT,
  INIT2,
  INIT_IN,
  INIT_OUT,
  KERNEL_MAJOR,
  KERNEL_MINOR,
  LEAST_MINOR,
} from "./protocol.ts";

/** The maximum number of pending background requests: read-ahead and write-back. */
const MAX_BACKGROUND = 64;
/** The number of pending background requests from which on the kernel throttles writers. */
const CONGESTION_THRESHOLD = 48;
const PAGE = 4096;
/** The length of INIT's body without its extension, in bytes. */
const SHORT_INIT_IN = 16;

/**
 * The features to request from the kernel. ASYNC_DIO is left out: when an asynchronous write
 * bypasses the page cache, pages that were read meanwhile stay in the cache with old content.
 */
const WANTED = INIT.ASYNC_READ | INIT.BIG_WRITES | INIT.MAX_PAGES |
  INIT.WRITEBACK_CACHE | INIT.DO_READDIRPLUS | INIT.READDIRPLUS_AUTO | INIT.PARALLEL_DIROPS |
  INIT.NO_OPEN_SUPPORT | INIT.NO_OPENDIR_SUPPORT | INIT.CACHE_SYMLINKS |
  INIT.HANDLE_KILLPRIV_V2 | INIT.INIT_EXT;
const WANTED2 = INIT2.DIRECT_IO_ALLOW_MMAP;

/** The result of the INIT handshake. */
export interface Agreement {
  /** The length of the reply's body. */
  length: number;
  /** The reason for a failure; null on success. */
  problem: string | null;
}

/**
 * Answers INIT. File locks are not requested, because the kernel manages them for all users of the
 * mount.
 */
export function initialize(x: Exchange): Agreement {
  const major = x.u32(BODY + INIT_IN.major);
  const minor = x.u32(BODY + INIT_IN.minor);
  x.clear(0, INIT_OUT.SIZE);
  x.put32(INIT_OUT.major, KERNEL_MAJOR);
  x.put32(INIT_OUT.minor, KERNEL_MINOR);
  // A newer kernel repeats INIT with this major version.
  if (major > KERNEL_MAJOR) return { length: INIT_OUT.SIZE, problem: null };
  if (major < KERNEL_MAJOR || minor < LEAST_MINOR) {
    return {
      length: 0,
      problem: `the kernel speaks FUSE ${major}.${minor}; 7.31 (Linux 5.4) is needed`,
    };
  }
  const long = x.length - BODY > SHORT_INIT_IN;
  const flags = x.u32(BODY + INIT_IN.flags) & WANTED;
  x.put32(INIT_OUT.flags, flags);
  if (long && (flags & INIT.INIT_EXT) !== 0) {
    x.put32(INIT_OUT.flags2, x.u32(BODY + INIT_IN.flags2) & WANTED2);
  }
  x.put32(INIT_OUT.max_readahead, MAX_TRANSFER);
  x.put32(INIT_OUT.max_background, MAX_BACKGROUND | (CONGESTION_THRESHOLD << 16));
  x.put32(INIT_OUT.max_write, MAX_TRANSFER);
  // The granularity of times, in ns.
  x.put32(INIT_OUT.time_gran, 1);
  x.put32(INIT_OUT.max_pages, MAX_TRANSFER / PAGE);
  return { length: INIT_OUT.SIZE, problem: null };
}
