import { Fault } from "./faults.ts";

/** The address and the credentials of a manager's export. */
export interface ExportSourceOptions {
  /** The URL of a volume, of a filesystem, or of the export of either. */
  url: string;
  token?: string;
  /** Trusted certificates, PEM. */
  ca?: string;
  /** The client certificate and its key, PEM. */
  identity?: { cert: string; key: string };
}

/** The manager's answer: a new snapshot, or no change. */
export type Fetched =
  | { changed: false }
  | { changed: true; etag: string | null; size: number | null; body: ReadableStream<Uint8Array> };

/** A failure that may succeed on a retry. */
export class TryAgain extends Error {
  /** The delay that the manager requests, in ms; null when it requests none. */
  readonly after: number | null;

  constructor(message: string, after: number | null = null, options?: ErrorOptions) {
    super(message, options);
    this.after = after;
  }
}

/** The timeout of a request, in ms; the manager may need long to create a snapshot. */
const TIMEOUT = 3_600_000;

/** Fetches the export of a volume or filesystem over HTTP. */
export class ExportSource implements Disposable {
  readonly url: string;
  readonly #headers: Record<string, string>;
  readonly #client: Deno.HttpClient;

  /**
   * @throws {Fault} When the URL is not that of an export.
   */
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
      throw new Fault(null, "the certificates or the key are not valid PEM", { cause });
    }
  }

  /**
   * Requests a snapshot, unless it equals the stored one.
   *
   * @param etag The ETag of the stored snapshot; null for none.
   * @throws {TryAgain} When no snapshot is available now.
   */
  async fetch(etag: string | null, signal: AbortSignal): Promise<Fetched> {
    let response: Response;
    try {
      response = await fetch(this.url, {
        headers: { ...this.#headers, ...(etag === null ? {} : { "if-none-match": etag }) },
        client: this.#client,
        // The token is only for the manager, so do not follow redirects.
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
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
    throw new Fault(text, "not a URL; expected for example http://host:8080/volumes/ID");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new Fault(text, "not an http: or https: URL");
  }
  if (!/\/(?:volumes|filesystems)\/[^/]+(?:\/export)?\/?$/.test(url.pathname)) {
    throw new Fault(
      text,
      "not the URL of a volume or filesystem; expected http://host:8080/volumes/ID",
    );
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
    // A proxy, not the manager, has answered.
  }
  const after = Number(response.headers.get("retry-after") ?? NaN);
  const ms = Number.isFinite(after) ? Math.min(after, 3600) * 1000 : null;
  return new TryAgain(`the manager answered ${response.status}${detail}`, ms);
}

function reason(error: unknown): string {
  let last = error;
  // The innermost cause holds the reason.
  while (last instanceof Error && last.cause instanceof Error) last = last.cause;
  const message = last instanceof Error ? last.message : String(last);
  return message.replace(/^error sending request for url \([^)]*\): /, "");
}
