/**
 * Tests of names, attributes and open files without a kernel: random system calls compared with a
 * tree of plain objects, with commits of both kinds, evictions, and crashes in between. After a
 * crash there is exactly the tree of the last commit. At the end the engine sees what the mount
 * showed, and the file contains nothing else.
 *
 * `ALOELITE_TEST_RUNS` multiplies the number of runs.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { AloeLite, type Mount } from "../../mod.ts";
import * as ops from "../../src/ops.ts";
import { ErrnoError, type ErrnoName } from "../../src/vfs/errno.ts";
import type { Invalidations, Time } from "../../src/vfs/filesystem.ts";
import {
  type Inode,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_ISGID,
} from "../../src/vfs/inode.ts";
import { VolumeFilesystem } from "../../src/vfs/volume_filesystem.ts";
import type { History } from "../../src/internal.ts";
import { callerOf } from "../support/caller.ts";
import { runs } from "../support/runs.ts";

const CALLER = callerOf(1000, 1000);
const NAMES = ["a", "b", "c", "d", "é", "\u{10feff}", " x"];
const XATTRS = ["user.one", "user.two", "security.three"];
const TYPES = [S_IFREG, S_IFREG, S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR];
const RDEV = 0x0103;

/** More children than idle inodes are kept, so that listing them evicts others. */
const CROWD = 9000;
const CROWD_NAME = "crowd";

let ticks = 0;
const clock = (): Time => ({ sec: 1_700_000_000, nsec: ++ticks });
const nothing: Invalidations = { inode() {}, entry() {}, grown() {} };
const bytes = (text: string) => new TextEncoder().encode(text);

/** An expected node. */
interface Node {
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  target: string;
  data: Uint8Array;
  xattrs: Map<string, string>;
  /** The children of a directory; null for other nodes. */
  children: Map<string, Node> | null;
  /** The parent of a named directory. */
  parent: Node | null;
  /** Created without a name, and never given one. */
  temporary: boolean;
  /** The times that the mount showed at the last commit. */
  times: number[] | null;
}

function makeNode(mode: number, parent: Node | null): Node {
  const directory = (mode & S_IFMT) === S_IFDIR;
  const inherits = parent !== null && (parent.mode & S_ISGID) !== 0;
  return {
    mode: directory && inherits ? mode | S_ISGID : mode,
    uid: CALLER.uid,
    gid: inherits ? parent.gid : CALLER.gid,
    nlink: directory ? 2 : 1,
    target: "",
    data: new Uint8Array(0),
    xattrs: new Map(),
    children: directory ? new Map() : null,
    parent: null,
    temporary: false,
    times: null,
  };
}

/** Returns what a crash leaves of a tree: all named nodes, with their links. */
function copyOf(root: Node): Node {
  const copies = new Map<Node, Node>();
  const copy = (node: Node, parent: Node | null): Node => {
    const known = copies.get(node);
    if (known !== undefined) return known;
    const made: Node = { ...node, xattrs: new Map(node.xattrs), temporary: false };
    copies.set(node, made);
    if (node.children !== null) {
      made.parent = parent;
      made.children = new Map();
      for (const [name, child] of node.children) made.children.set(name, copy(child, made));
    }
    return made;
  };
  return copy(root, null);
}

/** Throws an error of the model. */
function refuse(code: ErrnoName): never {
  throw new ErrnoError(code);
}

function isBelow(directory: Node, top: Node): boolean {
  for (let at: Node | null = directory; at !== null; at = at.parent) if (at === top) return true;
  return false;
}

