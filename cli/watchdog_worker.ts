/**
 * The thread of a watchdog: after SIGTERM or SIGINT it pings the event loop of the process.
 *
 * @module
 */

/** The worker's global object. */
const scope = self as unknown as {
  onmessage: ((event: MessageEvent<number | null>) => void) | null;
  postMessage(question: null): void;
};

/** The interval between pings, in ms. */
const EVERY = 250;

let lastAnswer = 0;

// The first message gives the allowed silence in ms; later ones are answers.
scope.onmessage = ({ data: silence }) => {
  if (silence === null) {
    lastAnswer = performance.now();
    return;
  }
  let asking = false;
  const watch = (): void => {
    if (asking) return;
    asking = true;
    lastAnswer = performance.now();
    setInterval(() => {
      // A loop within a native call can only be ended by a kill.
      if (performance.now() - lastAnswer > silence) Deno.kill(Deno.pid, "SIGKILL");
      scope.postMessage(null);
    }, EVERY);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, watch);
  scope.postMessage(null);
};
