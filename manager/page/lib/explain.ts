import { ApiError } from "../api/problem.ts";

/** Messages that replace the manager's own, by code. */
const WORDS = new Map(Object.entries({
  unreachable: "The manager does not answer. Is it still running?",
  encryption_required: "This volume is locked. Unlock it with its PIN first.",
  bad_key: "This PIN is wrong.",
  precondition_failed: "The file was changed in the meantime.",
  forbidden: "The manager refuses requests from this page's address.",
  no_space: "The disk is full. Free some space, then try again.",
  unauthorized: "Sign in with the manager's token first.",
}));

/** Returns an error as a message for the user. */
export function explain(error: unknown): string {
  if (error instanceof ApiError) {
    if (error.code === "rate_limited") {
      return error.retryAfter
        ? `Too many attempts. Wait ${waiting(error.retryAfter)} and try again.`
        : "Too many attempts. Wait a little and try again.";
    }
    const code = error.status === 507 ? "no_space" : error.code;
    const text = WORDS.get(code) ?? (error.detail || error.title);
    return sentence(text);
  }
  return error instanceof Error ? sentence(error.message) : String(error);
}

function waiting(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}

function sentence(text: string): string {
  const clean = text.trim();
  const first = clean.charAt(0).toUpperCase() + clean.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}
