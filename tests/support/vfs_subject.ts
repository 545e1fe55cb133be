/**
 * Helpers for tests of the write-back layer: a filesystem on its own
 * connection, other connections that write to the file, and common assertions.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { AloeLite, type Mount } from "../../mod.ts";
import * as ops from "../../src/ops.ts";
import { ErrnoError } from "../../src/vfs/errno.ts";
import type { Invalidations, Time } from "../../src/vfs/filesystem.ts";
import { type Inode, S_IFREG } from "../../src/vfs/inode.ts";
import { VolumeFilesystem } from "../../src/vfs/volume_filesystem.ts";
import type { VolumeFilesystemOptions } from "../../src/vfs/volume_state.ts";
import { callerOf } from "./caller.ts";

export const CALLER = callerOf(1000, 1000);
export const CHUNK = 65536;

/** Longer than the interval of the check for external changes, ms. */
const WATCHED = 430;

let ticks = 0;
export const clock = (): Time => ({ sec: 1_700_000_000, nsec: ++ticks });
export const nothing: Invalidations = { inode() {}, entry() {}, grown() {} };

type Options = Partial<VolumeFilesystemOptions> & { pin?: string; busyTimeout?: number };

/** A filesystem on a connection of its own. */
export class Subject {
  private constructor(readonly fs: AloeLite, readonly vfs: VolumeFilesystem) {}

  static async open(path: string, { pin, busyTimeout, ...options }: Options = {}) {
    const fs = await AloeLite.open(path, { durability: "normal", busyTimeout });
    const handle = await ops.mount(fs.db, (await fs.volume()).id, { pin });
    const vfs = await VolumeFilesystem.open(fs.db, handle, {
      uid: 0,
      gid: 0,
      readOnly: false,
      clock,
      log() {},
      invalidate: nothing,
      ...options,
    });
    // External changes are accepted from here on.
    await vfs.tick();
    return new Subject(fs, vfs);
  }

  /** Ends the filesystem in order. */
  async close(): Promise<void> {
    await this.vfs.close();
    await this.fs.close();
  }

  /** Drops the state in memory. */
  async crash(): Promise<void> {
    await this.fs.close();
  }

  /**
   * Returns a file of the root with a kernel reference; creates it if it is
   * missing.
   */
  async file(name: string, data?: Uint8Array): Promise<Inode> {
    const { vfs } = this;
    const inode = await vfs.lookup(vfs.root, name) ??
      await vfs.mknod(vfs.root, name, S_IFREG | 0o644, 0, CALLER);
    vfs.remember(inode);
    if (data !== undefined) await vfs.write(inode, 0, data, true);
    return inode;
  }

  async directory(name: string): Promise<Inode> {
    const inode = await this.vfs.mkdir(this.vfs.root, name, 0o755, CALLER);
    this.vfs.remember(inode);
    return inode;
  }

  async read(inode: Inode): Promise<Uint8Array> {
    const bytes = new Uint8Array(inode.size + 10);
    return bytes.subarray(0, await this.vfs.read(inode, 0, bytes));
  }

  /** Checks for external changes. */
  async watch(): Promise<void> {
    await delay(WATCHED);
    await this.vfs.tick();
  }
}

export const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export const noise = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7 + (i >> 4)) & 255);

export const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);

/** Writes bytes over existing ones. */
export function over(bytes: Uint8Array, data: Uint8Array, offset = 0): Uint8Array {
  const result = new Uint8Array(Math.max(bytes.length, offset + data.length));
  result.set(bytes);
  result.set(data, offset);
  return result;
}

export async function withFile(
  task: (path: string) => Promise<void>,
  options: { pin?: string; encryption?: "random" } = {},
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-conflicts-" });
  try {
    const path = join(folder, "v.db");
    {
      await using fs = await AloeLite.open(path, { durability: "normal" });
      await fs.createVolume({ name: "main", chunkSize: CHUNK, ...options });
    }
    await task(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Another process: a connection and a mount of its own. */
export async function elsewhere(
  path: string,
  task: (mount: Mount) => Promise<unknown>,
): Promise<void> {
  await using fs = await AloeLite.open(path, { durability: "normal" });
  await using mount = await fs.mount();
  await task(mount);
}

/** Asserts that the file has no faults. */
export async function assertSound(path: string): Promise<void> {
  await using fs = await AloeLite.open(path, { durability: "normal" });
  await using mount = await fs.mount();
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
  assert.deepEqual(await fs.health(), []);
}

export function assertStale(vfs: VolumeFilesystem, nodeId: number): void {
  assert.throws(
    () => vfs.inode(nodeId),
    (error) => error instanceof ErrnoError && error.code === "ESTALE",
  );
}
