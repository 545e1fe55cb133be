import { ancestors, doubledNames, listChildren } from "../../templates/edge.ts";
import { childrenAfter, childrenThen } from "../../templates/listing.ts";
import { childByName } from "../../templates/resolve.ts";
import { AloeError } from "../errors.ts";
import type { MountRef } from "../mount_handle.ts";
import { joinPath } from "../paths.ts";
import { requireContainer, resolveId, resolveTarget, type Target } from "../tree/resolve.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { DirEntry, NodeType } from "../types.ts";
import { beginPage, endPage, type ListPage } from "./listing_page.ts";

export type { ListPage } from "./listing_page.ts";

/**
 * Returns the children of a container in the order of placement, including hidden ones.
 *
 * @param page A part of the listing. Default: all.
 * @throws {AloeError} `not_found`, `not_a_container`, `mount_invalid`.
 */
export async function list(
  db: Database,
  mount: MountRef,
  path = "/",
  page?: ListPage,
): Promise<DirEntry[]> {
  return await db.read((tx) => listTarget(tx, db, mount, { path }, page));
}

/** Like {@linkcode list}, by node id. */
export async function listById(
  db: Database,
  mount: MountRef,
  node: string,
  page?: ListPage,
): Promise<DirEntry[]> {
  return await db.read((tx) => listTarget(tx, db, mount, { node }, page));
}

async function listTarget(
  tx: Transaction,
  db: Database,
  mount: MountRef,
  target: Target,
  page?: ListPage,
): Promise<DirEntry[]> {
  const container = await resolveTarget(tx, mount, target);
  requireContainer(container);
  const parent = container.node;
  if (page !== undefined) {
    const { after, until, changed } = await beginPage(tx, db, parent, page);
    const template = changed ? childrenThen : childrenAfter;
    const rows = await tx.all(template, { parent, after, until, limit: page.limit });
    const last = rows.at(-1);
    if (last !== undefined) endPage(db, parent, last.edge_id, { after: last.place, until });
    return rows.map((row) => dirEntry(row, !row.hidden));
  }
  // Duplicate names are rare, and an index finds them: faster than a map of all names.
  const doubled = await tx.all(doubledNames, { parent });
  const rows = await tx.all(listChildren, { parent });
  if (doubled.length === 0) return rows.map((row) => dirEntry(row, true));
  const visible = new Map(doubled.map((each) => [each.name, each.visible]));
  return rows.map((row) => dirEntry(row, (visible.get(row.name) ?? row.to_id) === row.to_id));
}

function dirEntry(
  row: { edge_id: string; to_id: string; name: string; type: string },
  visible: boolean,
): DirEntry {
  return {
    node: row.to_id,
    name: row.name,
    type: row.type as NodeType,
    visible,
    edge: row.edge_id,
  };
}

/**
 * Returns whether a container has a child of a name.
 *
 * @param node The container's id.
 * @throws {AloeError} `not_found`, `mount_invalid`.
 */
export async function hasName(
  db: Database,
  mount: MountRef,
  node: string,
  name: string,
): Promise<boolean> {
  return await db.read(async (tx) => {
    const { node: parent } = await resolveId(tx, mount, node);
    return await tx.first(childByName, { parent, name }) !== undefined;
  });
}

/**
 * Returns the path of a node from the mount point, by its newest placement.
 *
 * @throws {AloeError} `not_found` when it is not placed below the mount point.
 */
export async function pathOf(
  db: Database,
  mount: MountRef,
  node: string,
): Promise<string> {
  return await db.read(async (tx) => {
    const found = await resolveId(tx, mount, node);
    const path = await pathBelow(tx, found.node, found.mountPoint);
    if (path === null) {
      throw new AloeError(
        "not_found",
        `${node}: is not placed below the mount point`,
      );
    }
    return path;
  });
}

/** Returns the path from a node up to an ancestor; null when it is not an ancestor. */
export async function pathBelow(
  tx: Transaction,
  node: string,
  top: string,
): Promise<string | null> {
  const steps = await tx.all(ancestors, { node });
  const end = steps.findIndex((step) => step.node_id === top);
  if (end === -1) return null;
  return joinPath(steps.slice(1, end + 1).map((step) => step.name!).reverse());
}
