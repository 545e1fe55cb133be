import { changesState } from "./access_rules.ts";
import { plainAddress } from "./addresses.ts";
import { LOGIN_COOKIE } from "./auth.ts";
import { Problem } from "./problem.ts";
import { SESSION_COOKIE, SESSION_HEADER } from "./session_cookie.ts";
import type { Settings } from "../settings.ts";
import { pathOf } from "./url_path.ts";

/** Whether an address reaches this machine alone. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "").toLowerCase();
  return name === "localhost" || name === "::1" || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(name);
}

/** Whether a text is a name of a host, or an origin. */
export function isHostName(text: string): boolean {
  if (text === "*") return true;
  const plain = ascii(text);
  return (/^https?:/i.test(plain) ? parseOrigin(plain) : nameOf(bracketed(plain))) !== null;
}

/**
 * Keeps web pages of other origins from using the manager through the browser of a
 * user: by a name that they resolve to this host (Host), or by cross-site requests
 * (Origin and Sec-Fetch-Site, which no page can forge). An origin is scheme, name
 * and port: another port of this host is another origin, though browsers send it
 * the same cookies.
 */
export class HostCheck {
  /** The names that Host may have. */
  readonly #names: ReadonlySet<string>;
  /** Those of them that the operator has configured. */
  readonly #configured: ReadonlySet<string>;
  /** Those of them that are configured without a scheme and a port. */
  readonly #bare: ReadonlySet<string>;
  /** The origins that the operator has configured. */
  readonly #origins: ReadonlySet<string>;
  readonly #proxies: ReadonlySet<string>;
  readonly #anyName: boolean;
  readonly #anyAddress: boolean;
  /** The last Host that was accepted: nearly always the next one is the same. */
  #last: string | null = null;

  constructor(
    { host, allowedHosts, trustedProxies }: Pick<
      Settings,
      "host" | "allowedHosts" | "trustedProxies"
    >,
  ) {
    const origins = allowedHosts.map((text) => parseOrigin(ascii(text)))
      .filter((origin) => origin !== null);
    const names = allowedHosts.filter((text) => !/^https?:/i.test(text)).map(configuredName);
    this.#bare = new Set(names);
    this.#configured = new Set([...names, ...origins.map(({ name }) => name)]);
    const usual = ["localhost", "127.0.0.1", "[::1]", configuredName(host)];
    this.#names = new Set([...usual, ...this.#configured]);
    this.#origins = new Set(origins.map(({ text }) => text));
    this.#proxies = new Set(trustedProxies.map(plainAddress));
    this.#anyName = allowedHosts.includes("*");
    this.#anyAddress = WILDCARDS.has(host);
  }

