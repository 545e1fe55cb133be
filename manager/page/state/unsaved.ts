import { useSyncExternalStore } from "react";

/** Work that would be lost by going elsewhere. */
export interface Unsaved {
  name: string;
  /** Says whether it is saved now; why not, it has told already. */
  save: () => Promise<boolean>;
  /** Told that it is given up. */
  discard: () => void;
}

/** What waits for the answer of whoever would lose work. */
export interface Leaving {
  name: string;
  stay: () => void;
  discard: () => void;
  save: () => Promise<void>;
}

let work: Unsaved | null = null;
let leaving: Leaving | null = null;
const listeners = new Set<() => void>();

/** Says what is not saved at present; null for nothing. */
export function setUnsaved(now: Unsaved | null): void {
  work = now;
}

export function hasUnsaved(): boolean {
  return work !== null;
}

/** Goes elsewhere: at once, or when the work here is saved or given up. */
export function leave(go: () => void): void {
  if (work === null) return go();
  const { name, save, discard } = work;
  const end = (then?: () => void) => {
    ask(null);
    then?.();
  };
  const question: Leaving = {
    name,
    stay: () => end(),
    discard: () => {
      discard();
      work = null;
      end(go);
    },
    save: async () => {
      const saved = await save();
      // Who does not wait for it, and stays, is not sent away afterwards.
      if (leaving !== question) return;
      if (saved) work = null;
      end(saved ? go : undefined);
    },
  };
  ask(question);
}

function ask(now: Leaving | null): void {
  leaving = now;
  for (const listener of listeners) listener();
}

export function useLeaving(): Leaving | null {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, () => leaving);
}
