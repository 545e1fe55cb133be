import { type ComponentType, lazy, type LazyExoticComponent } from "react";

/** Delays before each retry of loading a part, ms. */
const TRIES = 20;
const PAUSE = 1500;

/** Parts that are not loaded yet. */
const later = new Set<() => void>();

/**
 * Creates a component that is loaded when it is first shown, or when the page
 * is idle. A loaded part works while the manager is unreachable.
 */
// deno-lint-ignore no-explicit-any -- as React has it
export function lazily<T extends ComponentType<any>>(
  load: () => Promise<{ default: T }>,
): LazyExoticComponent<T> {
  let coming: Promise<{ default: T }> | null = null;
  const patiently = async () => {
    for (let tries = 1;; tries++) {
      try {
        return await load();
      } catch (error) {
        if (tries === TRIES) throw error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    }
  };
  const once = () =>
    coming ??= patiently().catch((error) => {
      coming = null;
      throw error;
    });
  later.add(() => once().catch(() => {}));
  return lazy(once);
}

/** Loads all parts. */
export function loadAll(): void {
  for (const load of later) load();
}
