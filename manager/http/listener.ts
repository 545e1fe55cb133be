import { Connections } from "./connections.ts";
import { divideDescriptors, openDescriptors } from "./descriptors.ts";
import type { RequestInfo } from "./front_door.ts";
import type { Settings } from "../settings.ts";
import { systemSockets } from "./sockets.ts";
import { within } from "../within.ts";

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

/** What a listener needs to know. */
export type ListenerSettings = Pick<Settings, "host" | "port" | "tls" | "limits">;

/** How long the last answers have to reach their connections, ms. */
const FLUSHING = 200;

/** How often it is looked whether connections can be accepted again, ms. */
const AGAIN = 5;

/**
 * Listens, with HTTPS where there is a certificate.
 *
 * @param log Takes when no connections can be accepted, and when they can again.
 * @throws {Deno.errors.AddrInUse} And whatever else listening throws.
 */
export async function listen(
  settings: ListenerSettings,
  handler: Handler,
  log: (line: string) => void,
): Promise<Listener> {
  const { host, port, tls, limits } = settings;
  const hostname = host.replace(/^\[|\]$/g, "");
  const { connections: most } = divideDescriptors(limits);
  if (tls?.clientCa !== undefined) {
    // Deno.serve asks nobody for a certificate.
    const { listenWithClientCertificates } = await import("./tls_listener.ts");
    const files = { ...tls, clientCa: tls.clientCa };
    return await listenWithClientCertificates(
      hostname,
      port,
      files,
      { ...limits, connections: most },
      handler,
    );
  }
  const keys = tls === null
    ? {}
    : { cert: await Deno.readTextFile(tls.cert), key: await Deno.readTextFile(tls.key) };
  return new RuntimeListener({ hostname, port, ...keys }, settings, handler, log);
}

type Server = Deno.HttpServer<Deno.NetAddr>;

/**
 * The runtime's server. It stops listening for good when a connection cannot be
 * accepted, because too many files are open: then it is started anew, once
 * those connections have gone that nothing runs on. What runs goes on.
 */
class RuntimeListener implements Listener {
  readonly port: number;
  readonly #options: Deno.ServeTcpOptions;
  readonly #handler: (request: Request, info: Deno.ServeHandlerInfo<Deno.NetAddr>) =>
    | Promise<Response>
    | Response;
  readonly #log: (line: string) => void;
  readonly #cut = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  readonly #connections: Connections | null;
  readonly #limit: number;
  readonly #reserved: number;
  /** Descriptors that files can have while there are no others. */
  #reserve: Deno.FsFile[] = [];
  #stopped = false;
  #server: Server;

  constructor(
    options: Deno.ServeTcpOptions,
    { limits }: Pick<ListenerSettings, "limits">,
    handler: Handler,
    log: (line: string) => void,
  ) {
    this.#options = { ...options, signal: this.#cut.signal, onListen: () => {} };
    this.#log = log;
    const { limit, connections, reserve } = divideDescriptors(limits);
    this.#limit = limit;
    this.#reserved = reserve;
    const sockets = systemSockets();
    this.#handler = sockets === null ? handler : (request, info) => {
      this.#connections!.note(info.remoteAddr, info.completed);
      return handler(request, info);
    };
    this.#server = this.#serve();
    this.port = this.#server.addr.port;
    this.#options.port = this.port;
    this.#connections = sockets === null
      ? null
      : new Connections(sockets, this.port, { ...limits, connections });
    this.#takeReserve();
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  async close(ms: number): Promise<void> {
    // Answers that were given are still on their way. Not `shutdown`, which waits for
    // them: nothing of what it waits for can be cut off any more.
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, FLUSHING)));
    this.#stopped = true;
    this.#cut.abort();
    await within(ms, this.#server.finished.catch(() => {}));
    this.#connections?.close();
    this.#giveReserve();
    this.#closed.resolve();
  }

  #serve(): Server {
    const server = Deno.serve(this.#options, this.#handler);
    server.finished.then(
      () => this.#stopped || this.#closed.resolve(),
      (error) => void this.#again(error),
    );
    return server;
  }

  /** Accepting has come to an end by itself: makes room, and begins again. */
  async #again(error: unknown): Promise<void> {
    if (this.#stopped) return;
    this.#giveReserve();
    const why = error instanceof Error ? error.message.replace(/^Error: /, "") : String(error);
    this.#log(`no connections are accepted for now: ${why}`);
    while (!this.#stopped) {
      this.#connections?.look(Math.floor(this.#limit / 8));
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
      const open = openDescriptors()?.length ?? Infinity;
      if (Deno.build.os === "linux" && open > this.#limit - 2 * this.#reserved) continue;
      try {
        this.#takeReserve();
        this.#server = this.#serve();
        return this.#log("connections are accepted again");
      } catch {
        this.#giveReserve();
      }
    }
  }

  #takeReserve(): void {
    try {
      while (this.#reserve.length < this.#reserved) {
        this.#reserve.push(Deno.openSync("/dev/null"));
      }
    } catch {
      // Fewer then, or none where there is no such device.
    }
  }

  #giveReserve(): void {
    for (const file of this.#reserve.splice(0)) file.close();
  }
}
