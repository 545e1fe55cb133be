/**
 * The kernel side of the FUSE protocol: requests, replies and notifications as laid out in
 * `linux/fuse.h`. All numbers are little-endian, as on both x86_64 and aarch64; the layouts are
 * equal on both.
 */

/** The kernel's protocol version that this code implements. */
export const KERNEL_MAJOR = 7;
/** The announced minor version; the kernel uses the smaller one. */
export const KERNEL_MINOR = 38;
/** The minimum minor version, of Linux 5.4; older kernels are refused. */
export const LEAST_MINOR = 31;

/** The node id of the mount's root directory. */
export const ROOT_ID = 1;

/** Operations of requests. */
export const OPCODE = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  SETXATTR: 21,
  GETXATTR: 22,
  LISTXATTR: 23,
  REMOVEXATTR: 24,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  GETLK: 31,
  SETLK: 32,
  SETLKW: 33,
  ACCESS: 34,
  CREATE: 35,
  INTERRUPT: 36,
  BMAP: 37,
  DESTROY: 38,
  IOCTL: 39,
  POLL: 40,
  NOTIFY_REPLY: 41,
  BATCH_FORGET: 42,
  FALLOCATE: 43,
  READDIRPLUS: 44,
  RENAME2: 45,
  LSEEK: 46,
  COPY_FILE_RANGE: 47,
  SETUPMAPPING: 48,
  REMOVEMAPPING: 49,
  SYNCFS: 50,
  TMPFILE: 51,
} as const;

/** Codes of notifications, which answer no request. */
export const NOTIFY = {
  INVAL_INODE: 2,
  INVAL_ENTRY: 3,
  STORE: 4,
} as const;

/** Flags of INIT, the lower 32. */
export const INIT = {
  ASYNC_READ: 1 << 0,
  BIG_WRITES: 1 << 5,
  DO_READDIRPLUS: 1 << 13,
  READDIRPLUS_AUTO: 1 << 14,
  WRITEBACK_CACHE: 1 << 16,
  NO_OPEN_SUPPORT: 1 << 17,
  PARALLEL_DIROPS: 1 << 18,
  MAX_PAGES: 1 << 22,
  CACHE_SYMLINKS: 1 << 23,
  NO_OPENDIR_SUPPORT: 1 << 24,
  HANDLE_KILLPRIV_V2: 1 << 28,
  INIT_EXT: 1 << 30,
} as const;

/** Flags of INIT, the upper 32, shifted down. */
export const INIT2 = {
  DIRECT_IO_ALLOW_MMAP: 1 << 4,
} as const;

/** The attributes that SETATTR changes. */
export const FATTR = {
  MODE: 1 << 0,
  UID: 1 << 1,
  GID: 1 << 2,
  SIZE: 1 << 3,
  ATIME: 1 << 4,
  MTIME: 1 << 5,
  FH: 1 << 6,
  ATIME_NOW: 1 << 7,
  MTIME_NOW: 1 << 8,
  LOCKOWNER: 1 << 9,
  CTIME: 1 << 10,
  KILL_SUIDGID: 1 << 11,
} as const;

/** Flag of WRITE: the page cache writes back; the kernel manages the times. */
export const WRITE_CACHE = 1 << 0;
/** Flag of WRITE: the set-user-id and set-group-id bits must be cleared. */
export const WRITE_KILL_SUIDGID = 1 << 2;
/** Flag of OPEN: the page cache of a file stays valid when the file is opened. */
export const FOPEN_KEEP_CACHE = 1 << 1;
/** Flag of OPENDIR: the page cache of a directory may be used. */
export const FOPEN_CACHE_DIR = 1 << 3;

/** `whence` of LSEEK. */
export const SEEK_DATA = 3;
/** `whence` of LSEEK. */
export const SEEK_HOLE = 4;

// Layouts of structures: SIZE is the whole size; fields are offsets, by their C names. All in
// bytes.

/** The header of every request. */
export const IN_HEADER = {
  SIZE: 40,
  len: 0,
  opcode: 4,
  unique: 8,
  nodeid: 16,
  uid: 24,
  gid: 28,
  pid: 32,
} as const;

/** The header of every reply and notification. */
export const OUT_HEADER = { SIZE: 16, len: 0, error: 4, unique: 8 } as const;

/** The attributes that stat shows. */
export const ATTR = {
  SIZE: 88,
  ino: 0,
  size: 8,
  blocks: 16,
  atime: 24,
  mtime: 32,
  ctime: 40,
  atimensec: 48,
  mtimensec: 52,
  ctimensec: 56,
  mode: 60,
  nlink: 64,
  uid: 68,
  gid: 72,
  rdev: 76,
  blksize: 80,
  flags: 84,
} as const;

