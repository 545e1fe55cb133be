/** A thread that ends the process when it does not end by itself. */
export interface Watchdog {
  /** Settled when it watches. */
  readonly ready: Promise<void>;
  /** Ends the watch: the process ends in an orderly way. */
  stop(): void;
}

/**
 * Sees to it that the process ends some time after SIGTERM or SIGINT. Its own handlers,
 * which there have to be, ask for an orderly end; when the event loop does not come back
 * to hear of it, a thread of its own ends the process.
 *
 * @param silence How long the event loop may not answer after that, ms.
 */
export function watchEnd(silence: number): Watchdog {
  if (Deno.build.os === "windows") return { ready: Promise.resolve(), stop: () => {} };
  const url = new URL("./watchdog_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module", name: "watchdog" });
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  worker.onmessage = () => {
    resolve();
    worker.postMessage(null);
  };
  worker.onerror = (event) => event.preventDefault();
  worker.postMessage(silence);
  return { ready, stop: () => worker.terminate() };
}
