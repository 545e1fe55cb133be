import { Problem } from "./problem.ts";
import type { Settings } from "./settings.ts";

/** Whether an address reaches this machine alone. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "").toLowerCase();
  return name === "localhost" || name === "::1" || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(name);
}

/**
 * Keeps web pages elsewhere from driving the manager through the browser of
 * someone who may use it: by a name that they point here (Host), or by requests
 * of their own (Origin and Sec-Fetch-Site, which no page can forge).
 */
export class HostCheck {
  readonly #names: ReadonlySet<string>;
  readonly #anyName: boolean;
  readonly #anyAddress: boolean;
  /** The last Host that was ours: nearly always the next one too. */
  #last: string | null = null;

  constructor({ host, allowedHosts }: Pick<Settings, "host" | "allowedHosts">) {
    const names = ["localhost", "127.0.0.1", "[::1]", bracketed(host), ...allowedHosts];
    this.#names = new Set(names.map((name) => bracketed(name).toLowerCase()));
    this.#anyName = allowedHosts.includes("*");
    this.#anyAddress = WILDCARDS.has(host);
  }

  /** What is wrong with where a request comes from; null when nothing is. */
  refusal(request: Request): Problem | null {
    const { headers, method } = request;
    const host = headers.get("host") ?? authority(request.url);
    if (host !== this.#last) {
      if (!this.#isOurs(host)) {
        return new Problem(
          421,
          "forbidden",
          "the name in Host is not one of this manager's (see --allowed-host)",
        );
      }
      this.#last = host;
    }
    const site = headers.get("sec-fetch-site");
    if (SAFE.has(method)) {
      if (site === null || site === "same-origin" || site === "none") return null;
      return this.#isVisit(request, site) ? null : foreign();
    }
    if (site !== null && site !== "same-origin" && site !== "none") return foreign();
    const origin = headers.get("origin");
    return origin === null || this.#isOwnOrigin(origin, host) ? null : foreign();
  }

  #isOurs(host: string): boolean {
    const name = HOST.exec(host)?.[1].toLowerCase();
    if (name === undefined) return false;
    // A page elsewhere can bring a name of its own here, but no address.
    return this.#anyName || this.#names.has(name) ||
      (this.#anyAddress && (name.startsWith("[") || ADDRESS.test(name)));
  }

  /** Whether somebody has followed a link: to the page, or from a neighbour. */
  #isVisit(request: Request, site: string): boolean {
    const { headers } = request;
    if (headers.get("sec-fetch-mode") !== "navigate") return false;
    if (headers.get("sec-fetch-dest") !== "document") return false;
    return site === "same-site" || /^[a-z]+:\/\/[^/?#]*\/?(?:[?#]|$)/.test(request.url);
  }

  #isOwnOrigin(origin: string, host: string): boolean {
    const there = /^https?:\/\/([^/]+)$/.exec(origin)?.[1];
    if (there === undefined) return false;
    if (there.toLowerCase() === host.toLowerCase()) return true;
    // Behind a proxy, Host may be the manager's own address.
    const name = HOST.exec(there)?.[1].toLowerCase();
    return name !== undefined && this.#names.has(name) && !isLoopback(name);
  }
}

const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** What listens on every address. */
const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::", "[::]"]);

const HOST = /^([\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;
const ADDRESS = /^\d{1,3}(?:\.\d{1,3}){3}$/;

function authority(url: string): string {
  return /^[a-z]+:\/\/([^/?#]*)/.exec(url)?.[1] ?? "";
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

function foreign(): Problem {
  return new Problem(403, "forbidden", "a page of another site may not do this");
}
