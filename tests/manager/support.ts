import { createManager, type Manager, type ManagerOptions } from "../../manager/mod.ts";

/** A response with its body. */
export interface Answer {
  status: number;
  headers: Headers;
  bytes: Uint8Array;
  /** The body as text. */
  text: string;
  /** The body as JSON; null if it is not JSON. */
  // deno-lint-ignore no-explicit-any -- tests look into what they asked for
  json: any;
}

/** The options of a request. */
export interface Ask {
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  body?: BodyInit;
}

/** A manager on a port of its own, with a client for it. */
export class TestManager implements AsyncDisposable {
  manager: Manager;
  readonly root: string;
  /** For instance `http://127.0.0.1:40123`. */
  readonly url: string;
  /** Its log lines. */
  readonly log: string[];
  readonly #options: ManagerOptions;
  #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #keepRoot: boolean;

  private constructor(manager: Manager, options: ManagerOptions, log: string[], keepRoot: boolean) {
    this.manager = manager;
    this.#options = options;
    this.#server = listen(manager, 0);
    this.root = options.root!;
    this.log = log;
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
    this.#keepRoot = keepRoot;
  }

  /**
   * Starts a manager in a temporary folder, or in the given root, which is
   * kept.
   */
  static async start(options: ManagerOptions = {}): Promise<TestManager> {
    const root = options.root ?? await Deno.makeTempDir({ prefix: "aloelite-manager-" });
    const log: string[] = [];
    const whole: ManagerOptions = { log: (line) => log.push(line), ...options, root };
    const keepRoot = options.root !== undefined;
    return new TestManager(await createManager(whole), whole, log, keepRoot);
  }

  /** Stops it, as a restart does. */
  async halt(): Promise<void> {
    await Promise.all([this.manager.close(), this.#server.shutdown()]);
  }

  /** Starts it again, with the same files and address. */
  async resume(): Promise<void> {
    this.manager = await createManager(this.#options);
    this.#server = listen(this.manager, this.#server.addr.port);
  }

  /**
   * Sends a request; with a cookie it looks like the page's. @param path From
   * `/` on.
   */
  async ask(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    const { headers } = ask;
    return await request(method, `${this.url}${path}`, {
      ...ask,
      ...(headers?.cookie === undefined ? {} : { headers: { origin: this.url, ...headers } }),
    });
  }

  /** Creates a volume. @returns Its id. */
  async volume(name: string, options: Record<string, unknown> = {}): Promise<string> {
    const { status, json, text } = await this.ask("POST", "/volumes", {
      json: { name, ...options },
    });
    if (status !== 201) throw new Error(`${status}: ${text}`);
    return json.id;
  }

  /** Stops listening and closes it. */
  async stop(): Promise<void> {
    await this.#server.shutdown();
    await this.manager.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    if (!this.#keepRoot) await Deno.remove(this.root, { recursive: true });
  }
}

function listen(manager: Manager, port: number): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { hostname: "127.0.0.1", port, onListen: () => {} },
    (request, info) => manager.fetch(request, info),
  );
}

/** Sends a request to any address and reads the answer. */
export async function request(method: string, url: string, ask: Ask = {}): Promise<Answer> {
  const headers = new Headers(ask.headers);
  let body = ask.body;
  if (ask.json !== undefined) {
    headers.set("content-type", "application/json");
    body = JSON.stringify(ask.json);
  }
  const response = await fetch(url, {
    method,
    headers,
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    text,
    json: isJson && text !== "" ? JSON.parse(text) : null,
  };
}
