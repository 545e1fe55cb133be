import type { Caller } from "./filesystem.ts";
import { type Inode, S_ISGID, S_ISUID, S_IXGRP } from "./inode.ts";

/**
 * Returns the mode bits that let a file run with another user's privileges and that a change of
 * content or owner clears: set-user-id always; set-group-id if the group may execute the file, or
 * if the caller could not set it.
 */
export function lostPrivileges(inode: Inode, caller: Caller): number {
  const { mode, gid } = inode;
  const group = (mode & S_ISGID) !== 0 &&
    ((mode & S_IXGRP) !== 0 || !caller.mayGiveGroup(gid));
  return (mode & S_ISUID) | (group ? S_ISGID : 0);
}
