/** How long work may run before the event loop gets a turn, in ms. */
const TURN_MS = 15;

/** When work last gave the event loop a turn. */
let since = performance.now();

/**
 * Lets the event loop run when work has taken some time. Await it between two steps of work that
 * awaits nothing else: resolved promises yield to each other, but not to timers, signals and
 * requests.
 *
 * @returns Undefined when no turn is due.
 */
export function yieldToEventLoop(): Promise<void> | void {
  if (performance.now() - since < TURN_MS) return;
  return turn();
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  since = performance.now();
}