export const ENTRY_OUT = {
  SIZE: 128,
  nodeid: 0,
  generation: 8,
  entry_valid: 16,
  attr_valid: 24,
  entry_valid_nsec: 32,
  attr_valid_nsec: 36,
  attr: 40,
} as const;

export const ATTR_OUT = { SIZE: 104, attr_valid: 0, attr_valid_nsec: 8, attr: 16 } as const;

export const OPEN_OUT = { SIZE: 16, fh: 0, open_flags: 8 } as const;

export const STATFS_OUT = {
  SIZE: 80,
  blocks: 0,
  bfree: 8,
  bavail: 16,
  files: 24,
  ffree: 32,
  bsize: 40,
  namelen: 44,
  frsize: 48,
} as const;

/** Kernels before 5.17 send only the first 16 bytes. */
export const INIT_IN = {
  SIZE: 64,
  major: 0,
  minor: 4,
  max_readahead: 8,
  flags: 12,
  flags2: 16,
} as const;

export const INIT_OUT = {
  SIZE: 64,
  major: 0,
  minor: 4,
  max_readahead: 8,
  flags: 12,
  max_background: 16,
  congestion_threshold: 18,
  max_write: 20,
  time_gran: 24,
  max_pages: 28,
  flags2: 32,
} as const;

export const FORGET_IN = { SIZE: 8, nlookup: 0 } as const;
export const BATCH_FORGET_IN = { SIZE: 8, count: 0 } as const;
export const FORGET_ONE = { SIZE: 16, nodeid: 0, nlookup: 8 } as const;
export const MKNOD_IN = { SIZE: 16, mode: 0, rdev: 4, umask: 8 } as const;
export const MKDIR_IN = { SIZE: 8, mode: 0, umask: 4 } as const;
export const RENAME_IN = { SIZE: 8, newdir: 0 } as const;
export const RENAME2_IN = { SIZE: 16, newdir: 0, flags: 8 } as const;
export const LINK_IN = { SIZE: 8, oldnodeid: 0 } as const;

export const SETATTR_IN = {
  SIZE: 88,
  valid: 0,
  fh: 8,
  size: 16,
  lock_owner: 24,
  atime: 32,
  mtime: 40,
  ctime: 48,
  atimensec: 56,
  mtimensec: 60,
  ctimensec: 64,
  mode: 68,
  uid: 76,
  gid: 80,
} as const;

export const CREATE_IN = { SIZE: 16, flags: 0, mode: 4, umask: 8, open_flags: 12 } as const;
export const READ_IN = {
  SIZE: 40,
  fh: 0,
  offset: 8,
  size: 16,
  read_flags: 20,
  flags: 32,
} as const;
export const WRITE_IN = { SIZE: 40, fh: 0, offset: 8, size: 16, write_flags: 20 } as const;
export const WRITE_OUT = { SIZE: 8, size: 0 } as const;
/** The first 8 bytes; the rest exists only with SETXATTR_EXT, which is not negotiated. */
export const SETXATTR_IN = { SIZE: 8, size: 0, flags: 4 } as const;
export const GETXATTR_IN = { SIZE: 8, size: 0 } as const;
export const GETXATTR_OUT = { SIZE: 8, size: 0 } as const;
export const FALLOCATE_IN = { SIZE: 32, fh: 0, offset: 8, length: 16, mode: 24 } as const;
export const LSEEK_IN = { SIZE: 24, fh: 0, offset: 8, whence: 16 } as const;
export const LSEEK_OUT = { SIZE: 8, offset: 0 } as const;

export const COPY_FILE_RANGE_IN = {
  SIZE: 56,
  fh_in: 0,
  off_in: 8,
  nodeid_out: 16,
  fh_out: 24,
  off_out: 32,
  len: 40,
  flags: 48,
} as const;

/** The name follows; the whole entry is padded to a multiple of 8 bytes. */
export const DIRENT = { SIZE: 24, ino: 0, off: 8, namelen: 16, type: 20 } as const;
/** The name follows, as after `DIRENT`. */
export const DIRENTPLUS = { SIZE: 152, entry_out: 0, dirent: 128 } as const;

export const NOTIFY_INVAL_INODE_OUT = { SIZE: 24, ino: 0, off: 8, len: 16 } as const;
/** The name follows, with a terminating NUL. */
export const NOTIFY_INVAL_ENTRY_OUT = { SIZE: 16, parent: 0, namelen: 8, flags: 12 } as const;
/** The data follows. */
export const NOTIFY_STORE_OUT = { SIZE: 24, nodeid: 0, offset: 8, size: 16 } as const;
