import type { Caller } from "../src/vfs/filesystem.ts";

/** Bits of capabilities: the first two decide about set-id bits. */
const CAP_FOWNER = 1 << 3;
const CAP_FSETID = 1 << 4;
/** Who has it sees attributes of the namespace `trusted`. */
const CAP_SYS_ADMIN = 1 << 21;

/** What `/proc` says of a process that the header of a request does not. */
interface Credentials {
  groups: readonly number[];
  /** Its effective capabilities, the lower 32. */
  capabilities: number;
}

const NOBODY: Credentials = { groups: [], capabilities: 0 };

/**
 * Who makes a request. Groups and capabilities are read from `/proc` when they
 * are asked for, which only set-id bits and `trusted` attributes need: the caller waits for its answer
 * meanwhile, so they are those that it called with. Of whom nothing can be read
 * nothing is assumed.
 */
export class RequestCaller implements Caller {
  uid = 0;
  gid = 0;
  /** Its process or thread; 0: the kernel itself, or one that is not seen from here. */
  pid = 0;

  mayGiveGroup(gid: number): boolean {
    if (gid === this.gid) return true;
    const { groups, capabilities } = credentialsOf(this.pid);
    return groups.includes(gid) || (capabilities & CAP_FSETID) !== 0;
  }

  mayChange(owner: number): boolean {
    return owner === this.uid || (credentialsOf(this.pid).capabilities & CAP_FOWNER) !== 0;
  }

  /** Whether it is shown `trusted` attributes. */
  get seesTrusted(): boolean {
    return (credentialsOf(this.pid).capabilities & CAP_SYS_ADMIN) !== 0;
  }

  /** Whether files that it writes to keep their set-id bits. */
  get keepsPrivileges(): boolean {
    return (credentialsOf(this.pid).capabilities & CAP_FSETID) !== 0;
  }
}

function credentialsOf(pid: number): Credentials {
  if (pid === 0) return NOBODY;
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    const groups = /^Groups:\s*(.*)$/m.exec(status)?.[1] ?? "";
    const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
    return {
      groups: groups.split(/\s+/).filter((word) => word !== "").map(Number),
      // A capability in a user namespace of its own says nothing about ours.
      capabilities: isOfOurNamespace(pid) ? parseInt(capabilities.slice(-8), 16) : 0,
    };
  } catch {
    return NOBODY;
  }
}

function isOfOurNamespace(pid: number): boolean {
  return Deno.readLinkSync(`/proc/${pid}/ns/user`) === Deno.readLinkSync("/proc/self/ns/user");
}
