/**
 * The thread of one mount: opens the file, mounts, answers the kernel until the mount has ended,
 * then writes everything back and closes the file.
 *
 * @module
 */

import { AloeError } from "../src/errors.ts";
import * as internal from "../src/internal.ts";
import * as ops from "../src/ops.ts";
import { VolumeFilesystem } from "../src/vfs/volume_filesystem.ts";
import { ownThread } from "./end_watch.ts";
import { Lease } from "./lease.ts";
import { coarseTime } from "./libfuse.ts";
import { RequestLoop } from "./loop.ts";
import type {
  AskMessage,
  ErrorMessage,
  MountStatistics,
  StartMessage,
  WorkerMessage,
} from "./messages.ts";
import { Notifier } from "./notify.ts";
import { PageFlusher } from "./page_flusher.ts";
import { OPCODE } from "./protocol.ts";
import { Session } from "./session.ts";

/** The worker's global object. */
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<StartMessage | AskMessage>) => void) | null;
  postMessage(message: WorkerMessage): void;
  close(): void;
};

let statistics: (() => MountStatistics) | null = null;

scope.onmessage = ({ data }) => {
  if (data.type === "start") start(data);
  else if (data.type === "ping") scope.postMessage({ type: "pong" });
  else if (statistics !== null) {
    scope.postMessage({ type: "stats", id: data.id, statistics: statistics() });
  }
};

/** The time at which each recent line was logged. */
const logged = new Map<string, number>();

/** The minimum time between equal log lines, in ms; failed work is retried every second. */
const LOG_AGAIN = 60_000;

function log(line: string): void {
  const now = performance.now();
  if (now - (logged.get(line) ?? -Infinity) < LOG_AGAIN) return;
  logged.delete(line);
  logged.set(line, now);
  const [oldest] = logged.keys();
  if (logged.size > 100) logged.delete(oldest);
  scope.postMessage({ type: "log", line });
}

async function start(message: StartMessage): Promise<void> {
  let error: ErrorMessage | null = null;
  try {
    await serve(message);
  } catch (fault) {
    error = describe(fault);
  }
  scope.postMessage({ type: "closed", error });
  scope.close();
}

/** Opens, mounts, answers and closes; throws the first error. */
async function serve(message: StartMessage): Promise<void> {
  const { readOnly } = message;
  const db = await ops.openDatabase(message.file, {
    create: false,
    readOnly,
    checkpointAside: true,
    // Its loop gives turns itself.
    yields: false,
  });
  const faults: unknown[] = [];
  const attempt = async (step: () => Promise<unknown>) => {
    await step().catch((fault) => faults.push(fault));
  };
  try {
    const volume = await ops.getVolume(db, message.volume);
    const { pin } = message;
    const handle = await ops.mount(db, volume.id, {
      access: readOnly ? "ro" : "rw",
      ttl: Lease.TTL,
      principal: `fuse:${message.mountpoint}`,
      ...(pin === undefined ? {} : { pin }),
    }).finally(() => pin?.fill(0));
    const lease = new Lease(db, handle, (fault) => log(`renewing: ${describe(fault).message}`));
    await attempt(() => present(db, handle, message, lease, attempt));
    lease.stop();
    await attempt(() => ops.unmount(db, handle));
    if (!readOnly) await attempt(() => internal.checkpoint(db));
  } catch (fault) {
    faults.push(fault);
  }
  await attempt(() => db.close());
  if (faults.length > 0) throw faults[0];
}

/** Shows the volume at the mount point until it is unmounted. */
async function present(
  db: ops.Database,
  handle: ops.MountHandle,
  message: StartMessage,
  lease: Lease,
  attempt: (step: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  // The filesystem sends notifications from the start.
  let notifier: Notifier | null = null;
  const fs = await VolumeFilesystem.open(db, handle, {
    uid: message.uid,
    gid: message.gid,
    readOnly: message.readOnly,
    clock: coarseTime,
    log,
    invalidate: {
      inode: (inode, offset) => notifier?.inode(inode, offset),
      entry: (parent, name) => notifier?.entry(parent, name),
      grown: (inode, size) => notifier?.grown(inode, size),
    },
    ...(message.history === undefined ? {} : { history: message.history }),
    ...(message.cacheBytes === undefined ? {} : { cacheBytes: message.cacheBytes }),
    ...(message.dirtyBytes === undefined ? {} : { dirtyBytes: message.dirtyBytes }),
    ...(message.at === undefined ? {} : { at: message.at }),
  });
  const session = new Session(message.mountpoint, message.options);
  scope.postMessage({ type: "mounted", fd: session.fd, thread: ownThread() });
  notifier = new Notifier(session.fd);
  const loop = new RequestLoop(session.fd, fs, notifier, log, {
    beforeCommit: () => lease.check(),
  });
  statistics = () => gather(loop, fs);
  loop.initialized.then(() => scope.postMessage({ type: "ready" }), () => {});
  const flusher = message.readOnly ? null : new PageFlusher(message.mountpoint);
  await attempt(() => loop.run());
  flusher?.stop();
  // Close the session first, so that no request reaches a closed filesystem.
  session.close();
  if (message.readOnly) return;
  await attempt(() => closePatiently(fs, lease));
}

/** The number of times that the end of a mount waits for another process, 10 s each. */
const CLOSE_ATTEMPTS = 60;

/**
 * Closes the filesystem. Another process may write for a long time, so wait for it instead of
 * losing changes.
 */
async function closePatiently(fs: VolumeFilesystem, lease: Lease): Promise<void> {
  for (let attempt = 0;; attempt++) {
    try {
      await lease.check();
      return await fs.close();
    } catch (error) {
      const busy = error instanceof AloeError && error.code === "busy";
      if (!busy || attempt === CLOSE_ATTEMPTS) throw error;
      log("another process is writing to the file: waiting for it to write back");
    }
  }
}

function gather(loop: RequestLoop, fs: VolumeFilesystem): MountStatistics {
  const { requests, bytesRead, bytesWritten } = loop.statistics;
  const counted = Object.entries(OPCODE).filter(([, opcode]) => requests[opcode] > 0);
  return {
    requests: Object.fromEntries(counted.map(([name, opcode]) => [name, requests[opcode]])),
    bytesRead,
    bytesWritten,
    ...fs.statistics(),
    heapBytes: Deno.memoryUsage().heapUsed,
  };
}

function describe(fault: unknown): ErrorMessage {
  if (fault instanceof AloeError) return { code: fault.code, message: fault.message };
  return { code: null, message: fault instanceof Error ? fault.message : String(fault) };
}
