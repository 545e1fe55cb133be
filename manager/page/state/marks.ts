import { useState } from "react";

/**
 * The fields of a row that marks need: the key of its placement, and its node.
 */
export interface Markable {
  key: string;
  id: string;
}

/** The selected rows, and the active row of the keyboard. */
export interface Marks {
  selection: ReadonlySet<string>;
  active: string | null;
}

const NOTHING: ReadonlySet<string> = new Set();
const NO_MARKS: Marks = { selection: NOTHING, active: null };

/**
 * Returns the marks after rows have changed: marks stay on existing rows, and
 * follow a node to another placement, as after a rename. If the active row is
 * gone, the next row becomes active.
 */
export function follow(
  before: readonly Markable[],
  after: readonly Markable[],
  { selection, active }: Marks,
): Marks {
  const there = new Set(after.map((row) => row.key));
  const known = new Map(before.map((row) => [row.key, row.id]));
  const fresh = new Map<string, string>();
  for (const row of after) if (!known.has(row.key)) fresh.set(row.id, row.key);
  const now = (key: string): string | undefined =>
    there.has(key) ? key : fresh.get(known.get(key) ?? "");

  const kept = [...selection].map(now).filter((key) => key !== undefined);
  const same = kept.length === selection.size && kept.every((key) => selection.has(key));
  let place = active === null ? null : now(active) ?? null;
  if (active !== null && place === null) {
    const at = before.findIndex((row) => row.key === active);
    const following = before.slice(at + 1).find((row) => now(row.key) !== undefined);
    const preceding = before.slice(0, Math.max(at, 0)).findLast((row) =>
      now(row.key) !== undefined
    );
    const next = following ?? preceding;
    place = at < 0 || next === undefined ? null : now(next.key)!;
  }
  return same && place === active
    ? { selection, active }
    : { selection: same ? selection : new Set(kept), active: place };
}

export interface MarksOfRows extends Marks {
  select: (selection: ReadonlySet<string>) => void;
  activate: (key: string | null) => void;
}

/**
 * Holds the marks of the shown rows. Another place starts with new marks.
 *
 * @param place Identifies the list of rows.
 */
export function useMarks(place: string, rows: readonly Markable[]): MarksOfRows {
  const [state, setState] = useState({ place, rows, marks: NO_MARKS });
  let { marks } = state;
  if (state.place !== place || state.rows !== rows) {
    // Update during rendering, so that marks of missing rows are never visible.
    marks = state.place === place ? follow(state.rows, rows, marks) : NO_MARKS;
    setState({ place, rows, marks });
  }
  const change = (to: Partial<Marks>) =>
    setState((now: typeof state) => ({ ...now, marks: { ...now.marks, ...to } }));
  return {
    ...marks,
    select: (selection) => change({ selection }),
    activate: (active) => change({ active }),
  };
}