  /**
   * Why a request is refused because of its origin; null when it is not.
   *
   * @param peer The address at the other end of its connection.
   */
  refusal(request: Request, peer: string): Problem | null {
    const { headers, method } = request;
    const host = headers.get("host") ?? authority(request.url);
    if (!this.#isOwnHost(host)) return unknownName("Host");
    const site = headers.get("sec-fetch-site");
    const safe = !changesState(method, pathOf(request.url));
    const origin = headers.get("origin") ?? (safe ? null : originOf(headers.get("referer")));
    if (origin === null) {
      if (safe) return isOwnSite(site) || isVisit(request, site) ? null : foreign();
      if (!isOwnSite(site)) return foreign();
      return site === "same-origin" || !isByCookie(headers) ? null : unproven();
    }
    if (!isOwnSite(site) && !(safe && isVisit(request, site))) return foreign();
    const requested = this.#requestedOrigin(request, host, peer);
    if (requested.host !== host && !this.#isOwnHost(requested.host)) {
      return unknownName("X-Forwarded-Host");
    }
    return this.#isOwnOrigin(origin, requested, site) ? null : foreign();
  }

  /** The address of a request's client: as a trusted proxy reports it, or the peer's. */
  client(headers: Headers, peer: string): string {
    if (!this.#trusts(peer)) return peer;
    const address = last(headers.get("x-forwarded-for"))?.replace(/^\[|\]$/g, "");
    return address !== undefined && CLIENT.test(address) ? address : peer;
  }

  #trusts(peer: string): boolean {
    return this.#proxies.size > 0 && this.#proxies.has(plainAddress(peer));
  }

  #isOwnHost(host: string): boolean {
    if (host === this.#last) return true;
    const name = nameOf(host);
    if (name === null) return false;
    // A foreign page can use a name that resolves to this host, but no address of it.
    const own = this.#anyName || this.#names.has(name) ||
      (this.#anyAddress && (name.startsWith("[") || ADDRESS.test(name)));
    if (own) this.#last = host;
    return own;
  }

  /** The origin that a browser has sent a request to, as far as it is known. */
  #requestedOrigin(request: Request, host: string, peer: string): RequestedOrigin {
    const { headers, url } = request;
    const scheme = url.startsWith("https:") ? "https" : "http";
    if (!this.#trusts(peer)) return { scheme, host };
    const proto = last(headers.get("x-forwarded-proto"))?.toLowerCase();
    return {
      scheme: proto === "http" || proto === "https" ? proto : scheme,
      host: last(headers.get("x-forwarded-host")) ?? host,
    };
  }

  /** Whether an origin is the one that a request was sent to. */
  #isOwnOrigin(text: string, { scheme, host }: RequestedOrigin, site: string | null): boolean {
    const origin = parseOrigin(text);
    if (origin === null) return false;
    if (this.#origins.has(origin.text)) return true;
    const target = parseOrigin(`${scheme}://${host}`);
    if (target === null) return false;
    if (origin.text === target.text) return true;
    if (origin.name === target.name) {
      // Behind a proxy that ends TLS the schemes differ; the browser has compared its own.
      return site === "same-origin" && (target.port === "" || origin.port === target.port);
    }
    // A proxy that replaces Host by a name of its own.
    const configured = this.#configured.has(origin.name);
    if (site === "same-origin") return configured || this.#anyName;
    const bare = this.#bare.has(origin.name) && !this.#configured.has(target.name);
    return bare && !isLoopback(origin.name) &&
      origin.text === `${origin.scheme}://${origin.name}`;
  }
}

/** Where a request was sent to. */
interface RequestedOrigin {
  scheme: string;
  host: string;
}

interface Origin {
  scheme: string;
  name: string;
  /** As it is written; empty when left out. */
  port: string;
  /** The origin in one form, without the scheme's default port. */
  text: string;
}

/** Hosts that stand for every address. */
const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::", "[::]"]);

const HOST = /^([\w.-]+|\[[\da-f:.]+\])(?::(\d{1,5}))?$/i;
const ADDRESS = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const CLIENT = /^[\da-f:.]{2,45}$/i;
const COOKIES = new RegExp(`(?:^|;\\s*)(?:${LOGIN_COOKIE}|${SESSION_COOKIE})=`);

/** Headers that a page of another origin can send with CORS only, which is never granted. */
const PROOFS = [SESSION_HEADER, "x-requested-with", "tus-resumable"];

/** Whether a request is authenticated by a cookie alone, which a browser adds by itself. */
function isByCookie(headers: Headers): boolean {
  if (!COOKIES.test(headers.get("cookie") ?? "")) return false;
  if (/^Bearer\b/i.test(headers.get("authorization") ?? "")) return false;
  return !PROOFS.some((name) => headers.has(name));
}

/** Whether Sec-Fetch-Site says that no page, or one of the same origin, caused a request. */
function isOwnSite(site: string | null): boolean {
  return site === null || site === "same-origin" || site === "none";
}

/** Whether a request is a navigation: to the page, or from another origin of the same site. */
function isVisit({ headers, url }: Request, site: string | null): boolean {
  if (headers.get("sec-fetch-mode") !== "navigate") return false;
  if (headers.get("sec-fetch-dest") !== "document") return false;
  return site === "same-site" || /^[a-z]+:\/\/[^/?#]*\/?(?:[?#]|$)/.test(url);
}

/** Parses an origin; null for a text that is no origin of a page. */
function parseOrigin(text: string): Origin | null {
  const [, scheme, host] = /^(https?):\/\/([^/?#@]+)\/?$/.exec(text.toLowerCase()) ?? [];
  const match = HOST.exec(host ?? "");
  if (match === null) return null;
  const [, written, port = ""] = match;
  const name = plainName(written);
  const usual = port === "" || Number(port) === (scheme === "http" ? 80 : 443);
  return { scheme, name, port, text: `${scheme}://${name}${usual ? "" : `:${Number(port)}`}` };
}

/** The name in an authority, normalized. */
function nameOf(host: string): string | null {
  const name = HOST.exec(host)?.[1];
  return name === undefined ? null : plainName(name);
}

/** A name as browsers send it, without a final dot; an IPv6 address in its short form. */
function plainName(name: string): string {
  const plain = name.toLowerCase().replace(/\.$/, "");
  return plain.startsWith("[") ? URL.parse(`http://${plain}`)?.hostname ?? plain : plain;
}

/** The name that the operator has configured, with or without a port. */
function configuredName(text: string): string {
  return nameOf(ascii(bracketed(text))) ?? text.toLowerCase();
}

/** A name or an origin in ASCII, as browsers send it. */
function ascii(text: string): string {
  // deno-lint-ignore no-control-regex
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  const [, scheme = "", host, rest] = /^(https?:\/\/)?([^/:]*)(.*)$/is.exec(text)!;
  return `${scheme}${URL.parse(`http://${host}`)?.hostname ?? host}${rest}`;
}

/** The origin of the page that Referer names; "null" where it has none. */
function originOf(referer: string | null): string | null {
  if (referer === null || referer === "") return null;
  return /^https?:\/\/[^/?#]*/i.exec(referer)?.[0] ?? "null";
}

/** The last element of a list: what the nearest proxy has added. */
function last(list: string | null): string | undefined {
  return list?.split(",").at(-1)?.trim() || undefined;
}

function authority(url: string): string {
  return /^[a-z]+:\/\/([^/?#]*)/.exec(url)?.[1] ?? "";
}

function bracketed(host: string): string {
  return host.split(":").length > 2 && !host.startsWith("[") ? `[${host}]` : host;
}

function unknownName(header: string): Problem {
  const detail = `the name in ${header} is not one of this manager's (see --allowed-host)`;
  return new Problem(421, "forbidden", detail);
}

function foreign(): Problem {
  return new Problem(403, "forbidden", "requests of pages of other sites are refused");
}

function unproven(): Problem {
  return new Problem(
    403,
    "forbidden",
    "a change by a cookie needs Origin or Sec-Fetch-Site of this manager's page, " +
      "or a header that no page elsewhere can send, such as X-Requested-With",
  );
}
