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

/** `struct iovec`, twice as long as one. */
const IOVEC_SIZE = 16;

/**
 * Tells the kernel that what it keeps is no longer true.
 *
 * Such a message waits for locks of pages and directories that may be held by
 * whoever waits for an answer of ours. So it is written on another thread,
 * while requests are answered here; one at a time, in order.
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

  /** Whether a message is on its way: the event loop is needed to send the next one. */
  get busy(): boolean {
    return this.#pending > 0;
  }

  /** Attributes, and cached content from an offset on (bytes; -1: attributes alone). */
  inode(inode: Inode, offset: number): void {
    for (const nodeId of numbersOf(inode)) this.#inode(nodeId, offset);
  }

  /**
   * Makes the kernel hand over what was written to a file, and drop its cache
   * of it.
   *
   * @returns Settled when it has.
   */
  flush(inode: Inode): Promise<void> {
    return this.#inode(inode.nodeId, 0);
  }

  /**
   * Attributes, at once: known to the kernel when this returns. Only for an
   * inode that an unanswered request holds; any other may be on its way out,
   * and wait for an answer of this thread.
   */
  attributes(nodeId: number): void {
    const bytes = new Uint8Array(inodeMessage(nodeId, -1).buffer);
    const vector = new BigUint64Array([address(bytes), BigInt(bytes.length)]);
    libc().writev(this.#fd, new Uint8Array(vector.buffer, 0, IOVEC_SIZE), 1);
    keep(bytes, vector);
  }

  /** A name in a directory. */
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

  /** The content has grown to this size, bytes. */
  grown(inode: Inode, size: number): void {
    for (const nodeId of numbersOf(inode)) this.#grown(nodeId, size);
  }

  #grown(nodeId: number, size: number): void {
    if (nodeId === 0) return;
    // The kernel trusts its own size while it writes back; but it takes note of
    // content that is stored behind it. What is stored goes at once.
    const view = message(NOTIFY.STORE, NOTIFY_STORE_OUT.SIZE + 1);
    const at = OUT_HEADER.SIZE;
    put64(view, at + NOTIFY_STORE_OUT.nodeid, nodeId);
    put64(view, at + NOTIFY_STORE_OUT.offset, size - 1);
    view.setUint32(at + NOTIFY_STORE_OUT.size, 1, true);
    this.#send(view);
    this.#inode(nodeId, 0);
  }

  /** Drops what is not sent yet. @returns Settled when nothing is being sent. */
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
      // It fails when the kernel keeps nothing of the kind: all is well then.
      await libc().writevAside(this.#fd, iovec, 1);
      // Until here they must not be collected.
      keep(bytes, iovec);
    }).finally(() => this.#pending--);
    return this.#last;
  }
}

/** Every handle that the kernel has of an inode. */
function numbersOf(inode: Inode): number[] {
  return inode.aliases === null ? [inode.nodeId] : [inode.nodeId, ...inode.aliases.keys()];
}

function message(code: number, size: number): DataView<ArrayBuffer> {
  // Small arrays live where the collector moves them: these must not move.
  const view = new DataView(new ArrayBuffer(OUT_HEADER.SIZE + size));
  view.setUint32(OUT_HEADER.len, view.byteLength, true);
  view.setInt32(OUT_HEADER.error, code, true);
  return view;
}

/** Attributes, and content from an offset on; -1: attributes alone. */
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
