import { HTTPException } from "hono/http-exception";
import { AloeError, type AloeErrorCode } from "../../src/errors.ts";

/** Codes of problems that only the manager has. */
export type ManagerCode =
  | "unauthorized"
  | "forbidden"
  | "rate_limited"
  | "too_large"
  | "precondition_failed"
  | "range_not_satisfiable"
  | "not_ready"
  | "already_mounted"
  | "not_mounted"
  | "method_not_allowed"
  | "unsupported_media_type"
  | "internal";

/** What a problem says in its `code`. */
export type ProblemCode = AloeErrorCode | ManagerCode;

/** The body of an error response, RFC 9457 and two fields more. */
export interface ProblemBody {
  /** A URI that names the kind. */
  type: string;
  /** The kind in words. */
  title: string;
  /** The status of the response. */
  status: number;
  /** What happened this time. */
  detail: string;
  /** The kind for programs. */
  code: ProblemCode;
  /** The detail, where older clients expect it. */
  error: string;
}

/** An error that is answered with a problem document. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;

  /**
   * @param detail What happened, for a person. Never a PIN or a token.
   */
  constructor(
    status: number,
    code: ProblemCode,
    detail: string,
    options: ErrorOptions & { headers?: Record<string, string> } = {},
  ) {
    super(detail, options);
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
  }

  /** The title of its status. */
  get title(): string {
    return TITLES[this.status] ?? "Error";
  }

  /** The message. */
  get detail(): string {
    return this.message;
  }

  /** The body of the response. */
  body(): ProblemBody {
    return {
      type: `urn:aloelite:problem:${this.code}`,
      title: this.title,
      status: this.status,
      detail: this.message,
      code: this.code,
      error: this.message,
    };
  }

  /** The response. */
  response(): Response {
    return new Response(JSON.stringify(this.body()), {
      status: this.status,
      headers: {
        ...this.headers,
        "content-type": "application/problem+json",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      },
    });
  }

  /** The response without a body, for clients that do not receive bodies. */
  bareResponse(): Response {
    const headers = { ...this.headers, "cache-control": "no-store" };
    return new Response(null, { status: this.status, headers });
  }
}

const TITLES: Record<number, string> = {
  400: "Bad request",
  401: "Not authenticated",
  403: "Forbidden",
  404: "Not found",
  405: "Method not allowed",
  408: "Request timeout",
  409: "Conflict",
  411: "Length required",
  412: "Precondition failed",
  413: "Content too large",
  414: "URI too long",
  415: "Unsupported media type",
  416: "Range not satisfiable",
  421: "Misdirected request",
  422: "Unprocessable content",
  423: "Locked",
  428: "Precondition required",
  429: "Too many requests",
  431: "Request header fields too large",
  500: "Internal error",
  503: "Not available now",
  507: "No space left",
};

const STATUS: Record<AloeErrorCode, number> = {
  not_found: 404,
  not_a_container: 409,
  not_an_entry: 409,
  nameless: 400,
  would_cycle: 409,
  volume_mismatch: 409,
  not_empty: 409,
  mount_invalid: 409,
  mount_point_archived: 409,
  lock_held: 423,
  lock_invalid: 409,
  corrupt: 500,
  unsupported: 422,
  container_exists: 409,
  bad_key: 400,
  encryption_required: 400,
  already_exists: 409,
  mount_conflict: 409,
  read_only: 403,
  busy: 503,
  no_space: 507,
  io_error: 500,
  invalid: 400,
};

/** Messages of storage begin with the path of the file, which clients must not learn. */
const FILE_OF_HOST = /^\/.*\/(filesystems\/[^/:]+|manager\.db)(?=: )/;

/**
 * The problem that an error is answered with. An unexpected error becomes
 * `internal`, without its text, which may disclose something.
 */
export function fromError(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof AloeError) {
    const headers: Record<string, string> = error.code === "busy" ? { "retry-after": "1" } : {};
    const detail = error.message.replace(FILE_OF_HOST, "the filesystem's file");
    return new Problem(STATUS[error.code], error.code, detail, { cause: error, headers });
  }
  // The router throws it for a body of another type, or one that is no JSON.
  if (error instanceof HTTPException && error.status < 500) {
    const code = error.status === 415 ? "unsupported_media_type" : "invalid";
    return new Problem(error.status, code, error.message);
  }
  return new Problem(500, "internal", "internal error: see the manager's log", {
    cause: error,
  });
}
