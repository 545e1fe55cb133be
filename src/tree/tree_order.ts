/** What ordering a tree takes of its rows. */
export interface TreeRow {
  /** The node. */
  node_id: string;
  /** The container that it is placed in; null for the top. */
  parent_id: string | null;
  /** The name that it has there; null for the top. */
  edge_name: string | null;
}

/**
 * Puts siblings of one name in the order of their ids, all others where they
 * are. Copies whose ids are minted in this order show the same one of them.
 */
export function equalNamesById<Row extends TreeRow>(rows: readonly Row[]): Row[] {
  const places = new Map<string, number[]>();
  rows.forEach((row, index) => {
    const key = JSON.stringify([row.parent_id, row.edge_name]);
    const group = places.get(key);
    if (group === undefined) places.set(key, [index]);
    else group.push(index);
  });
  const ordered = [...rows];
  for (const group of places.values()) {
    if (group.length === 1) continue;
    const sorted = group.map((index) => rows[index])
      .sort((a, b) => a.node_id < b.node_id ? -1 : 1);
    group.forEach((index, i) => ordered[index] = sorted[i]);
  }
  return ordered;
}
