import type { Caller } from "../../src/vfs/filesystem.ts";

/**
 * The caller of operations in a test without a kernel: root has all
 * capabilities, others have one group.
 */
export function callerOf(uid: number, gid: number): Caller {
  return {
    uid,
    gid,
    mayGiveGroup: (group) => uid === 0 || group === gid,
    mayChange: (owner) => uid === 0 || owner === uid,
  };
}
