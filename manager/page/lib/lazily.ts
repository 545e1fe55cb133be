import { type ComponentType, lazy, type LazyExoticComponent } from "react";

/** How often a part that did not come is asked for again, and how long before each time, ms. */
const TRIES = 20;
const PAUSE = 1500;

/** Parts that are not there yet. */
const later = new Set<() => void>();

/**
 * A component that is loaded when it is first shown, or when the page has
 * nothing else to do: what is there already needs no manager.
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

/** Loads all of them. */
export function loadAll(): void {
  for (const load of later) load();
}
