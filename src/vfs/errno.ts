/** Linux error numbers from `asm-generic/errno.h`, equal on x86_64 and aarch64. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  EMLINK: 31,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  EOPNOTSUPP: 95,
  ESTALE: 116,
  EDQUOT: 122,
} as const;

/** The name of an error number that the filesystem may return. */
export type ErrnoName = keyof typeof ERRNO;

/** A refusal that a system call returns to its caller. */
export class ErrnoError extends Error {
  /** The error's name in `errno.h`. */
  readonly code: ErrnoName;
  /** The error's number, positive. */
  readonly errno: number;
  override readonly name = "ErrnoError";

  /**
   * @param code The error's name in `errno.h`.
   */
  constructor(code: ErrnoName, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
    this.errno = ERRNO[code];
  }
}
