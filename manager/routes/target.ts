import type { Target } from "../../src/ops.ts";
import { Problem } from "../http/problem.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The node that a query names by `path=` or `node=`; the top directory by default.
 *
 * @throws {Problem} 400 for both, or for an invalid id.
 */
export function queryTarget(query: URLSearchParams): Target {
  const path = query.get("path");
  const node = query.get("node");
  if (node === null) return { path: path ?? "/" };
  if (path !== null) throw new Problem(400, "invalid", "either a path or a node, not both");
  if (!UUID.test(node)) throw new Problem(400, "invalid", "node: is no valid id");
  return { node };
}

/** The query of a request. */
export function queryOf(url: string): URLSearchParams {
  const at = url.indexOf("?");
  if (at === -1) return new URLSearchParams();
  const end = url.indexOf("#", at);
  return new URLSearchParams(url.slice(at + 1, end === -1 ? undefined : end));
}

/**
 * The node that a URL of content names: `…/files/<path>`, or by its query without a
 * path. It parses the text of the URL, in which `..` is not resolved.
 *
 * @throws {Problem} 400 for an invalid escape.
 */
export function urlTarget(url: string, query: URLSearchParams): Target {
  const path = urlPath(url);
  if (path === "") return queryTarget(query);
  if (query.has("path") || query.has("node")) {
    throw new Problem(400, "invalid", "the node is named twice");
  }
  return { path };
}

function urlPath(url: string): string {
  const match = /^[a-z]+:\/\/[^/]*\/volumes\/[^/]+\/files(\/[^?#]*)?(?:[?#]|$)/.exec(url);
  const escaped = match?.[1] ?? "";
  if (/%2f/i.test(escaped)) throw new Problem(400, "invalid", "a name must not contain a slash");
  try {
    return decodeURIComponent(escaped);
  } catch {
    throw new Problem(400, "invalid", "the path has an invalid escape");
  }
}

/** Parses a number of a query. @throws {Problem} 400. */
export function wholeNumber(
  query: URLSearchParams,
  name: string,
  min: number,
  max: number,
): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) {
    throw new Problem(400, "invalid", `${name}: a whole number from ${min} to ${max}`);
  }
  return value;
}

/** Parses a flag of a query: empty, `1` or `true`. @throws {Problem} 400. */
export function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null || text === "0" || text === "false") return false;
  if (text === "" || text === "1" || text === "true") return true;
  throw new Problem(400, "invalid", `${name}: 1 or 0`);
}
