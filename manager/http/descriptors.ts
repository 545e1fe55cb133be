/** What is left for all but files and connections: the runtime's own, threads, pipes of mounts. */
const RUNTIME_DESCRIPTORS = 40;

/** What an open filesystem takes: two connections with their WAL and its index, and one to read by. */
const DESCRIPTORS_OF_FILESYSTEM = 8;

/** Where nobody tells how many files may be open. */
const DEFAULT_LIMIT = 1024;

/** How many files a process may have open, divided: a half is for files and mounts. */
export interface Descriptors {
  /** How many there may be in all. */
  limit: number;
  /** Connections, at most. */
  connections: number;
  /** Filesystems that are open at once. */
  openFilesystems: number;
  /** Descriptors that are held so that files have them when there are no others. */
  reserve: number;
}

/** Divides what this process may have open, where that is less than what is wished for. */
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

/** How many files this process may have open; the runtime has raised that as far as it may. */
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

/** The descriptors that this process has open; null where that cannot be told. */
export function openDescriptors(): number[] | null {
  if (Deno.build.os !== "linux") return null;
  try {
    const all: number[] = [];
    for (const { name } of Deno.readDirSync("/proc/self/fd")) all.push(Number(name));
    return all;
  } catch {
    // None is left for looking.
    return null;
  }
}
