/** An error answer of the manager: an RFC 9457 problem with a closed code. */
export class ApiError extends Error {
  override name = "ApiError";
  /** The volume of the request, if it concerned one. */
  volume: string | null = null;

  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    /** Seconds to wait before a retry, from Retry-After. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail || title);
  }
}

/**
 * Returns the problem of an error response, also if its body is not a problem
 * document.
 */
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
    // A proxy answered, or the connection was cut.
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

/** Thrown when a request gets no answer, or only a part of one. */
export function unreachable(): ApiError {
  return new ApiError(0, "unreachable", "No answer", "The manager does not answer.");
}

export function isCancelled(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
