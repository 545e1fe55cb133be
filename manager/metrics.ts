import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** What is counted, for Prometheus. */
export interface Metrics {
  /** Where all of it is registered; others add their own. */
  readonly registry: Registry;
  /** Requests by method, route and status. */
  readonly requests: Counter;
  /** How long requests took until their headers, seconds. */
  readonly duration: Histogram;
  /** Requests that are worked on. */
  readonly running: Gauge;
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
    // Some runtimes lack what Node tells of itself.
  }
  return {
    registry,
    requests: new Counter({
      name: "aloelite_http_requests_total",
      help: "Requests by method, route and status",
      labelNames: ["method", "route", "status"],
      registers,
    }),
    duration: new Histogram({
      name: "aloelite_http_request_seconds",
      help: "Time until a response begins",
      labelNames: ["method", "route"],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
    running: new Gauge({
      name: "aloelite_http_requests_running",
      help: "Requests that are worked on",
      registers,
    }),
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
