import { createManager, type Manager } from "./manager.ts";
import { listen } from "./http/listen.ts";
import type { Listener } from "./http/listener.ts";
import { type ManagerOptions, resolveOptions } from "./options.ts";
import { within } from "./within.ts";

/** A manager that listens. */
export interface ManagerServer extends AsyncDisposable {
  /** The manager. */
  readonly manager: Manager;
  /** Where it is, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Settled when it listens no more. */
  readonly closed: Promise<void>;
  /**
   * Lets requests that run finish, unmounts, closes every file, and listens no
   * more; all of it within ten seconds, with what takes longer cut off.
   */
  stop(): Promise<void>;
}

/** How long connections may take to end once their requests have, ms. */
const CLOSING = 500;

/** When requests that still run are cut off, ms. */
const DRAINING = 5500;

/** How long all of a stop may take, ms. */
const STOPPING = 9500;

/**
 * Starts a manager that listens on its address. The port is taken first, so
 * that nothing is mounted for a manager that cannot be reached; requests wait
 * until it is ready.
 *
 * @throws {Deno.errors.AddrInUse} And whatever else listening throws.
 * @throws {AloeError} `lock_held` when another manager uses the folder.
 */
export async function serve(options: ManagerOptions = {}): Promise<ManagerServer> {
  const settings = await resolveOptions(options);
  const { promise: ready, resolve, reject } = Promise.withResolvers<Manager>();
  // Who waits for it is told; that nobody may be waiting is no fault.
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
    // The manager says no to new requests itself, with an answer that tells why.
    const closing = this.manager.close();
    await within(DRAINING, closing);
    // What still runs is cut off, and lets go of what it holds.
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
