import type { Caller } from "./filesystem.ts";
import { type Inode, S_ISGID, S_ISUID, S_IXGRP } from "./inode.ts";

/**
 * The bits of a mode that let a file be run as somebody else and that go when a
 * caller changes its content or its owner: set-user-id always, set-group-id
 * where the group may execute the file, or where the caller could not set it.
 */
export function lostPrivileges(inode: Inode, caller: Caller): number {
  const { mode, gid } = inode;
  const group = (mode & S_ISGID) !== 0 &&
    ((mode & S_IXGRP) !== 0 || !caller.mayGiveGroup(gid));
  return (mode & S_ISUID) | (group ? S_ISGID : 0);
}
