/**
 * The tests' vocabulary of operations: the same step, as plain data, for this
 * library and for the reference's driver.
 *
 * @module
 */

import type { AloeLite, Mount } from "../../mod.ts";

/** One operation; `data` and `parts` are hex text, times decimal nanoseconds. */
export type Op =
  | { op: "createEntry"; path: string; data?: string }
  | { op: "createContainer"; path: string }
  | { op: "mkdir"; path: string; parents: boolean; existOk: boolean }
  | { op: "writeAll"; path: string; data: string }
  | { op: "append"; path: string; data: string }
  | { op: "writeRange"; path: string; offset: number; data: string }
  | { op: "truncate"; path: string; size: number }
  | { op: "put"; path: string; data: string; append: boolean }
  | {
    op: "stream";
    path: string;
    mode: "truncate" | "append";
    parts: string[];
    abort: boolean;
  }
  | { op: "rename"; path: string; name: string }
  | { op: "move" | "copy" | "link"; from: string; to: string }
  | { op: "remove" | "removeRecursive" | "pack" | "unpack"; path: string }
  | { op: "setMetadata"; path: string; metadata: Record<string, string> }
  | { op: "setRetention"; path: string; keep: number | null }
  | {
    op: "createSpecial";
    path: string;
    type: "symlink" | "fifo" | "socket";
    data: string;
  }
  | { op: "setXattr"; path: string; name: string; data: string }
  | { op: "removeXattr"; path: string; name: string }
  | { op: "setOwner"; path: string; uid?: number; gid?: number; mode?: number }
  | { op: "setMtime" | "setAtime"; path: string; time: string }
  | { op: "pruneContent" };

/** Hex text of bytes. */
export const hex = (bytes: Uint8Array): string => bytes.toHex();

/** Bytes of hex text. */
export const unhex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.fromHex(text);

/** Bytes of a text's UTF-8. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/**
 * Applies an operation through this library.
 *
 * @returns What the reference returns for it: a size, a boolean, or nothing. Ids are left out.
 */
export async function applyOurs(
  file: AloeLite,
  mount: Mount,
  op: Op,
): Promise<unknown> {
  switch (op.op) {
    case "pruneContent": {
      // Of versions the reference counts the manifest rows, we the versions.
      const { chunks } = await file.pruneContent();
      return { chunks };
    }
    case "createEntry":
      await mount.createEntry(
        op.path,
        op.data === undefined ? undefined : unhex(op.data),
      );
      return null;
    case "createContainer":
      await mount.createContainer(op.path);
      return null;
    case "mkdir":
      await mount.mkdir(op.path, { parents: op.parents, existOk: op.existOk });
      return null;
    case "writeAll":
      await mount.writeAll(op.path, unhex(op.data));
      return null;
    case "append":
      return await mount.append(op.path, unhex(op.data));
    case "writeRange":
      return await mount.writeRange(op.path, op.offset, unhex(op.data));
    case "truncate":
      await mount.truncate(op.path, op.size);
      return null;
    case "put":
      await mount.put(op.path, unhex(op.data), { append: op.append });
      return null;
    case "stream": {
      const fd = await mount.openWrite(op.path, op.mode);
      for (const part of op.parts) await fd.write(unhex(part));
      await (op.abort ? fd.abort() : fd.close());
      return null;
    }
    case "rename":
      await mount.rename(op.path, op.name);
      return null;
    case "move":
      await mount.move(op.from, op.to);
      return null;
    case "copy":
      await mount.copy(op.from, op.to);
      return null;
    case "link":
      await mount.link(op.from, op.to);
      return null;
    case "remove":
      await mount.remove(op.path);
      return null;
    case "removeRecursive":
      await mount.removeRecursive(op.path);
      return null;
    case "pack":
      await mount.pack(op.path);
      return null;
    case "unpack":
      await mount.unpack(op.path);
      return null;
    case "setMetadata":
      await mount.setMetadata(op.path, op.metadata);
      return null;
    case "setRetention":
      await mount.setRetention(op.path, op.keep);
      return null;
    case "createSpecial":
      await mount.createSpecial(op.path, op.type, unhex(op.data));
      return null;
    case "setXattr":
      await mount.setXattr(op.path, op.name, unhex(op.data));
      return null;
    case "removeXattr":
      await mount.removeXattr(op.path, op.name);
      return null;
    case "setOwner":
      if (op.uid !== undefined || op.gid !== undefined) {
        await mount.setOwner(op.path, { uid: op.uid, gid: op.gid });
      }
      if (op.mode !== undefined) await mount.setMode(op.path, op.mode);
      return null;
    case "setMtime":
      await mount.setMtime(op.path, BigInt(op.time));
      return null;
    case "setAtime":
      await mount.setAtime(op.path, BigInt(op.time));
      return null;
  }
}

