import { type ComponentType, lazy, type LazyExoticComponent } from "react";

/** Delays before each retry of loading a part, ms. */
const MAX_ATTEMPTS = 20;
const RETRY_DELAY_MS = 1500;

/** Parts that are not loaded yet. */
const pendingParts = new Set<() => void>();

/**
 * Creates a component that is loaded when it is first shown, or when the page
 * is idle. A loaded part works while the manager is unreachable.
 */
// deno-lint-ignore no-explicit-any -- as React has it
export function lazily<T extends ComponentType<any>>(
  load: () => Promise<{ default: T }>,
): LazyExoticComponent<T> {
  let coming: Promise<{ default: T }> | null = null;
  const loadWithRetries = async () => {
    for (let tries = 1;; tries++) {
      try {
        return await load();
      } catch (error) {
        if (tries === MAX_ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
      }
    }
  };
  const once = () =>
    coming ??= loadWithRetries().catch((error) => {
      coming = null;
      throw error;
    });
  pendingParts.add(() => once().catch(() => {}));
  return lazy(once);
}

/** Loads all parts. */
export function loadAll(): void {
  for (const load of pendingParts) load();
}
