import { ErrnoError } from "./errno.ts";
import type { Awaitable } from "./filesystem.ts";
import type { Inode } from "./inode.ts";
import { then } from "./namespace.ts";
import type { VolumeState } from "./volume_state.ts";

/** Flag of `setxattr`: fail when the attribute exists. */
const XATTR_CREATE = 1;
/** Flag of `setxattr`: fail when the attribute does not exist. */
const XATTR_REPLACE = 2;

/**
 * The supported namespaces. Access control lists, in `system`, are not supported, because the
 * kernel would have to enforce them.
 */
const NAMESPACE = /^(user|trusted|security)\./;

/** @throws {ErrnoError} EOPNOTSUPP, EINVAL. */
function checkName(name: string): void {
  const namespace = NAMESPACE.exec(name);
  if (namespace === null) throw new ErrnoError("EOPNOTSUPP");
  if (namespace[0] === name) throw new ErrnoError("EINVAL");
}

/** Returns all attributes of an inode; loads them once. */
function all(state: VolumeState, inode: Inode): Awaitable<Map<string, Uint8Array>> {
  return inode.xattrs ??
    state.source.xattrs(inode.id).then((xattrs) => inode.xattrs = xattrs);
}

/** Returns an attribute's value. @throws {ErrnoError} ENODATA, EOPNOTSUPP, EINVAL. */
export function get(state: VolumeState, inode: Inode, name: string): Awaitable<Uint8Array> {
  checkName(name);
  return then(all(state, inode), (xattrs) => {
    const value = xattrs.get(name);
    if (value === undefined) throw new ErrnoError("ENODATA");
    return value;
  });
}

/** Sets an attribute. @throws {ErrnoError} EEXIST, ENODATA, EOPNOTSUPP. */
export function set(
  state: VolumeState,
  inode: Inode,
  name: string,
  value: Uint8Array,
  flags: number,
): Awaitable<void> {
  state.requireWritable();
  checkName(name);
  return then(all(state, inode), (xattrs) => {
    const known = xattrs.has(name);
    if (known && (flags & XATTR_CREATE) !== 0) throw new ErrnoError("EEXIST");
    if (!known && (flags & XATTR_REPLACE) !== 0) throw new ErrnoError("ENODATA");
    const copy = value.slice();
    xattrs.set(name, copy);
    note(state, inode, name, copy);
  });
}

/** Returns the names of all attributes. */
export function list(state: VolumeState, inode: Inode): Awaitable<string[]> {
  return then(all(state, inode), (xattrs) => [...xattrs.keys()]);
}

/** Removes an attribute. @throws {ErrnoError} ENODATA, EOPNOTSUPP. */
export function remove(state: VolumeState, inode: Inode, name: string): Awaitable<void> {
  state.requireWritable();
  checkName(name);
  return then(all(state, inode), (xattrs) => {
    if (!xattrs.delete(name)) throw new ErrnoError("ENODATA");
    note(state, inode, name, null);
  });
}

function note(state: VolumeState, inode: Inode, name: string, value: Uint8Array | null): void {
  inode.xattrChanges ??= new Map();
  inode.xattrChanges.set(name, value);
  inode.xattrBytes += value?.length ?? 0;
  state.dirtyBytes += value?.length ?? 0;
  inode.changed(state.options.clock());
  state.touch(inode);
}
