/** How long work may go on before signals and timers get their turn, in ms. */
const BREATH = 40;

let last = performance.now();

/**
 * Lets the event loop turn now and then. The engine awaits nothing but itself,
 * and a loop over it would keep Ctrl-C and the mount's renewal waiting.
 */
export async function breathe(): Promise<void> {
  if (performance.now() - last < BREATH) return;
  await new Promise((resolve) => setTimeout(resolve, 0));
  last = performance.now();
}
