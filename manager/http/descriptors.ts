/** Descriptors for the runtime, threads and pipes of mounts. */
const RUNTIME_DESCRIPTORS = 40;

/** Descriptors of an open filesystem: two connections with WAL and index, and one for raw reads. */
const DESCRIPTORS_OF_FILESYSTEM = 8;

/** The limit that is assumed when the system reports none. */
const DEFAULT_LIMIT = 1024;

/** How the descriptors of a process are divided: one half is for files and mounts. */
export interface Descriptors {
  /** The limit of the process. */
  limit: number;
  /** Connections, at most. */
  connections: number;
  /** Filesystems that are open at once. */
  openFilesystems: number;
  /** Descriptors that are held back for files when there are no others. */
  reserve: number;
}

/** Divides the descriptors of this process where they are fewer than the limits want. */
export function divideDescriptors(
  limits: { connections: number; openFilesystems: number },
): Descriptors {
  const limit = openFilesLimit();
  const half = Math.floor(limit / 2);
  const most = Math.floor((half - RUNTIME_DESCRIPTORS) / DESCRIPTORS_OF_FILESYSTEM);
  return {
    limit,
    connections: Math.max(8, Math.min(limits.connections, Math.floor(limit * 3 / 8))),
    openFilesystems: Math.max(2, Math.min(limits.openFilesystems, most)),
    reserve: Math.max(8, Math.min(64, Math.floor(limit / 8))),
  };
}

/** How many files this process may have open. The runtime has raised it to the hard limit. */
function openFilesLimit(): number {
  if (Deno.build.os !== "linux") return DEFAULT_LIMIT;
  try {
    const text = Deno.readTextFileSync("/proc/self/limits");
    const soft = /^Max open files\s+(\S+)/m.exec(text)?.[1];
    return soft === "unlimited" ? Infinity : Number(soft ?? DEFAULT_LIMIT);
  } catch {
    return DEFAULT_LIMIT;
  }
}

/** The open descriptors of this process; null where they cannot be listed. */
export function openDescriptors(): number[] | null {
  if (Deno.build.os !== "linux") return null;
  try {
    const all: number[] = [];
    for (const { name } of Deno.readDirSync("/proc/self/fd")) all.push(Number(name));
    return all;
  } catch {
    // No descriptor is left for listing them.
    return null;
  }
}
