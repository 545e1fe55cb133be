/** What the manager answers when it refuses: RFC 9457, with one of the closed codes. */
export class ApiError extends Error {
  override name = "ApiError";
  /** The volume that was asked, where it was one. */
  volume: string | null = null;

  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    /** Seconds to wait before another try, when the manager says so. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail || title);
  }
}

/** The problem that a response carries; also for one that is not a problem document. */
export function problemFrom(
  url: string,
  status: number,
  text: string,
  retryAfter: string | null,
): ApiError {
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // Not ours: a proxy in between, or a connection cut short.
  }
  const word = (key: string) => typeof body[key] === "string" ? body[key] as string : "";
  const problem = new ApiError(
    status,
    word("code") || "unknown",
    word("title") || `HTTP ${status}`,
    word("detail"),
    retryAfter === null ? null : Number(retryAfter) || null,
  );
  problem.volume = /^\/volumes\/([^/?]+)/.exec(url)?.[1] ?? null;
  return problem;
}

/** The request never got an answer, or not all of it. */
export function unreachable(): ApiError {
  return new ApiError(0, "unreachable", "No answer", "The manager does not answer.");
}

export function isCancelled(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
