import type { Misspelling } from "./args.ts";

/** Returns the edit distance of two words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(
        row[j] + 1,
        next[j - 1] + 1,
        row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    }
    row = next;
  }
  return row[b.length];
}

/** Returns a suggestion to append to a message; empty when no known word is similar. */
export function suggestion({ word, known }: Misspelling): string {
  const most = Math.min(3, Math.ceil(word.length / 2));
  let best = "";
  let least = most + 1;
  for (const candidate of known) {
    const d = distance(word, candidate);
    if (d < least) [best, least] = [candidate, d];
  }
  return best === "" ? "" : `; did you mean ${best}?`;
}
