import { childByName } from "../../templates/resolve.ts";
import type { Transaction } from "../storage/transaction.ts";

/**
 * How a name conflict is handled: refuse; skip the new node; replace the existing node; rename the
 * new node.
 */
export type OnConflict = "fail" | "skip" | "replace" | "rename";

/** The result of giving a node a name. */
export type Outcome = "created" | "replaced" | "renamed" | "skipped";

/** The maximum length of a name that every front end can show, in bytes. */
const LONGEST = 255;
const encoder = new TextEncoder();

/** Returns the first name of `a (2).txt`, `a (3).txt`, … that is free in a directory. */
export async function freeName(tx: Transaction, parent: string, name: string): Promise<string> {
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  for (let count = 2;; count++) {
    const next = numbered(stem, ` (${count})${ending}`);
    if (await tx.first(childByName, { parent, name: next }) === undefined) return next;
  }
}

/** Returns a name with a number; shortens a long stem. */
function numbered(stem: string, rest: string): string {
  const letters = [...stem];
  const size = (text: string) => encoder.encode(text).length;
  if (size(stem) <= LONGEST) {
    while (letters.length > 1 && size(letters.join("") + rest) > LONGEST) letters.pop();
  }
  return letters.join("") + rest;
}
