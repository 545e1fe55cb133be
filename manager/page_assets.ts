/**
 * Where the built page is: in a folder beside the sources or inside of a compiled
 * program, or at a URL if the sources were loaded from one.
 */
export const PAGE_DIST = import.meta.dirname === undefined
  ? new URL("page_dist", import.meta.url).href
  : `${import.meta.dirname}/page_dist`;

/** The suffix of built files: a registry would treat plain scripts as modules of the package. */
export const PACKED = ".gz";

/** The names of the parts of a built page. */
export interface Manifest {
  /** The hash of its sources. */
  source: string;
  script: string;
  style: string;
  icon: string;
}

/** A file of the page. */
export interface Asset {
  content: Uint8Array<ArrayBuffer>;
  type: string;
  etag: string;
  /** Whether its name changes with its content. */
  immutable: boolean;
}

const TYPES = new Map(Object.entries({
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  json: "application/json",
  wasm: "application/wasm",
  ttf: "font/ttf",
  pfb: "application/octet-stream",
  bcmap: "application/octet-stream",
}));

const NAME = /^(?:[\w-]+\/)*[\w-][\w.-]*$/;

/** The files of the built page. Each is read on demand and cached. */
export class PageAssets {
  readonly #root: string;
  readonly #kept = new Map<string, Promise<Asset | null>>();
  #manifest: Promise<Manifest | null> | null = null;

  constructor(root: string = PAGE_DIST) {
    this.#root = root;
  }

  /** The names of the parts; null when the page is not built. */
  async manifest(): Promise<Manifest | null> {
    this.#manifest ??= this.#bytes("manifest.json").then(
      (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as Manifest,
      () => null,
    );
    const manifest = await this.#manifest;
    // Not cached: the page may be built while the manager runs.
    if (manifest === null) this.#manifest = null;
    return manifest;
  }

  /** A file. @param name Below the folder of the page, such as `assets/main-….js`. */
  async get(name: string): Promise<Asset | null> {
    // Other names never reach the file system.
    if (!NAME.test(name) || name.includes("..")) return null;
    let asset = this.#kept.get(name);
    if (asset === undefined) {
      asset = this.#read(name);
      this.#kept.set(name, asset);
    }
    const found = await asset;
    if (found === null) this.#kept.delete(name);
    return found;
  }

  async #bytes(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const place = `${this.#root}/${name}`;
    if (!/^https?:/.test(place)) return await Deno.readFile(place);
    const response = await fetch(place);
    if (!response.ok) throw new Error(`${place}: ${response.status}`);
    return await response.bytes();
  }

  async #read(name: string): Promise<Asset | null> {
    let content: Uint8Array<ArrayBuffer>;
    try {
      content = await unpacked(await this.#bytes(name + PACKED));
    } catch {
      return null;
    }
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
    return {
      content,
      type: TYPES.get(name.slice(name.lastIndexOf(".") + 1)) ?? "text/plain; charset=utf-8",
      etag: `"${digest.toHex().slice(0, 24)}"`,
      immutable: /^assets\/[^/]+-[0-9A-Za-z]{8,}\.\w+$/.test(name),
    };
  }
}

async function unpacked(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return await new Response(stream).bytes();
}
