/** How long work goes on before the event loop gets its turn, ms. */
const TURN_MS = 15;

/** When the event loop last had a turn that work gave it. */
let since = performance.now();

/**
 * Lets the event loop turn when work has gone on for some time: to be awaited
 * between two steps of work that waits for nothing else. Promises that are
 * resolved already give way to each other, not to timers, signals and requests.
 *
 * @returns Nothing to be awaited when it is too early.
 */
export function yieldToEventLoop(): Promise<void> | void {
  if (performance.now() - since < TURN_MS) return;
  return turn();
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  since = performance.now();
}
