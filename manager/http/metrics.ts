import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** What is counted, for Prometheus. */
export interface Metrics {
  /** The registry of all metrics. */
  readonly registry: Registry;
  /**
   * Counts an answered request.
   *
   * @param route The pattern of its route; paths are not disclosed.
   * @param seconds How long it took until its headers.
   */
  note(method: string, route: string, status: number, seconds: number): void;
  /** Registers a function that counts the running requests. */
  countRunning(count: () => number): void;
  /** PINs that were wrong. */
  readonly wrongPins: Counter;
  /** Filesystems that are open. */
  readonly openFilesystems: Gauge;
}

/** Metrics of one manager. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  try {
    collectDefaultMetrics({ register: registry });
  } catch {
    // Some runtimes lack what Node reports about itself.
  }
  // Counted here, and passed on when metrics are read: that is cheaper for requests.
  const counts = new Map<string, Count>();
  new Counter({
    name: "aloelite_http_requests_total",
    help: "Requests by method, route and status",
    labelNames: ["method", "route", "status"],
    registers,
    collect() {
      this.reset();
      for (const { labels, count } of counts.values()) this.inc(labels, count);
    },
  });
  const duration = new Histogram({
    name: "aloelite_http_request_seconds",
    help: "Time until a response begins",
    labelNames: ["method", "route"],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  });
  let running = () => 0;
  new Gauge({
    name: "aloelite_http_requests_running",
    help: "Requests that are worked on",
    registers,
    collect() {
      this.set(running());
    },
  });
  return {
    registry,
    note(method, route, status, seconds) {
      const key = `${method} ${status} ${route}`;
      let count = counts.get(key);
      if (count === undefined) {
        count = {
          labels: { method, route, status: `${status}` },
          count: 0,
          duration: duration.labels(method, route),
        };
        counts.set(key, count);
      }
      count.count++;
      count.duration.observe(seconds);
    },
    countRunning(count) {
      running = count;
    },
    wrongPins: new Counter({
      name: "aloelite_wrong_pins_total",
      help: "PINs that did not open their volume",
      registers,
    }),
    openFilesystems: new Gauge({
      name: "aloelite_filesystems_open",
      help: "Filesystems that are open",
      registers,
    }),
  };
}

interface Count {
  labels: { method: string; route: string; status: string };
  count: number;
  duration: Histogram.Internal<"method" | "route">;
}
