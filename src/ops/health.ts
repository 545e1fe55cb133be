import { isBelowItself } from "../../templates/edge.ts";
import { anomalies, impossibleCells, unreachable } from "../../templates/maintenance.ts";
import type { Database } from "../storage/database.ts";
import type { Anomaly } from "../types.ts";

/** The kind of fault that ends all other checks: the pages of a table are no tree. */
export const DAMAGED_PAGES = "damaged_pages";

/**
 * Looks for faults in the shape of the file: tables whose pages are damaged (then for nothing
 * else; `id` is the table), volumes without a root, edges
 * between volumes or from a file, names that the format does not allow,
 * containers placed twice, cycles.
 *
 * @returns One row a fault; none when all is well.
 */
export async function healthCheck(db: Database): Promise<Anomaly[]> {
  return await db.read(async (tx) => {
    // What has no end is not read.
    const damaged = await tx.capabilities.damagedTables?.(tx) ?? [];
    if (damaged.length > 0) return damaged.map((id) => ({ kind: DAMAGED_PAGES, id }));
    const found = await tx.all(anomalies, {});
    for (const { kind, id } of [...found]) {
      if (kind !== "container_with_two_placements" && kind !== "root_with_placement") continue;
      if (await tx.first(isBelowItself, { node: id })) found.push({ kind: "cycle", id });
    }
    for (const { cell, id } of await tx.all(impossibleCells, { volume: null })) {
      found.push({ kind: `impossible_${cell.replace(".", "_")}`, id: id ?? "" });
    }
    return [...found, ...cycles(await tx.all(unreachable, {}))];
  });
}

/**
 * Of the containers that no root reaches, those that are their own ancestor.
 * Others hang below something that was removed, which is no fault.
 */
function cycles(rows: { id: string; from_id: string }[]): Anomaly[] {
  const parent = new Map(rows.map((row) => [row.id, row.from_id]));
  const done = new Set<string>();
  const inCycle: string[] = [];
  for (const start of parent.keys()) {
    const path: string[] = [];
    const on = new Set<string>();
    let node: string | undefined = start;
    while (node !== undefined && !done.has(node) && !on.has(node)) {
      on.add(node);
      path.push(node);
      node = parent.get(node);
    }
    if (node !== undefined && on.has(node)) {
      inCycle.push(...path.slice(path.indexOf(node)));
    }
    path.forEach((each) => done.add(each));
  }
  return inCycle.map((id) => ({ kind: "cycle", id }));
}
