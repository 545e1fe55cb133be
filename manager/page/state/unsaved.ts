import { useSyncExternalStore } from "react";

/** Unsaved work that navigation would lose. */
export interface Unsaved {
  name: string;
  /**
   * Saves, and returns whether it succeeded; a failure was reported already.
   */
  save: () => Promise<boolean>;
  /** Called when the work is discarded. */
  discard: () => void;
}

/** A navigation that waits for the user's decision. */
export interface Leaving {
  name: string;
  stay: () => void;
  discard: () => void;
  save: () => Promise<void>;
}

let work: Unsaved | null = null;
let leaving: Leaving | null = null;
const listeners = new Set<() => void>();

/** Registers the current unsaved work; null for none. */
export function setUnsaved(now: Unsaved | null): void {
  work = now;
}

export function hasUnsaved(): boolean {
  return work !== null;
}

/** Navigates: at once, or after the unsaved work is saved or discarded. */
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
      // If the user stays meanwhile, do not navigate afterwards.
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
