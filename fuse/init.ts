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

/** Requests that may wait at once without anybody waiting for them: read-ahead and write-back. */
const MAX_BACKGROUND = 64;
/** Above this the kernel holds back. */
const CONGESTION_THRESHOLD = 48;
const PAGE = 4096;
/** Without its extension INIT is this long, header not counted. */
const SHORT_INIT_IN = 16;

/**
 * What we want of the kernel, as far as it has it. Not ASYNC_DIO: of a write past
 * its cache that ends later it leaves what was read meanwhile in the cache, an old page.
 */
const WANTED = INIT.ASYNC_READ | INIT.BIG_WRITES | INIT.MAX_PAGES |
  INIT.WRITEBACK_CACHE | INIT.DO_READDIRPLUS | INIT.READDIRPLUS_AUTO | INIT.PARALLEL_DIROPS |
  INIT.NO_OPEN_SUPPORT | INIT.NO_OPENDIR_SUPPORT | INIT.CACHE_SYMLINKS |
  INIT.HANDLE_KILLPRIV_V2 | INIT.INIT_EXT;
const WANTED2 = INIT2.DIRECT_IO_ALLOW_MMAP;

/** What the kernel and we have agreed on. */
export interface Agreement {
  /** Length of the reply's body. */
  length: number;
  /** What is wrong; null when all is well. */
  problem: string | null;
}

/** Answers INIT. Locks are not wanted: the kernel keeps them itself, for all that use the mount. */
export function initialize(x: Exchange): Agreement {
  const major = x.u32(BODY + INIT_IN.major);
  const minor = x.u32(BODY + INIT_IN.minor);
  x.clear(0, INIT_OUT.SIZE);
  x.put32(INIT_OUT.major, KERNEL_MAJOR);
  x.put32(INIT_OUT.minor, KERNEL_MINOR);
  // A newer kernel asks again, in our version.
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
  // Times to the nanosecond.
  x.put32(INIT_OUT.time_gran, 1);
  x.put32(INIT_OUT.max_pages, MAX_TRANSFER / PAGE);
  return { length: INIT_OUT.SIZE, problem: null };
}
