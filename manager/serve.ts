import { createManager, type Manager } from "./manager.ts";
import { listen } from "./http/listen.ts";
import type { Listener } from "./http/listener.ts";
import { type ManagerOptions, resolveOptions } from "./options.ts";
import { within } from "./within.ts";

/** A manager that listens. */
export interface ManagerServer extends AsyncDisposable {
  /** The manager. */
  readonly manager: Manager;
  /** Its URL, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Settled when it has stopped listening. */
  readonly closed: Promise<void>;
  /**
   * Waits for running requests, unmounts, closes every file, and stops listening,
   * all within ten seconds. What takes longer is aborted.
   */
  stop(): Promise<void>;
}

/** How long connections may take to end once their requests have, ms. */
const CLOSING = 500;

/** When requests that still run are aborted, ms. */
const DRAINING = 5500;

/** How long a stop may take in all, ms. */
const STOPPING = 9500;

/**
 * Starts a manager that listens on its address. The port is bound first, so that
 * nothing is mounted when it is taken. Requests wait until the manager is ready.
 *
 * @throws {Deno.errors.AddrInUse} And whatever else listening throws.
 * @throws {AloeError} `lock_held` when another manager uses the folder.
 */
export async function serve(options: ManagerOptions = {}): Promise<ManagerServer> {
  const settings = await resolveOptions(options);
  const { promise: ready, resolve, reject } = Promise.withResolvers<Manager>();
  // Requests that wait get the error; without any it is not unhandled.
  ready.catch(() => {});
  let manager: Manager | null = null;
  const listener = await listen(
    settings,
    (request, info) =>
      manager !== null
        ? manager.fetch(request, info)
        : ready.then((manager) => manager.fetch(request, info)),
    options.log ?? ((line) => console.error(line)),
  );
  try {
    manager = await createManager({ ...options, root: settings.root });
    resolve(manager);
  } catch (error) {
    reject(error);
    await listener.close(CLOSING);
    throw error;
  }
  return new Server(manager, listener, urlOf(settings, listener));
}

class Server implements ManagerServer {
  readonly manager: Manager;
  readonly url: string;
  readonly #listener: Listener;
  #stopping: Promise<void> | null = null;

  constructor(manager: Manager, listener: Listener, url: string) {
    this.manager = manager;
    this.#listener = listener;
    this.url = url;
  }

  get closed(): Promise<void> {
    return this.#listener.closed;
  }

  stop(): Promise<void> {
    return this.#stopping ??= within(STOPPING, this.#end());
  }

  async #end(): Promise<void> {
    // The manager itself refuses new requests, with a problem that says why.
    const closing = this.manager.close();
    await within(DRAINING, closing);
    // Requests that still run are aborted, which releases what they hold.
    await this.#listener.close(CLOSING);
    await closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function urlOf({ host, tls }: { host: string; tls: unknown }, { port }: Listener): string {
  const name = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const scheme = tls === null ? "http" : "https";
  const usual = port === (tls === null ? 80 : 443);
  return `${scheme}://${name}${usual ? "" : `:${port}`}`;
}
