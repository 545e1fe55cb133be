import { useSyncExternalStore } from "react";
import type { OnConflict } from "../api/types.ts";

/** An answer for an item whose name is taken. */
export interface Answer {
  choice: Exclude<OnConflict, "fail">;
  /** Whether the answer applies to all waiting questions too. */
  forAll: boolean;
}

/** An item whose name is taken. */
export interface Question {
  name: string;
  /** The operation in the past tense: “moved”, “uploaded”. */
  verb: string;
  /**
   * Whether replacing creates a new version; otherwise the existing item moves
   * to the trash.
   */
  asVersion?: boolean;
  /** How many further items wait for the same question. */
  more: number;
}

interface Asked extends Question {
  number: number;
  answer: (answer: Answer) => void;
}

let asked: readonly Asked[] = [];
let nextNumber = 1;
const listeners = new Set<() => void>();

function set(next: readonly Asked[]): void {
  asked = next;
  for (const listener of listeners) listener();
}

/** Asks a question. Questions are shown one at a time. */
export function askConflict(question: Question): Promise<Answer> {
  return new Promise((resolve) => {
    const number = nextNumber++;
    const answer = (answer: Answer) => {
      set(asked.filter((one) => one.number !== number));
      resolve(answer);
    };
    set([...asked, { ...question, number, answer }]);
  });
}

/** The current question; null if there is none. */
export function useConflict(): Asked | null {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, () => asked[0] ?? null);
}
