/**
 * Mounts a filesystem in memory. It runs in a worker, because the loop blocks its thread.
 *
 * @module
 */

import { RequestLoop } from "../../fuse/loop.ts";
import { Notifier } from "../../fuse/notify.ts";
import { OPCODE } from "../../fuse/protocol.ts";
import { Session } from "../../fuse/session.ts";
import { MemoryFilesystem } from "./memory_filesystem.ts";

/** A command for the worker. */
type Order =
  | { id: number; do: "mount"; mountpoint: string }
  | { id: number; do: "report" }
  /** Changes a file without the kernel; `tell` notifies the kernel afterwards. */
  | { id: number; do: "write"; name: string; text: string; tell: boolean }
  | { id: number; do: "remove"; name: string; tell: boolean };

type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;

/** Counters of a mount. */
export interface Report {
  requests: Record<string, number>;
  log: string[];
  syncs: number;
  /** The number of inodes that the kernel refers to. */
  known: number;
}

/** A mount of a filesystem in memory. */
export class MemoryMount {
  readonly #worker: Worker;
  readonly #answers = new Map<number, PromiseWithResolvers<Report>>();
  #ids = 0;
  /** Resolves when the loop has ended. */
  readonly ended: Promise<void>;

  private constructor() {
    this.#worker = new Worker(import.meta.url, { type: "module" });
    const ended = Promise.withResolvers<void>();
    this.ended = ended.promise;
    this.#worker.onmessage = ({ data }) => {
      if (data === "ended") {
        this.#worker.terminate();
        ended.resolve();
      } else if (data.error !== undefined) {
        this.#answers.get(data.id)!.reject(new Error(data.error));
      } else {
        this.#answers.get(data.id)!.resolve(data.report);
      }
    };
  }

  static async mount(mountpoint: string): Promise<MemoryMount> {
    const mount = new MemoryMount();
    await mount.order({ do: "mount", mountpoint });
    return mount;
  }

  order(order: WithoutId<Order>): Promise<Report> {
    const answer = Promise.withResolvers<Report>();
    const id = ++this.#ids;
    this.#answers.set(id, answer);
    this.#worker.postMessage({ id, ...order });
    return answer.promise;
  }

  report(): Promise<Report> {
    return this.order({ do: "report" });
  }
}

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<Order>) => void;
  postMessage(message: unknown): void;
};

function serve(): void {
  const fs = new MemoryFilesystem();
  const log: string[] = [];
  let loop: RequestLoop;
  let notifier: Notifier;

  async function obey(order: Order): Promise<void> {
    if (order.do === "mount") {
      const session = new Session(order.mountpoint, ["default_permissions", "fsname=memory"]);
      notifier = new Notifier(session.fd);
      loop = new RequestLoop(session.fd, fs, notifier, (line) => log.push(line));
      loop.run().catch((error) => log.push(String(error))).then(() => {
        session.close();
        scope.postMessage("ended");
      });
      await loop.initialized;
    } else if (order.do === "write") {
      const inode = fs.lookup(fs.root, order.name)!;
      const before = inode.size;
      fs.write(inode, 0, new TextEncoder().encode(order.text), true);
      if (!order.tell) return;
      notifier.inode(inode, 0);
      if (inode.size > before) notifier.grown(inode, inode.size);
    } else if (order.do === "remove") {
      fs.unlink(fs.root, order.name);
      if (order.tell) notifier.entry(fs.root, order.name);
    }
  }

  scope.onmessage = async ({ data }) => {
    try {
      await obey(data);
      const { requests } = loop.statistics;
      const report: Report = {
        requests: Object.fromEntries(
          Object.entries(OPCODE).map(([name, code]) => [name, requests[code]]),
        ),
        log: [...log],
        syncs: fs.syncs,
        known: fs.known,
      };
      scope.postMessage({ id: data.id, report });
    } catch (error) {
      scope.postMessage({ id: data.id, error: String(error) });
    }
  };
}

if ("WorkerGlobalScope" in globalThis) serve();
