import type { Invalidations } from "../src/vfs/filesystem.ts";
import type { Inode } from "../src/vfs/inode.ts";
import { encodeName } from "../src/names.ts";
import { address, libc } from "./libfuse.ts";
import {
  NOTIFY,
  NOTIFY_INVAL_ENTRY_OUT,
  NOTIFY_INVAL_INODE_OUT,
  NOTIFY_STORE_OUT,
  OUT_HEADER,
} from "./protocol.ts";

/** The size of a `struct iovec`, in bytes. */
const IOVEC_SIZE = 16;

/**
 * Invalidates the kernel's caches.
 *
 * A notification waits for locks of pages and directories, whose holders may be waiting for a reply
 * of this thread. So notifications are written on another thread, one at a time and in order, while
 * this one answers requests.
 */
export class Notifier implements Invalidations {
  readonly #fd: number;
  #last: Promise<void> = Promise.resolve();
  #stopped = false;
  #pending = 0;

  /** @param fd The mount's descriptor of `/dev/fuse`. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Whether a notification is being sent; the event loop has to run to send the next one. */
  get busy(): boolean {
    return this.#pending > 0;
  }

  /**
   * Invalidates attributes, and cached content from an offset on (in bytes; -1 for attributes
   * only).
   */
  inode(inode: Inode, offset: number): void {
    for (const nodeId of numbersOf(inode)) this.#inode(nodeId, offset);
  }

  /**
   * Makes the kernel flush a file's cached writes and drop its cache of the file.
   *
   * @returns Resolves when the kernel has done so.
   */
  flush(inode: Inode): Promise<void> {
    return this.#inode(inode.nodeId, 0);
  }

  /**
   * Invalidates attributes synchronously. Only for an inode that an unanswered request holds:
   * another inode may be in eviction, which waits for a reply of this thread.
   */
  attributes(nodeId: number): void {
    const bytes = new Uint8Array(inodeMessage(nodeId, -1).buffer);
    const vector = new BigUint64Array([address(bytes), BigInt(bytes.length)]);
    libc().writev(this.#fd, new Uint8Array(vector.buffer, 0, IOVEC_SIZE), 1);
    keep(bytes, vector);
  }

  /** Invalidates a name in a directory. */
  entry(parent: Inode, name: string): void {
    if (parent.nodeId === 0) return;
    const bytes = encodeName(name);
    const at = OUT_HEADER.SIZE;
    const view = message(NOTIFY.INVAL_ENTRY, NOTIFY_INVAL_ENTRY_OUT.SIZE + bytes.length + 1);
    put64(view, at + NOTIFY_INVAL_ENTRY_OUT.parent, parent.nodeId);
    view.setUint32(at + NOTIFY_INVAL_ENTRY_OUT.namelen, bytes.length, true);
    new Uint8Array(view.buffer).set(bytes, at + NOTIFY_INVAL_ENTRY_OUT.SIZE);
    this.#send(view);
  }

  /** Reports that the content has grown to this size, in bytes. */
  grown(inode: Inode, size: number): void {
    for (const nodeId of numbersOf(inode)) this.#grown(nodeId, size);
  }

  #grown(nodeId: number, size: number): void {
    if (nodeId === 0) return;
    // During write-back the kernel trusts its own size, but stored content beyond it extends it.
    // The stored content is dropped immediately.
    const view = message(NOTIFY.STORE, NOTIFY_STORE_OUT.SIZE + 1);
    const at = OUT_HEADER.SIZE;
    put64(view, at + NOTIFY_STORE_OUT.nodeid, nodeId);
    put64(view, at + NOTIFY_STORE_OUT.offset, size - 1);
    view.setUint32(at + NOTIFY_STORE_OUT.size, 1, true);
    this.#send(view);
    this.#inode(nodeId, 0);
  }

  /** Drops unsent notifications. @returns Resolves when nothing is being sent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#last;
  }

  #inode(nodeId: number, offset: number): Promise<void> {
    if (nodeId === 0) return Promise.resolve();
    return this.#send(inodeMessage(nodeId, offset));
  }

  #send(view: DataView<ArrayBuffer>): Promise<void> {
    this.#pending++;
    this.#last = this.#last.then(async () => {
      if (this.#stopped) return;
      const bytes = new Uint8Array(view.buffer);
      const vector = new BigUint64Array([address(bytes), BigInt(bytes.length)]);
      const iovec = new Uint8Array(vector.buffer, 0, IOVEC_SIZE);
      // It fails when the kernel caches nothing of the inode, which is fine.
      await libc().writevAside(this.#fd, iovec, 1);
      // Keep the buffers from being collected until here.
      keep(bytes, iovec);
    }).finally(() => this.#pending--);
    return this.#last;
  }
}

/** Returns all node ids that the kernel holds for an inode. */
function numbersOf(inode: Inode): number[] {
  return inode.aliases === null ? [inode.nodeId] : [inode.nodeId, ...inode.aliases.keys()];
}

function message(code: number, size: number): DataView<ArrayBuffer> {
  // The garbage collector moves small typed arrays; this buffer must not move.
  const view = new DataView(new ArrayBuffer(OUT_HEADER.SIZE + size));
  view.setUint32(OUT_HEADER.len, view.byteLength, true);
  view.setInt32(OUT_HEADER.error, code, true);
  return view;
}

/**
 * Returns an invalidation of attributes, and of content from an offset on; -1 for attributes only.
 */
function inodeMessage(nodeId: number, offset: number): DataView<ArrayBuffer> {
  const at = OUT_HEADER.SIZE;
  const view = message(NOTIFY.INVAL_INODE, NOTIFY_INVAL_INODE_OUT.SIZE);
  put64(view, at + NOTIFY_INVAL_INODE_OUT.ino, nodeId);
  put64(view, at + NOTIFY_INVAL_INODE_OUT.off, offset);
  return view;
}

function put64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setInt32(at + 4, Math.floor(value / 2 ** 32), true);
}

function keep(..._values: unknown[]): void {}
