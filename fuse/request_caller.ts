import type { Caller } from "../src/vfs/filesystem.ts";

/** Capability bits: the first two affect set-id bits. */
const CAP_FOWNER = 1 << 3;
const CAP_FSETID = 1 << 4;
/** Callers with this capability see attributes of the namespace `trusted`. */
const CAP_SYS_ADMIN = 1 << 21;

/** Credentials from `/proc` that a request's header does not contain. */
interface Credentials {
  groups: readonly number[];
  /** The effective capabilities, lower 32 bits. */
  capabilities: number;
}

const NOBODY: Credentials = { groups: [], capabilities: 0 };

/**
 * The caller of a request. Groups and capabilities are read from `/proc` on demand; only set-id
 * bits and `trusted` attributes need them. The caller waits for its reply meanwhile, so they are
 * still those of the call. When they cannot be read, the caller has none.
 */
export class RequestCaller implements Caller {
  uid = 0;
  gid = 0;
  /**
   * The caller's process or thread id; 0 for the kernel itself, or a process that is not visible
   * from here.
   */
  pid = 0;

  mayGiveGroup(gid: number): boolean {
    if (gid === this.gid) return true;
    const { groups, capabilities } = credentialsOf(this.pid);
    return groups.includes(gid) || (capabilities & CAP_FSETID) !== 0;
  }

  mayChange(owner: number): boolean {
    return owner === this.uid || (credentialsOf(this.pid).capabilities & CAP_FOWNER) !== 0;
  }

  /** Whether the caller sees `trusted` attributes. */
  get seesTrusted(): boolean {
    return (credentialsOf(this.pid).capabilities & CAP_SYS_ADMIN) !== 0;
  }

  /** Whether files that the caller writes to keep their set-id bits. */
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
      // A capability in another user namespace is not valid in ours.
      capabilities: isOfOurNamespace(pid) ? parseInt(capabilities.slice(-8), 16) : 0,
    };
  } catch {
    return NOBODY;
  }
}

function isOfOurNamespace(pid: number): boolean {
  return Deno.readLinkSync(`/proc/${pid}/ns/user`) === Deno.readLinkSync("/proc/self/ns/user");
}
