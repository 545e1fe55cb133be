import { Fault } from "./faults.ts";

/** Where a manager gives its export, and what it wants to see first. */
export interface ExportSourceOptions {
  /** The address of a volume, of a filesystem, or of the export of either. */
  url: string;
  token?: string;
  /** Certificates to trust, PEM. */
  ca?: string;
  /** A certificate of our own and its key, PEM. */
  identity?: { cert: string; key: string };
}

/** An answer of the manager: a new snapshot, or that there is none. */
export type Fetched =
  | { changed: false }
  | { changed: true; etag: string | null; size: number | null; body: ReadableStream<Uint8Array> };

/** A failure after which it is worth trying again, perhaps not at once. */
export class TryAgain extends Error {
  /** How long the manager wants to be left alone, ms; null when it does not say. */
  readonly after: number | null;

  constructor(message: string, after: number | null = null, options?: ErrorOptions) {
    super(message, options);
    this.after = after;
  }
}

/** How long the manager may take to make a snapshot, ms. */
const PATIENCE = 3_600_000;

/** The export of a volume or filesystem, over HTTP. */
export class ExportSource implements Disposable {
  readonly url: string;
  readonly #headers: Record<string, string>;
  readonly #client: Deno.HttpClient;

  /** @throws {Fault} For what is no address of an export. */
  constructor(options: ExportSourceOptions) {
    this.url = exportUrl(options.url);
    const { token, ca, identity } = options;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    try {
      this.#client = Deno.createHttpClient({
        ...(ca === undefined ? {} : { caCerts: [ca] }),
        ...identity,
      });
    } catch (cause) {
      throw new Fault(null, "the certificates or the key are not PEM", { cause });
    }
  }

  /**
   * Asks for a snapshot that is not the one we have.
   *
   * @param etag Of the one we have; null for none.
   * @throws {TryAgain} When it cannot be had now.
   */
  async fetch(etag: string | null, signal: AbortSignal): Promise<Fetched> {
    let response: Response;
    try {
      response = await fetch(this.url, {
        headers: { ...this.#headers, ...(etag === null ? {} : { "if-none-match": etag }) },
        client: this.#client,
        // A token is for the manager alone, wherever it sends us.
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
      });
    } catch (cause) {
      signal.throwIfAborted();
      throw new TryAgain(reason(cause), null, { cause });
    }
    if (response.status === 304) {
      await response.body?.cancel();
      return { changed: false };
    }
    if (response.status !== 200 || response.body === null) throw await refusal(response);
    const length = response.headers.get("content-length");
    return {
      changed: true,
      etag: response.headers.get("etag"),
      size: length === null ? null : Number(length),
      body: response.body,
    };
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

function exportUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Fault(text, "no URL; write for instance http://host:8080/volumes/ID");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new Fault(text, "no http: or https: URL");
  }
  if (!/\/(?:volumes|filesystems)\/[^/]+(?:\/export)?\/?$/.test(url.pathname)) {
    throw new Fault(text, "no volume or filesystem; write http://host:8080/volumes/ID");
  }
  url.pathname = url.pathname.replace(/\/(?:export\/?)?$/, "");
  url.pathname += "/export";
  return url.href;
}

async function refusal(response: Response): Promise<TryAgain> {
  const text = await response.text().catch(() => "");
  let detail = "";
  try {
    detail = `: ${JSON.parse(text).detail}`;
  } catch {
    // Somebody between us and the manager has answered.
  }
  const after = Number(response.headers.get("retry-after") ?? NaN);
  const ms = Number.isFinite(after) ? Math.min(after, 3600) * 1000 : null;
  return new TryAgain(`the manager answered ${response.status}${detail}`, ms);
}

function reason(error: unknown): string {
  let last = error;
  // What is outside says that it failed, what is within says why.
  while (last instanceof Error && last.cause instanceof Error) last = last.cause;
  const message = last instanceof Error ? last.message : String(last);
  return message.replace(/^error sending request for url \([^)]*\): /, "");
}
