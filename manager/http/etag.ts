import { Problem } from "./problem.ts";

/** The ETag of content that has a tag. */
export function etagOf(tag: string): string {
  return `"${tag}"`;
}

/** The tags that a header lists; `*` stands for any. Weak tags keep their `W/`. */
export function tagList(header: string): string[] | "*" {
  if (header.trim() === "*") return "*";
  return header.match(/(?:W\/)?"[^"]*"/g) ?? [];
}

/** Seconds since the Unix epoch of an HTTP date; null for an invalid one. */
export function httpDate(header: string): number | null {
  const ms = Date.parse(header);
  return Number.isNaN(ms) || !/GMT$/.test(header.trim()) ? null : Math.floor(ms / 1000);
}

/** The current content, as conditions are compared with it. */
export interface Validators {
  etag: string;
  /** Seconds since the Unix epoch. */
  modified: number;
}

/** The result of the conditions of a read. */
export type Verdict = "holds" | "not modified" | "failed";

/** Evaluates the conditions of a read, in the order of RFC 9110 (13.2.2). */
export function readConditions(headers: Headers, current: Validators): Verdict {
  const match = headers.get("if-match");
  if (match !== null) {
    const tags = tagList(match);
    if (tags !== "*" && !tags.includes(current.etag)) return "failed";
  } else {
    const since = headers.get("if-unmodified-since");
    const limit = since === null ? null : httpDate(since);
    if (limit !== null && current.modified > limit) return "failed";
  }
  const none = headers.get("if-none-match");
  if (none !== null) {
    const tags = tagList(none);
    const hit = tags === "*" || tags.some((tag) => tag.replace(/^W\//, "") === current.etag);
    return hit ? "not modified" : "holds";
  }
  const since = headers.get("if-modified-since");
  const limit = since === null ? null : httpDate(since);
  return limit !== null && current.modified <= limit ? "not modified" : "holds";
}

/** Whether a range may be served: If-Range matches the current content, or is left out. */
export function rangeApplies(headers: Headers, current: Validators): boolean {
  const condition = headers.get("if-range");
  if (condition === null) return true;
  if (condition.includes('"')) return condition.trim() === current.etag;
  // A date is a strong validator only if nothing changed within its second.
  return httpDate(condition) === current.modified;
}

/** The conditions of a write: If-Match and If-None-Match. */
export interface WriteConditions {
  match: string[] | "*" | null;
  none: string[] | "*" | null;
}

/** The conditions in the headers of a write; null without any. */
export function writeConditions(headers: {
  get(name: string): string | null;
}): WriteConditions | null {
  const match = headers.get("if-match");
  const none = headers.get("if-none-match");
  if (match === null && none === null) return null;
  return {
    match: match === null ? null : tagList(match),
    none: none === null ? null : tagList(none),
  };
}

/**
 * Evaluates the conditions of a write.
 *
 * @param tag The tag of the current content; null when there is none.
 * @throws {Problem} 412 when a condition does not hold.
 */
export function requireConditions(conditions: WriteConditions, tag: string | null): void {
  const { match, none } = conditions;
  if (match !== null) {
    const fits = tag !== null && (match === "*" || match.includes(etagOf(tag)));
    if (!fits) {
      throw new Problem(412, "precondition_failed", "the content has changed");
    }
  }
  if (none !== null && tag !== null && (none === "*" || none.includes(etagOf(tag)))) {
    throw new Problem(412, "precondition_failed", "it already exists");
  }
}
