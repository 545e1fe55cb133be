import { isBelowItself } from "../../templates/edge.ts";
import { anomalies, impossibleCells, unreachable } from "../../templates/maintenance.ts";
import { AloeError } from "../errors.ts";
import { type Damage, findDamage } from "../storage/capabilities.ts";
import type { Database } from "../storage/database.ts";
import type { Transaction } from "../storage/transaction.ts";
import type { Anomaly } from "../types.ts";

/** The kind of fault that prevents all other checks: the pages of a table are damaged. */
export const DAMAGED_PAGES = "damaged_pages";

/** The kind of fault of an index that does not agree with its table. */
export const DAMAGED_INDEX = "damaged_index";

/** The kind of fault of pages that are lost, or that are free and in use. */
export const DAMAGED_FREE_PAGES = "damaged_free_pages";

/**
 * Checks the structure of the file. Reports tables with damaged pages; then nothing else is
 * checked, and `id` is the table. Otherwise reports indexes that do not match their tables (`id`
 * is the index), volumes without a root, edges between volumes or from a file, invalid names,
 * containers placed twice, and cycles.
 *
 * @returns One row for each fault; none when the file is healthy.
 */
export async function healthCheck(db: Database): Promise<Anomaly[]> {
  const damage = await findDamage(db);
  const pages = damage.filter(({ kind }) => kind === "pages");
  // Reading damaged pages may not end.
  if (pages.length > 0) return pages.map(asAnomaly);
  const found: Anomaly[] = [];
  try {
    await db.read((tx) => findInRows(tx, found));
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    // An index refers to a missing row, which is reported as the damage of that index.
    if (damage.length === 0) found.push({ kind: "unreadable_rows", id: "" });
  }
  // A value that is reported with its row needs no second report.
  const others = damage.map(asAnomaly)
    .filter(({ kind }) => !found.some((each) => each.kind === kind));
  return [...others, ...found];
}

/** Adds the faults that rows show which can be read. */
async function findInRows(tx: Transaction, found: Anomaly[]): Promise<void> {
  found.push(...await tx.all(anomalies, {}));
  for (const { kind, id } of [...found]) {
    if (kind !== "container_with_two_placements" && kind !== "root_with_placement") continue;
    if (await tx.first(isBelowItself, { node: id })) found.push({ kind: "cycle", id });
  }
  for (const { cell, id } of await tx.all(impossibleCells, { volume: null })) {
    found.push({ kind: `impossible_${cell.replace(".", "_")}`, id: id ?? "" });
  }
  found.push(...cycles(await tx.all(unreachable, {})));
}

/** Whether something failed with what is in the file. */
export function isCorrupt(error: unknown): boolean {
  return error instanceof AloeError && error.code === "corrupt";
}

function asAnomaly({ kind, id }: Damage): Anomaly {
  switch (kind) {
    case "pages":
      return { kind: DAMAGED_PAGES, id };
    case "free_pages":
      return { kind: DAMAGED_FREE_PAGES, id };
    case "index":
      return { kind: DAMAGED_INDEX, id };
    default:
      return { kind: `impossible_${id.replace(".", "_")}`, id: "" };
  }
}

/**
 * Returns the containers that are unreachable from any root and are their own ancestor. Other
 * unreachable containers are below a removed node, which is normal.
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
