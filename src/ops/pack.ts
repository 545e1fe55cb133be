import { insertNode, insertWholeNode, listXattrs, setXattr } from "../../templates/node.ts";
import { now } from "../clock.ts";
import { ContentWriter } from "../content/content_writer.ts";
import { readRange } from "../content/read_range.ts";
import { writeChunks } from "../content/write_content.ts";
import { ManifestStore } from "../content/manifest_store.ts";
import { AloeError } from "../errors.ts";
import type { MountRef } from "../mount_handle.ts";
import { checkNewName } from "../paths.ts";
import {
  mintIn,
  type Place,
  requireChangeable,
  requireContainer,
  requireEntry,
  type Resolved,
  resolveId,
  type Target,
} from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import { PlacementStore } from "../tree/placement_store.ts";
import type { NodeType } from "../types.ts";
import { metadataText } from "./attributes.ts";
import { equalNamesById } from "../tree/tree_order.ts";
import { placeNode } from "./create.ts";
import { parseMetadata } from "./stat.ts";
import { archiveBelow, resolvePlaced } from "./placement.ts";
import { readSubtree } from "./subtree.ts";

/**
 * Replaces a directory with one packed file of the same name. The directory goes to the trash.
 *
 * @returns The file's node id.
 * @throws {AloeError} `not_found`, `not_a_container`, `lock_held`, `read_only`,
 *   `encryption_required`; `unsupported` when it contains a file of 4 GiB or more; `invalid` when
 *   it contains a name that a new node cannot have.
 */
export function pack(
  db: Database,
  mount: MountRef,
  path: string,
): Promise<string> {
  return packTarget(db, mount, { path });
}

/** Like {@linkcode pack}, by node id. */
export function packById(
  db: Database,
  mount: MountRef,
  node: string,
): Promise<string> {
  return packTarget(db, mount, { node });
}

/** Load the format on demand: its MsgPack library takes longer to load than most commands take. */
const loadFormat = () => import("../pack_format.ts");

async function packTarget(
  db: Database,
  mount: MountRef,
  target: Target,
): Promise<string> {
  const { MAX_ENTRY, packHeader, packNode } = await loadFormat();
  return await db.write(async (tx) => {
    const { node: top, edge, parent, name } = await resolvePlaced(
      tx,
      mount,
      target,
    );
    requireContainer(top);
    requireChangeable(top);
    const place: Place = { parent: await resolveId(tx, mount, parent), name };
    // Unpacking mints ids in this order, so the visible one of several equal names comes last.
    const rows = equalNamesById(await readSubtree(tx, top));
    await archiveBelow(tx, top, { edge, parent });
    const entry = await newEntry(tx, place);
    const writer = new ContentWriter(tx, entry, 1);
    await writer.write(packHeader(rows.length));
    const indexes = new Map<string, number>();
    for (const [index, row] of rows.entries()) {
      // Refuse names that could not be unpacked again.
      if (row.parent_id !== null) checkNewName(row.edge_name!);
      // A hard link is packed once for each placement, because the format has no links.
      if (row.type === "container") indexes.set(row.node_id, index);
      const size = row.type === "container" ? null : Number(row.size ?? 0);
      if (row.device !== null) {
        throw new AloeError("unsupported", `${row.name}: a pack cannot contain a device`);
      }
      if (size !== null && size > MAX_ENTRY) {
        throw new AloeError(
          "unsupported",
          `${row.name}: ${size} bytes do not fit into a pack`,
        );
      }
      const head = packNode({
        parent: row.parent_id === null ? -1 : indexes.get(row.parent_id)!,
        type: row.type as NodeType,
        name: row.parent_id === null ? name : row.edge_name!,
        createdAt: row.created_at,
        modifiedAt: row.modified_at ?? row.created_at,
        uid: numberOrNull(row.uid),
        gid: numberOrNull(row.gid),
        mode: numberOrNull(row.mode),
        metadata: parseMetadata(row.metadata, row.name),
        xattrs: await xattrsOf(tx, row.node_id),
        retention: numberOrNull(row.retention_keep),
      }, size);
      await writer.write(head);
      if (size === null) continue;
      const source = { ...top, node: row.node_id, size, label: row.name };
      for (let at = 0; at < size; at += top.chunkSize) {
        await writer.write(await readRange(tx, source, at, top.chunkSize));
      }
    }
    await writer.finish();
    await placeNode(tx, place, entry.node);
    return entry.node;
  });
}

