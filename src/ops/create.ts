import { insertNode } from "../../templates/node.ts";
import { childByName } from "../../templates/resolve.ts";
import { now } from "../clock.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { checkData, checkSize, writeChunks } from "../content/write_content.ts";
import { AloeError } from "../errors.ts";
import type { MountRef } from "../mount_handle.ts";
import { checkNewName, joinPath, splitPath } from "../paths.ts";
import {
  mintIn,
  type Place,
  requireEntry,
  requireWritable,
  resolve,
  type Resolved,
  resolvePlace,
} from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { PlacementStore } from "../tree/placement_store.ts";
import type { NodeType } from "../types.ts";

/**
 * Creates a directory. An older sibling of its name becomes hidden.
 *
 * @returns The new node's id.
 * @throws {AloeError} `not_found`, `not_a_container`, `read_only`, `nameless`.
 */
export async function createContainer(
  db: Database,
  mount: MountRef,
  path: string,
): Promise<string> {
  return await db.write(async (tx) => {
    const place = await resolvePlace(tx, mount, path);
    return await placeNew(tx, place, "container");
  });
}

/** Options of {@linkcode mkdir}. */
export interface MkdirOptions {
  /** Whether to create missing parent directories. Default false. */
  parents?: boolean;
  /** Whether to accept an existing directory. Default false. */
  existOk?: boolean;
}

/**
 * Creates a directory; fails if the name exists.
 *
 * @returns The id of the new or existing directory.
 * @throws {AloeError} `container_exists` when the name exists; also like {@linkcode
 *   createContainer}.
 */
export async function mkdir(
  db: Database,
  mount: MountRef,
  path: string,
  options: MkdirOptions = {},
): Promise<string> {
  return await db.write(async (tx) => {
    const names = splitPath(path);
    if (names.length === 0) {
      const top = await resolve(tx, mount, "/");
      if (!options.existOk) throw exists("/", "container");
      return top.node;
    }
    let place = await resolvePlace(
      tx,
      mount,
      joinPath(options.parents ? [names[0]] : names),
    );
    for (let depth = options.parents ? 1 : names.length;; depth++) {
      const here = joinPath(names.slice(0, depth));
      const last = depth === names.length;
      const child = await tx.first(childByName, {
        parent: place.parent.node,
        name: place.name,
      });
      if (
        child !== undefined &&
        (child.type !== "container" || (last && !options.existOk))
      ) {
        if (last) throw exists(here, child.type);
        throw new AloeError(
          "not_a_container",
          `${path}: ${here} is not a directory`,
        );
      }
      const node = child?.node_id ?? await placeNew(tx, place, "container");
      if (last) return node;
      place = {
        parent: {
          ...place.parent,
          node,
          type: "container",
          name: place.name,
          label: here,
        },
        name: names[depth],
      };
    }
  });
}

/** Returns the reference's error code, which is the same for every type of existing node. */
function exists(path: string, type: string): AloeError {
  const what = type === "container" ? "the directory exists" : "exists and is not a directory";
  return new AloeError("container_exists", `${path}: ${what}`);
}

/**
 * Creates a file. An older sibling of its name becomes hidden.
 *
 * @param data The content. Default: empty.
 * @returns The new node's id.
 * @throws {AloeError} Like {@linkcode createContainer}; also `encryption_required`, `unsupported`.
 */
export async function createEntry(
  db: Database,
  mount: MountRef,
  path: string,
  data?: Uint8Array,
): Promise<string> {
  return await db.write(async (tx) => {
    const place = await resolvePlace(tx, mount, path);
    return await placeNew(tx, place, "entry", data);
  });
}

/**
 * Creates a symbolic link, a FIFO or a socket.
 *
 * @param data A link's target; empty for the others.
 * @returns The new node's id.
 * @throws {AloeError} Like {@linkcode createEntry}; also `invalid` for another type.
 */
export async function createSpecial(
  db: Database,
  mount: MountRef,
  path: string,
  type: Exclude<NodeType, "container" | "entry">,
  data?: Uint8Array,
): Promise<string> {
  if (!["symlink", "fifo", "socket"].includes(type)) {
    throw new AloeError(
      "invalid",
      `${type}: a special node is a symlink, a fifo or a socket`,
    );
  }
  return await db.write(async (tx) => {
    const place = await resolvePlace(tx, mount, path);
    return await placeNew(tx, place, type, data);
  });
}

/**
 * Adds a name to an entry: a hard link.
 *
 * @throws {AloeError} `not_an_entry` for a directory; `already_exists` when the new name exists;
 *   also like {@linkcode createContainer}.
 */
export async function link(
  db: Database,
  mount: MountRef,
  existing: string,
  path: string,
): Promise<void> {
  await db.write(async (tx) => {
    const node = await resolve(tx, mount, existing);
    requireEntry(node);
    const place = await resolvePlace(tx, mount, path);
    requireWritable(place.parent);
    await requireFree(tx, place, path);
    await placeNode(tx, place, node.node);
  });
}

/**
 * Creates and places a node.
 *
 * @param data The content of a node other than a container.
 * @returns The new node's id.
 */
export async function placeNew(
  tx: Transaction,
  place: Place,
  type: NodeType,
  data: Uint8Array = new Uint8Array(0),
): Promise<string> {
  const { parent, name } = place;
  requireWritable(parent);
  checkData(data);
  const node = mintIn(tx, parent);
  const createdAt = now();
  const entry: Resolved = {
    ...parent,
    node,
    type,
    name,
    label: name,
    version: 0,
    size: 0,
  };
  checkSize(data.length, entry);
  await tx.run(insertNode, {
    node,
    type,
    name,
    createdAt,
    modifiedAt: createdAt,
    volume: parent.volume,
  });
  if (type !== "container") {
    const version = data.length > 0 ? 1 : 0;
    await new ManifestStore(tx).create(node, version, data.length);
    if (data.length > 0) await writeChunks(tx, entry, version, data);
  }
  await placeNode(tx, place, node);
  return node;
}

/**
 * Places a node.
 *
 * @throws {AloeError} `invalid`, `nameless` for a name that a new node cannot have.
 */
export async function placeNode(
  tx: Transaction,
  place: Place,
  node: string,
): Promise<void> {
  checkNewName(place.name);
  const { parent, name } = place;
  const edge = mintIn(tx, parent);
  await new PlacementStore(tx).place(parent.volume, node, { edge, parent: parent.node, name });
}

/**
 * @throws {AloeError} `already_exists` when the name exists.
 */
export async function requireFree(
  tx: Transaction,
  place: Place,
  label: string,
): Promise<void> {
  const taken = await tx.first(childByName, {
    parent: place.parent.node,
    name: place.name,
  });
  if (taken !== undefined) {
    throw new AloeError("already_exists", `${label}: exists`);
  }
}