/** What an API shows of one node; the driver's `snapshot` has the same fields. */
export interface Row {
  /** The path it was listed at. */
  path: string;
  /** Its node id. */
  id: string;
  /** Its placement's id; null for the mount point. */
  edge: string | null;
  /** What it is. */
  type: string;
  /** Whether a lookup by path finds it. */
  visible: boolean;
  /** Bytes of content. */
  size: number | null;
  /** The committed version. */
  version: number | null;
  /** Its annotations. */
  metadata: Record<string, string>;
  /** When it was created, ns, as text. */
  created: string;
  /** When its content or name last changed, ns, as text. */
  modified: string;
  /** Access time, ns, as text. */
  atime: string | null;
  /** Inode change time, ns, as text. */
  ctime: string | null;
  /** Permission bits. */
  mode: number | null;
  /** Owner. */
  uid: number | null;
  /** Group. */
  gid: number | null;
  /** Active placements. */
  nlink: number;
  /** Extended attributes, values in hex; null for what is hidden. */
  xattrs: Record<string, string> | null;
  /** Content in hex; null for containers and for what is hidden. */
  data: string | null;
}

/** All that this library shows of a mount, in listing order, top-down. */
export async function snapshotOurs(mount: Mount): Promise<Row[]> {
  const rows = [await row(mount, "/", null, null, true)];
  const pending = ["/"];
  for (let here = pending.shift(); here !== undefined; here = pending.shift()) {
    for (const child of await mount.list(here)) {
      const path = `${here === "/" ? "" : here}/${child.name}`;
      const found = await row(
        mount,
        path,
        child.node,
        child.edge,
        child.visible,
      );
      if (found.id !== child.node || found.type !== child.type) {
        throw new Error(`list and stat disagree on ${path}`);
      }
      if (child.visible && child.type === "container") pending.push(path);
      rows.push(found);
    }
  }
  return rows;
}

async function row(
  mount: Mount,
  path: string,
  id: string | null,
  edge: string | null,
  visible: boolean,
): Promise<Row> {
  const info = id !== null && !visible ? await mount.statById(id) : await mount.stat(path);
  let xattrs: Record<string, string> | null = null;
  let data: string | null = null;
  if (visible) {
    xattrs = {};
    for (const name of (await mount.listXattrs(path)).toSorted()) {
      const value = await mount.getXattr(path, name);
      xattrs[name] = value === null ? "(none)" : hex(value);
    }
    if (info.type !== "container") data = hex(await mount.readAll(path));
  }
  return {
    path,
    id: info.id,
    edge,
    type: info.type,
    visible,
    size: info.size,
    version: info.version,
    metadata: { ...info.metadata },
    created: String(info.createdAt),
    modified: String(info.modifiedAt),
    atime: String(info.atime),
    ctime: String(info.ctime),
    mode: info.mode,
    uid: info.uid,
    gid: info.gid,
    nlink: info.nlink,
    xattrs,
    data,
  };
}

/** Fails when this library finds fault with a file or a mounted volume. */
export async function assertSoundOurs(
  file: AloeLite,
  mount: Mount,
): Promise<void> {
  const anomalies = await file.health();
  if (anomalies.length > 0) {
    throw new Error(`health: ${JSON.stringify(anomalies)}`);
  }
  const { problems } = await mount.verify({ deep: true });
  if (problems.length > 0) {
    throw new Error(`verify: ${JSON.stringify(problems)}`);
  }
}
