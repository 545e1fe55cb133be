import type { RequestInfo } from "./front_door.ts";
import type { Settings } from "./settings.ts";

/** What answers requests. */
export type Handler = (request: Request, info: RequestInfo) => Promise<Response>;

/** A port that is listened on. */
export interface Listener {
  /** The port, also where any was asked for. */
  readonly port: number;
  /** Settled when it listens no more. */
  readonly closed: Promise<void>;
  /** Takes no more connections; those that are still busy after a while are cut off. */
  close(ms: number): Promise<void>;
}

/**
 * Listens, with HTTPS where there is a certificate.
 *
 * @throws {Deno.errors.AddrInUse} And whatever else listening throws.
 */
export async function listen(
  settings: Pick<Settings, "host" | "port" | "tls" | "limits">,
  handler: Handler,
): Promise<Listener> {
  const { host, port, tls } = settings;
  const hostname = host.replace(/^\[|\]$/g, "");
  if (tls?.clientCa !== undefined) {
    // Deno.serve asks nobody for a certificate.
    const { listenWithClientCertificates } = await import("./tls_listener.ts");
    const files = { ...tls, clientCa: tls.clientCa };
    return await listenWithClientCertificates(hostname, port, files, settings.limits, handler);
  }
  const keys = tls === null
    ? {}
    : { cert: await Deno.readTextFile(tls.cert), key: await Deno.readTextFile(tls.key) };
  const cut = new AbortController();
  const options = { hostname, port, ...keys, signal: cut.signal, onListen: () => {} };
  const server = Deno.serve(options, handler);
  let closing: Promise<void> | null = null;
  let ended = false;
  const closed = server.finished.finally(() => ended = true);
  return {
    port: server.addr.port,
    closed,
    close: (ms) =>
      closing ??= within(ms, server.shutdown()).then(() => {
        if (ended) return;
        cut.abort();
        return within(ms, closed);
      }),
  };
}

/** Waits for something, but not longer. */
export async function within(ms: number, what: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  try {
    await Promise.race([what, late]);
  } finally {
    clearTimeout(timer);
  }
}
