import { createManager, type Manager, type ManagerOptions } from "../../manager/mod.ts";

/** A response, its body read. */
export interface Answer {
  status: number;
  headers: Headers;
  bytes: Uint8Array;
  /** The body as text. */
  text: string;
  /** The body as JSON; null when it is none. */
  // deno-lint-ignore no-explicit-any -- tests look into what they asked for
  json: any;
}

/** What a request carries. */
export interface Ask {
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  body?: BodyInit;
}

/** A manager that listens on a port of its own, with a client for it. */
export class TestManager implements AsyncDisposable {
  readonly manager: Manager;
  readonly root: string;
  /** For instance `http://127.0.0.1:40123`. */
  readonly url: string;
  /** What it has logged. */
  readonly log: string[];
  readonly #server: Deno.HttpServer;
  readonly #keepRoot: boolean;

  private constructor(
    manager: Manager,
    server: Deno.HttpServer<Deno.NetAddr>,
    root: string,
    log: string[],
    keepRoot: boolean,
  ) {
    this.manager = manager;
    this.#server = server;
    this.root = root;
    this.log = log;
    this.url = `http://127.0.0.1:${server.addr.port}`;
    this.#keepRoot = keepRoot;
  }

  /** Starts one; in a temporary folder unless a root is given, which is left there. */
  static async start(options: ManagerOptions = {}): Promise<TestManager> {
    const root = options.root ?? await Deno.makeTempDir({ prefix: "aloelite-manager-" });
    const log: string[] = [];
    const manager = await createManager({ log: (line) => log.push(line), ...options, root });
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request, info) => manager.fetch(request, info),
    );
    return new TestManager(manager, server, root, log, options.root !== undefined);
  }

  /** A request. @param path From `/` on. */
  async ask(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    return await request(method, `${this.url}${path}`, ask);
  }

  /** Makes a volume. @returns Its id. */
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

/** A request to anywhere, its answer read. */
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
