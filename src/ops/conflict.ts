import { childByName } from "../../templates/resolve.ts";
import type { Transaction } from "../storage/transaction.ts";

/**
 * What is done where a name is taken: it is refused; what comes is left out;
 * what is there is replaced; what comes gets another name.
 */
export type OnConflict = "fail" | "skip" | "replace" | "rename";

/** What became of something that was to have a name. */
export type Outcome = "created" | "replaced" | "renamed" | "skipped";

/** Bytes of a name that every front of a volume can show. */
const LONGEST = 255;
const encoder = new TextEncoder();

/** The first of `a (2).txt`, `a (3).txt`, … that is free in a directory. */
export async function freeName(tx: Transaction, parent: string, name: string): Promise<string> {
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  for (let count = 2;; count++) {
    const next = numbered(stem, ` (${count})${ending}`);
    if (await tx.first(childByName, { parent, name: next }) === undefined) return next;
  }
}

/** A name that goes on with a number; the stem of a long one is cut. */
function numbered(stem: string, rest: string): string {
  const letters = [...stem];
  const size = (text: string) => encoder.encode(text).length;
  if (size(stem) <= LONGEST) {
    while (letters.length > 1 && size(letters.join("") + rest) > LONGEST) letters.pop();
  }
  return letters.join("") + rest;
}
