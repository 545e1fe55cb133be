/**
 * The thread of a watchdog: after SIGTERM or SIGINT it asks the event loop of the process
 * again and again whether it is there.
 *
 * @module
 */

/** The global object, as a worker has it. */
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<number | null>) => void) | null;
  postMessage(question: null): void;
};

/** How often it asks, ms. */
const EVERY = 250;

let heard = 0;

// The first message says how long to wait, each later one is an answer.
scope.onmessage = ({ data: silence }) => {
  if (silence === null) {
    heard = performance.now();
    return;
  }
  let asking = false;
  const watch = (): void => {
    if (asking) return;
    asking = true;
    heard = performance.now();
    setInterval(() => {
      // What spins within a native call can be ended in no other way.
      if (performance.now() - heard > silence) Deno.kill(Deno.pid, "SIGKILL");
      scope.postMessage(null);
    }, EVERY);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, watch);
  scope.postMessage(null);
};
