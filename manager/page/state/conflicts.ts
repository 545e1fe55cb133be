import { useSyncExternalStore } from "react";
import type { OnConflict } from "../api/types.ts";

/** What is to be done with something whose name is taken. */
export interface Answer {
  choice: Exclude<OnConflict, "fail">;
  /** Whether the same is meant for all that wait. */
  forAll: boolean;
}

/** Something whose name is taken. */
export interface Question {
  name: string;
  /** What is being done: “moved”, “uploaded”. */
  verb: string;
  /** Whether what is there gets a new version; else it goes to the trash. */
  asVersion?: boolean;
  /** How many others wait for the same question. */
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

/** Asks; questions come one after the other. */
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

/** The question that is to be answered now; null for none. */
export function useConflict(): Asked | null {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, () => asked[0] ?? null);
}
