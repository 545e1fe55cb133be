import type { EntryFacts } from "../api/types.ts";
import type { SortKey } from "../state/route.ts";
import { kindOf } from "./kinds.ts";

/** Compares numbers in names by value: `2.txt` before `10.txt`. */
const COLLATOR = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

const byName = (a: EntryFacts, b: EntryFacts) =>
  COLLATOR.compare(a.name, b.name) || (a.name < b.name ? -1 : 1);

const ORDERS: Record<SortKey, (a: EntryFacts, b: EntryFacts) => number> = {
  name: byName,
  size: (a, b) => a.size - b.size || byName(a, b),
  modified_at: (a, b) =>
    a.modified_at < b.modified_at ? -1 : a.modified_at > b.modified_at ? 1 : byName(a, b),
  type: (a, b) => {
    const kinds = COLLATOR.compare(kindOf(a.name, a.type), kindOf(b.name, b.type));
    return kinds || byName(a, b);
  },
};

/** Sorts entries; folders come first in every order. */
export function sortEntries<T extends EntryFacts>(
  entries: readonly T[],
  key: SortKey,
  descending: boolean,
): T[] {
  const folders = entries.filter((entry) => entry.type === "directory");
  const others = entries.filter((entry) => entry.type !== "directory");
  const order = ORDERS[key];
  const directed = descending ? (a: EntryFacts, b: EntryFacts) => order(b, a) : order;
  return [...folders.sort(directed), ...others.sort(directed)];
}

export function matching<T extends EntryFacts>(entries: readonly T[], query: string): readonly T[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return entries;
  return entries.filter((entry) => {
    const name = entry.name.toLowerCase();
    return words.every((word) => name.includes(word));
  });
}