/** The expected tree and its system calls. */
const model = {
  create(parent: Node, name: string, make: () => Node): Node {
    if (parent.children!.has(name)) refuse("EEXIST");
    if (parent.nlink === 0) refuse("ENOENT");
    const node = make();
    model.place(parent, name, node);
    return node;
  },
  place(parent: Node, name: string, node: Node): void {
    parent.children!.set(name, node);
    if (node.children === null) return;
    node.parent = parent;
    parent.nlink++;
  },
  displace(parent: Node, name: string): Node {
    const node = parent.children!.get(name)!;
    parent.children!.delete(name);
    if (node.children !== null) {
      parent.nlink--;
      node.parent = null;
    }
    return node;
  },
  link(node: Node, parent: Node, name: string): void {
    if (node.children !== null) refuse("EPERM");
    model.create(parent, name, () => node);
    node.nlink++;
    node.temporary = false;
  },
  unlink(parent: Node, name: string): void {
    const node = parent.children!.get(name) ?? refuse("ENOENT");
    if (node.children !== null) refuse("EISDIR");
    model.displace(parent, name).nlink--;
  },
  rmdir(parent: Node, name: string): void {
    const node = parent.children!.get(name) ?? refuse("ENOENT");
    if (node.children === null) refuse("ENOTDIR");
    if (node.children.size > 0) refuse("ENOTEMPTY");
    model.displace(parent, name).nlink = 0;
  },
  rename(parent: Node, name: string, newParent: Node, newName: string, flags: number): void {
    const from = parent.children!.get(name) ?? refuse("ENOENT");
    const to = newParent.children!.get(newName);
    if (newParent.nlink === 0) refuse("ENOENT");
    if (isBelow(newParent, from)) refuse("EINVAL");
    if (flags === 2) {
      if (to === undefined) refuse("ENOENT");
      if (isBelow(parent, to)) refuse("EINVAL");
      if (parent === newParent && name === newName) return;
      model.displace(parent, name);
      model.displace(newParent, newName);
      model.place(newParent, newName, from);
      model.place(parent, name, to);
      return;
    }
    if (to !== undefined) {
      if (flags === 1) refuse("EEXIST");
      if (to === from) return;
      if (to.children !== null && from.children === null) refuse("EISDIR");
      if (to.children === null && from.children !== null) refuse("ENOTDIR");
      if ((to.children?.size ?? 0) > 0) refuse("ENOTEMPTY");
      model.displace(newParent, newName);
      to.nlink = to.children === null ? to.nlink - 1 : 0;
    }
    model.displace(parent, name);
    model.place(newParent, newName, from);
  },
};

interface Setup {
  path: string;
  pin?: string;
  history: History;
  /** Whether the volume contains many other files. */
  crowded: boolean;
}

/** A mounted volume, its expected tree, and the kernel's references. */
class Subject {
  root: Node;
  /** The tree that a crash leaves. */
  committed: Node;
  readonly setup: Setup;
  #db!: ops.OpenDatabase;
  #handle!: ops.MountHandle;
  #vfs!: VolumeFilesystem;
  /** Open files and directories. */
  readonly #held = new Map<Node, Inode>();
  /** The kernel's references during a call. */
  #passing: Inode[] = [];

  constructor(setup: Setup) {
    this.setup = setup;
    this.root = makeNode(S_IFDIR | 0o755, null);
    this.root.uid = this.root.gid = 0;
    this.committed = copyOf(this.root);
  }

