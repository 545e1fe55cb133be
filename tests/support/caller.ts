import type { Caller } from "../../src/vfs/filesystem.ts";

/** Who makes calls in a test without a kernel: root may do everything, others have one group. */
export function callerOf(uid: number, gid: number): Caller {
  return {
    uid,
    gid,
    mayGiveGroup: (group) => uid === 0 || group === gid,
    mayChange: (owner) => uid === 0 || owner === uid,
  };
}
