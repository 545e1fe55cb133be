import { Connections } from "./connections.ts";
import { divideDescriptors, openDescriptors } from "./descriptors.ts";
import type { Handler, Listener } from "./listener.ts";
import type { Settings } from "../settings.ts";
import { systemSockets } from "./sockets.ts";
import { within } from "../within.ts";

/** How long the last responses have to reach their sockets, ms. */
const FLUSH_MS = 200;

/** How often accepting is tried again, ms. */
const RETRY_MS = 5;

type Server = Deno.HttpServer<Deno.NetAddr>;

/**
 * The runtime's server. It stops listening for good when it cannot accept a
 * connection because too many files are open. It is then started again, after idle
 * connections were closed. Running requests go on.
 */
export class RuntimeListener implements Listener {
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
  /** Descriptors that are released for files when there are no others. */
  #reserve: Deno.FsFile[] = [];
  #stopped = false;
  #server: Server;

  constructor(
    options: Deno.ServeTcpOptions,
    { limits, trustedProxies }: Pick<Settings, "limits" | "trustedProxies">,
    handler: Handler,
    log: (line: string) => void,
  ) {
    this.#options = { ...options, signal: this.#cut.signal, onListen: () => {} };
    this.#log = log;
    const { limit, connections, reserve } = divideDescriptors(limits);
    this.#limit = limit;
    this.#reserved = reserve;
    const sockets = systemSockets();
    this.#handler = sockets === null ? handler : (request, { remoteAddr, completed }) => {
      const connection = this.#connections!.note(remoteAddr, completed);
      return handler(request, { remoteAddr, completed, connection });
    };
    this.#server = this.#serve();
    this.port = this.#server.addr.port;
    this.#options.port = this.port;
    this.#connections = sockets === null
      ? null
      : new Connections(sockets, this.port, { ...limits, connections }, trustedProxies);
    this.#takeReserve();
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  async close(ms: number): Promise<void> {
    // Responses may still be in flight. `shutdown` would wait for them, and what it waits
    // for can no longer be aborted.
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, FLUSH_MS)));
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
      (error) => void this.#restart(error),
    );
    return server;
  }

  /** Frees descriptors and listens again, after the server has stopped by itself. */
  async #restart(error: unknown): Promise<void> {
    if (this.#stopped) return;
    this.#giveReserve();
    const why = error instanceof Error ? error.message.replace(/^Error: /, "") : String(error);
    this.#log(`no connections are accepted for now: ${why}`);
    while (!this.#stopped) {
      this.#connections?.look(Math.floor(this.#limit / 8));
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
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
      // There are fewer then, or none where the device is missing.
    }
  }

  #giveReserve(): void {
    for (const file of this.#reserve.splice(0)) file.close();
  }
}