  async open(): Promise<void> {
    const { path, pin, history } = this.setup;
    this.#db = await ops.openDatabase(path, { create: false, durability: "normal" });
    const [volume] = await ops.listVolumes(this.#db);
    this.#handle = await ops.mount(this.#db, volume.id, { pin });
    this.#vfs = await VolumeFilesystem.open(this.#db, this.#handle, {
      history,
      uid: 0,
      gid: 0,
      readOnly: false,
      clock,
      log: (message) => assert.fail(message),
      invalidate: nothing,
    });
  }

  /** Writes everything back and closes the filesystem. */
  async close(): Promise<void> {
    await this.#vfs.close();
    await ops.unmount(this.#db, this.#handle);
    await this.#db.close();
    this.#held.clear();
  }

  async flush(durable: boolean): Promise<void> {
    if (durable) await this.#vfs.sync();
    else await this.#vfs.flush();
    await this.#note();
  }

  /** Discards the state in memory. */
  async crash(): Promise<void> {
    // The next mount is after the lease's expiry.
    await ops.unmount(this.#db, this.#handle);
    await this.#db.close();
    this.#held.clear();
    this.root = copyOf(this.committed);
    await this.open();
    await this.compare(true);
  }

  async remount(): Promise<void> {
    await this.#note();
    await this.close();
    this.root = copyOf(this.committed);
    await this.open();
    await this.compare(true);
  }

  /** Lists so many names that idle inodes are evicted. */
  async crowd(): Promise<void> {
    if (!this.setup.crowded) return;
    const vfs = this.#vfs;
    const directory = (await vfs.lookup(vfs.root, CROWD_NAME))!;
    vfs.remember(directory);
    assert.equal((await this.#names(directory, 3000)).length, CROWD);
    vfs.forget(directory.nodeId, 1);
  }

  /** Returns all reachable nodes in the order of a walk; open files without a name last. */
  nodes(): Node[] {
    const found = new Set<Node>();
    const walk = (node: Node) => {
      found.add(node);
      for (const child of node.children?.values() ?? []) walk(child);
    };
    walk(this.root);
    for (const node of this.#held.keys()) found.add(node);
    return [...found];
  }

  hold(node: Node, inode: Inode): void {
    if (this.#held.has(node)) return;
    this.#vfs.remember(inode);
    this.#held.set(node, inode);
  }

  isHeld(node: Node): boolean {
    return this.#held.has(node);
  }

  release(node: Node): void {
    const inode = this.#held.get(node);
    if (inode === undefined) return;
    this.#held.delete(node);
    this.#vfs.forget(inode.nodeId, 1);
  }

  /** Returns the inode of a node with a reference until the call ends. */
  async inode(node: Node): Promise<Inode> {
    const held = this.#held.get(node);
    if (held !== undefined) return held;
    if (node === this.root) return this.#vfs.root;
    const [parent, name] = this.#placeOf(node);
    const above = await this.inode(parent);
    const inode = await this.#vfs.lookup(above, name);
    assert(inode !== null, `${name}: is not found`);
    this.#vfs.remember(inode);
    this.#passing.push(inode);
    return inode;
  }

  #placeOf(node: Node): [Node, string] {
    for (const parent of this.nodes()) {
      for (const [name, child] of parent.children ?? []) if (child === node) return [parent, name];
    }
    assert.fail("cannot be reached");
  }

  /** Runs a call on both sides: both return the same error, or none. */
  async call<T>(
    expected: () => T,
    task: (vfs: VolumeFilesystem) => Promise<unknown>,
  ): Promise<T | null> {
    const outcome = async (run: () => unknown) => {
      try {
        return { value: await run(), code: "" };
      } catch (error) {
        if (!(error instanceof ErrnoError)) throw error;
        return { value: null, code: error.code };
      }
    };
    try {
      const real = await outcome(() => task(this.#vfs));
      const wanted = await outcome(expected);
      assert.equal(real.code, wanted.code, "is answered with");
      return wanted.value as T | null;
    } finally {
      for (const { nodeId } of this.#passing) this.#vfs.forget(nodeId, 1);
      this.#passing = [];
    }
  }

  /** Returns the names of a directory, read in pages. */
  async #names(
    directory: Inode,
    page: number,
    between: () => Promise<void> = async () => {},
  ): Promise<string[]> {
    const names: string[] = [];
    for (let high = 0, low = 0;;) {
      let taken = 0;
      await this.#vfs.readdir(directory, high, low, (entry) => {
        if (taken === page) return false;
        taken++;
        names.push(entry.name);
        high = entry.cookieHigh;
        low = entry.cookieLow;
        return true;
      });
      if (taken === 0) return names;
      await between();
    }
  }

  /** Lists a directory while names change: each stable name is listed once. */
  async list(node: Node, page: number, busy: boolean): Promise<void> {
    const steady = new Set(node.children!.keys());
    const ever = new Set(steady);
    let round = 0;
    await this.call(() => {}, async (vfs) => {
      const directory = await this.inode(node);
      const names = await this.#names(directory, page, async () => {
        round++;
        if (!busy || round > 6 || node.nlink === 0) return;
        for (const [name, child] of node.children!) {
          if (child.children !== null) continue;
          steady.delete(name);
          await vfs.unlink(directory, name);
          model.unlink(node, name);
          break;
        }
        const name = `new${round}`;
        if (node.children!.has(name)) return;
        ever.add(name);
        await vfs.mknod(directory, name, S_IFREG | 0o600, 0, CALLER);
        model.create(node, name, () => makeNode(S_IFREG | 0o600, node));
        if (round === 2) await this.flush(false);
      });
      const crowd = node === this.root && this.setup.crowded ? [CROWD_NAME] : [];
      const listed = new Set(names);
      for (const name of [...steady, ...crowd]) {
        const times = names.filter((each) => each === name).length;
        assert.equal(times, 1, `how often ${name} is listed`);
      }
      for (const name of listed) {
        assert(ever.has(name) || crowd.includes(name), `${name}: is listed`);
      }
    });
  }

  /** Records the tree that a crash would leave from now on. */
  async #note(): Promise<void> {
    await this.compare(false);
    this.committed = copyOf(this.root);
  }

  /**
   * Compares everything that can be reached.
   *
   * @param reopened Whether times must be those of the last commit.
   */
  async compare(reopened: boolean): Promise<void> {
    for (const node of this.nodes()) {
      const inode = await this.inode(node);
      await this.#compareNode(node, inode, reopened);
    }
    await this.call(() => {}, async () => {});
  }

  async #compareNode(node: Node, inode: Inode, reopened: boolean): Promise<void> {
    const vfs = this.#vfs;
    const more = node === this.root && this.setup.crowded ? 1 : 0;
    assert.equal(inode.mode, node.mode, "mode");
    assert.equal(inode.uid, node.uid, "owner");
    assert.equal(inode.gid, node.gid, "group");
    assert.equal(inode.nlink, node.nlink + more, "links");
    assert.equal(inode.rdev, (node.mode & S_IFMT) === S_IFCHR ? RDEV : 0, "device");
    const xattrs = new Map<string, string>();
    for (const name of await vfs.listxattr(inode)) {
      xattrs.set(name, Buffer.from(await vfs.getxattr(inode, name)).toString());
    }
    assert.deepEqual(xattrs, node.xattrs, "extended attributes");
    if (inode.isSymlink) {
      assert.equal(Buffer.from(await vfs.readlink(inode)).toString(), node.target);
    } else if (inode.isRegular) {
      const data = new Uint8Array(node.data.length + 5);
      const length = await vfs.read(inode, 0, data, true);
      assert(Buffer.compare(data.subarray(0, length), node.data) === 0, "content");
    } else if (inode.isDirectory) {
      const names = await this.#names(inode, 3);
      const wanted = [...node.children!.keys(), ...(more ? [CROWD_NAME] : [])];
      assert.deepEqual(names.sort(), wanted.sort(), "names");
      const above = vfs.parentOf(inode);
      if (node.parent !== null) assert.equal(above, await this.inode(node.parent), "above");
    }
    const times = [
      inode.atimeSec,
      inode.atimeNsec,
      inode.mtimeSec,
      inode.mtimeNsec,
      inode.ctimeSec,
      inode.ctimeNsec,
    ];
    if (reopened && node.times !== null) assert.deepEqual(times, node.times, "times");
    node.times = times;
  }
}

