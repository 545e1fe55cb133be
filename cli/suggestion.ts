import { distance } from "fastest-levenshtein";
import type { Misspelling } from "./args.ts";

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
