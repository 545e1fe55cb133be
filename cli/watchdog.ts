/** A thread that kills the process when it does not end after a signal. */
export interface Watchdog {
  /** Resolves when the watchdog is running. */
  readonly ready: Promise<void>;
  /** Stops the watchdog, because the process ends normally. */
  stop(): void;
}

/**
 * Makes sure that the process ends some time after SIGTERM or SIGINT. The process's own signal
 * handlers request a normal end; when its event loop does not respond, a separate thread kills the
 * process.
 *
 * @param silence How long the event loop may fail to respond, in ms.
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