interface Call {
  do: string;
  a: number;
  b: number;
  name: number;
  newName: number;
  value: number;
}

const CALLS: [weight: number, name: string][] = [
  [8, "mknod"],
  [6, "mkdir"],
  [2, "symlink"],
  [4, "link"],
  [8, "unlink"],
  [4, "rmdir"],
  [12, "rename"],
  [3, "exchange"],
  [2, "keep"],
  [2, "tmpfile"],
  [3, "linkTemporary"],
  [3, "hold"],
  [4, "release"],
  [5, "write"],
  [2, "setattr"],
  [3, "xattr"],
  [2, "list"],
  [2, "listBusy"],
  [4, "flush"],
  [2, "sync"],
  [2, "crash"],
  [1, "remount"],
  [1, "crowd"],
];

const call: fc.Arbitrary<Call> = fc.record({
  do: fc.oneof(
    ...CALLS.map(([weight, name]) => ({ weight, arbitrary: fc.constant(name) })),
  ),
  a: fc.nat(1000),
  b: fc.nat(1000),
  name: fc.nat(NAMES.length - 1),
  newName: fc.nat(NAMES.length - 1),
  value: fc.nat(255),
});

async function run(subject: Subject, call: Call): Promise<void> {
  const nodes = subject.nodes();
  const directories = nodes.filter((node) => node.children !== null);
  const directory = directories[call.a % directories.length];
  const other = directories[call.b % directories.length];
  const node = nodes[call.a % nodes.length];
  // Prefer existing names, which random choice would rarely hit.
  const aimed = (from: Node, free: string) =>
    call.value % 4 === 0 || from.children!.size === 0
      ? free
      : [...from.children!.keys()][call.value % from.children!.size];
  const name = NAMES[call.name];
  const newName = NAMES[call.newName];
  const { value } = call;
  switch (call.do) {
    case "mknod": {
      const mode = TYPES[value % TYPES.length] | 0o640;
      await subject.call(
        () => model.create(directory, name, () => makeNode(mode, directory)),
        async (vfs) => await vfs.mknod(await subject.inode(directory), name, mode, RDEV, CALLER),
      );
      break;
    }
    case "mkdir":
      await subject.call(
        () => model.create(directory, name, () => makeNode(S_IFDIR | 0o750, directory)),
        async (vfs) => await vfs.mkdir(await subject.inode(directory), name, 0o750, CALLER),
      );
      break;
    case "symlink":
      await subject.call(
        () =>
          model.create(directory, name, () => {
            const made = makeNode(S_IFLNK | 0o777, directory);
            made.target = `to ${value}`;
            return made;
          }),
        async (vfs) => {
          const target = bytes(`to ${value}`);
          await vfs.symlink(await subject.inode(directory), name, target, CALLER);
        },
      );
      break;
    case "link":
      if (node.nlink === 0) break;
      await subject.call(
        () => model.link(node, other, name),
        async (vfs) => await vfs.link(await subject.inode(node), await subject.inode(other), name),
      );
      break;
    case "linkTemporary": {
      const made = nodes.findLast((each) => each.temporary);
      if (made === undefined) break;
      await subject.call(
        () => model.link(made, other, name),
        async (vfs) => await vfs.link(await subject.inode(made), await subject.inode(other), name),
      );
      break;
    }
    case "unlink":
    case "rmdir": {
      const which = call.do;
      const victim = aimed(directory, name);
      const child = directory.children!.get(victim);
      await subject.call(
        () => model[which](directory, victim),
        async (vfs) => {
          const above = await subject.inode(directory);
          // The kernel usually has looked up a node before it removes it, and releases it later.
          if (child !== undefined && value % 3 > 0) await subject.inode(child);
          await vfs[which](above, victim);
        },
      );
      break;
    }
    case "rename":
    case "exchange":
    case "keep": {
      const flags = call.do === "exchange" ? 2 : call.do === "keep" ? 1 : 0;
      const from = aimed(directory, name);
      const to = call.b % 3 > 0 ? newName : aimed(other, newName);
      await subject.call(
        () => model.rename(directory, from, other, to, flags),
        async (vfs) => {
          const above = await subject.inode(directory);
          await vfs.rename(above, from, await subject.inode(other), to, flags);
        },
      );
      break;
    }
    case "tmpfile":
      await subject.call(() => {}, async (vfs) => {
        const inode = await vfs.tmpfile(await subject.inode(directory), 0o600, CALLER);
        const made = makeNode(S_IFREG | 0o600, directory);
        made.nlink = 0;
        made.temporary = true;
        subject.hold(made, inode);
      });
      break;
    case "hold":
      if (node === subject.root || subject.isHeld(node)) break;
      await subject.call(() => {}, async () => subject.hold(node, await subject.inode(node)));
      break;
    case "release":
      subject.release(nodes.filter((each) => subject.isHeld(each))[0] ?? node);
      break;
    case "write": {
      if ((node.mode & S_IFMT) !== S_IFREG) break;
      const offset = call.b % 7 === 0 ? call.b * 41 : call.b % 100;
      const data = bytes(`written ${value}`);
      await subject.call(() => {
        const size = Math.max(node.data.length, offset + data.length);
        const next = new Uint8Array(size);
        next.set(node.data);
        next.set(data, offset);
        node.data = next;
      }, async (vfs) => await vfs.write(await subject.inode(node), offset, data, true));
      break;
    }
    case "setattr": {
      if (node === subject.root) break;
      const mode = node.children !== null && value % 2 > 0 ? 0o2770 : value & 0o777;
      const uid = value % 5;
      await subject.call(
        () => {
          node.mode = (node.mode & S_IFMT) | mode;
          node.uid = uid;
        },
        async (vfs) => {
          const mtime = { sec: 1 - value, nsec: value };
          await vfs.setattr(await subject.inode(node), { mode, uid, mtime }, CALLER);
        },
      );
      break;
    }
    case "xattr": {
      const attribute = XATTRS[call.b % XATTRS.length];
      if (value % 3 === 0) {
        await subject.call(
          () => void (node.xattrs.delete(attribute) || refuse("ENODATA")),
          async (vfs) => await vfs.removexattr(await subject.inode(node), attribute),
        );
      } else {
        await subject.call(
          () => void node.xattrs.set(attribute, `${value}`),
          async (vfs) =>
            await vfs.setxattr(await subject.inode(node), attribute, bytes(`${value}`), 0),
        );
      }
      break;
    }
    case "list":
    case "listBusy":
      await subject.list(directory, 1 + value % 4, call.do === "listBusy");
      break;
    case "flush":
    case "sync":
      await subject.flush(call.do === "sync");
      break;
    case "crash":
      await subject.crash();
      break;
    case "remount":
      await subject.remount();
      break;
    case "crowd":
      await subject.crowd();
  }
}