async function xattrsOf(
  tx: Transaction,
  node: string,
): Promise<Record<string, Uint8Array>> {
  const rows = await tx.all(listXattrs, { node });
  return Object.fromEntries(rows.map((row) => [row.name, row.value]));
}

function numberOrNull(value: number | bigint | null): number | null {
  return value === null ? null : Number(value);
}

/** Returns a new entry without a placement. */
async function newEntry(
  tx: Transaction,
  { parent, name }: Place,
): Promise<Resolved> {
  const node = mintIn(tx, parent);
  const createdAt = now();
  await tx.run(insertNode, {
    node,
    type: "entry",
    name,
    createdAt,
    modifiedAt: createdAt,
    volume: parent.volume,
  });
  await new ManifestStore(tx).create(node);
  return {
    ...parent,
    node,
    type: "entry",
    name,
    label: name,
    version: 0,
    size: 0,
  };
}

/**
 * Replaces a packed file with its directory, under the same name. The file goes to the trash.
 *
 * @throws {AloeError} `corrupt` when the file is not a pack; `unsupported` for a newer version;
 *   `not_found`, `not_an_entry`, `lock_held`, `read_only`.
 */
export function unpack(
  db: Database,
  mount: MountRef,
  path: string,
): Promise<void> {
  return unpackTarget(db, mount, { path });
}

/** Like {@linkcode unpack}, by node id. */
export function unpackById(
  db: Database,
  mount: MountRef,
  node: string,
): Promise<void> {
  return unpackTarget(db, mount, { node });
}

async function unpackTarget(
  db: Database,
  mount: MountRef,
  target: Target,
): Promise<void> {
  const { unpackNodes } = await loadFormat();
  await db.write(async (tx) => {
    const { node: packed, edge, parent, name } = await resolvePlaced(
      tx,
      mount,
      target,
    );
    requireEntry(packed);
    requireChangeable(packed);
    const place: Place = { parent: await resolveId(tx, mount, parent), name };
    const nodes: { node: string; type: NodeType }[] = [];
    for await (const each of unpackNodes(reader(tx, packed))) {
      const under = each.parent === -1 ? null : nodes[each.parent];
      if (under !== null && under.type !== "container") {
        throw new AloeError(
          "corrupt",
          `${packed.label}: ${each.name} is packed into a file`,
        );
      }
      const node = mintIn(tx, place.parent);
      const at: Place = under === null
        ? place
        : { parent: { ...place.parent, node: under.node }, name: each.name };
      await tx.run(insertWholeNode, {
        node,
        type: each.type,
        name: at.name,
        createdAt: each.createdAt,
        modifiedAt: each.modifiedAt,
        volume: place.parent.volume,
        metadata: metadataText(each.metadata),
        uid: each.uid,
        gid: each.gid,
        mode: each.mode,
        atime: null,
      });
      for (const [key, value] of Object.entries(each.xattrs)) {
        await tx.run(setXattr, { node, name: key, value });
      }
      if (each.data !== null) {
        const version = each.data.length > 0 ? 1 : 0;
        const size = each.data.length;
        await new ManifestStore(tx).create(node, version, size, each.retention);
        await writeChunks(tx, { ...packed, node }, version, each.data);
      }
      // Remove the file once its first node shows that it is a pack.
      if (under === null) await new PlacementStore(tx).end({ edge, parent });
      await placeNode(tx, at, node);
      nodes.push({ node, type: each.type });
    }
    if (nodes.length === 0) {
      throw new AloeError("corrupt", `${packed.label}: an empty pack`);
    }
  });
}

function reader(tx: Transaction, packed: Resolved): () => Promise<Uint8Array> {
  let at = 0;
  return async () => {
    const bytes = await readRange(tx, packed, at, packed.chunkSize);
    at += bytes.length;
    return bytes;
  };
}
