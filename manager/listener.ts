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
  /** Listens no more. Connections end, at the latest after this time. */
  close(ms: number): Promise<void>;
}

/** How long the last answers have to reach their connections, ms. */
const FLUSHING = 200;

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
  return {
    port: server.addr.port,
    closed: server.finished,
    close: async (ms) => {
      // Answers that were given are still on their way. Not `shutdown`, which waits for
      // them: nothing of what it waits for can be cut off any more.
      await new Promise((resolve) => setTimeout(resolve, Math.min(ms, FLUSHING)));
      cut.abort();
      await within(ms, server.finished);
    },
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