/** Compares with the engine's view, and checks that the file contains nothing else. */
async function compareFile(setup: Setup, root: Node): Promise<void> {
  await using fs = await AloeLite.open(setup.path);
  await using mount = await fs.mount(undefined, { pin: setup.pin });
  const seen = new Set<Node>();
  await compareDirectory(mount, "/", root, setup, seen);
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
  assert.deepEqual(await fs.health(), []);
  if (setup.history !== "none") return;
  assert.deepEqual(await mount.trash(), []);
  const database = new DatabaseSync(setup.path, { readOnly: true });
  const count = (sql: string) => database.prepare(`SELECT count(*) AS n FROM ${sql}`).get()!.n;
  const crowd = setup.crowded ? CROWD + 1 : 0;
  assert.equal(count("node"), seen.size + crowd, "nodes in the file");
  assert.equal(count("aloe_redo"), 0, "log");
  assert.equal(count("aloe_size"), 0, "sizes");
  assert.equal(count("aloe_unlinked"), 0, "without a name");
  assert.equal(
    count("content_chunk WHERE chunk_hash NOT IN (SELECT chunk_hash FROM content_version)"),
    0,
    "chunks that nothing refers to",
  );
  database.close();
}

async function compareDirectory(
  mount: Mount,
  path: string,
  directory: Node,
  setup: Setup,
  seen: Set<Node>,
): Promise<void> {
  seen.add(directory);
  const entries = await mount.list(path);
  const crowd = path === "/" && setup.crowded ? [CROWD_NAME] : [];
  assert.deepEqual(
    entries.map((entry) => entry.name).sort(),
    [...directory.children!.keys(), ...crowd].sort(),
    path,
  );
  for (const [name, node] of directory.children!) {
    const child = `${path === "/" ? "" : path}/${name}`;
    const info = await mount.stat(child);
    assert.equal(info.mode, node.mode & 0o7777, child);
    assert.equal(info.uid, node.uid, child);
    const xattrs = new Map<string, string>();
    for (const each of await mount.listXattrs(child)) {
      xattrs.set(each, Buffer.from((await mount.getXattr(child, each))!).toString());
    }
    assert.deepEqual(xattrs, node.xattrs, child);
    if (node.children !== null) {
      assert.equal(info.type, "container", child);
      await compareDirectory(mount, child, node, setup, seen);
      continue;
    }
    seen.add(node);
    if ((node.mode & S_IFMT) === S_IFLNK) {
      assert.equal(await mount.readLink(child), node.target, child);
    } else if ((node.mode & S_IFMT) === S_IFREG) {
      assert(Buffer.compare(await mount.readAll(child), node.data) === 0, `${child}: content`);
    }
  }
}

/** Creates the initial volume of the runs once. */
async function makeTemplate(
  path: string,
  options: { chunkSize: number; pin?: string; encryption?: "convergent" | "random" },
  crowded: boolean,
): Promise<void> {
  await using fs = await AloeLite.open(path, { durability: "normal" });
  const volume = await fs.createVolume({ name: "main", ...options });
  const handle = await ops.mount(fs.db, volume.id, { pin: options.pin });
  const vfs = await VolumeFilesystem.open(fs.db, handle, {
    uid: 0,
    gid: 0,
    readOnly: false,
    clock,
    log() {},
    invalidate: nothing,
  });
  if (crowded) {
    const directory = await vfs.mkdir(vfs.root, CROWD_NAME, 0o755, CALLER);
    vfs.remember(directory);
    for (let i = 0; i < CROWD; i++) {
      await vfs.mknod(directory, `${i}`, S_IFIFO | 0o600, 0, CALLER);
    }
  }
  await vfs.close();
  await ops.unmount(fs.db, handle);
}

for (
  const [name, options, history, count] of [
    ["without a history", { chunkSize: 4096 }, "none", 60],
    ["with a history", { chunkSize: 4096 }, "all", 40],
    ["with two versions, encrypted", { chunkSize: 20_000, pin: "1", encryption: "random" }, 2, 4],
    ["with memory running out", { chunkSize: 65_536 }, "none", 4],
  ] as [string, { chunkSize: number; pin?: string }, History, number][]
) {
  Deno.test(`names with write-back and crashes: ${name}`, async () => {
    const crowded = name.includes("memory");
    const folder = await Deno.makeTempDir({ prefix: "aloelite-names-" });
    try {
      const template = join(folder, "template.db");
      await makeTemplate(template, options, crowded);
      let made = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(call, { minLength: 1, maxLength: 80, size: "max" }),
          async (calls) => {
            const path = join(folder, `${made++}.db`);
            await Deno.copyFile(template, path);
            const setup: Setup = { path, pin: options.pin, history, crowded };
            const subject = new Subject(setup);
            await subject.open();
            for (const each of calls) await run(subject, each);
            await subject.compare(false);
            await subject.close();
            await compareFile(setup, subject.root);
            await Deno.remove(path);
          },
        ),
        { numRuns: runs(count) },
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
