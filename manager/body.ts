import { Problem } from "./problem.ts";

/** What bounds a body. */
export interface BodyLimits {
  /** Bytes that it has at most. */
  bytes: number;
  /** How long it may bring nothing, ms. */
  idleMs: number;
}

/** A body broke off before its end: its client has gone, or sent what is no body. */
export class BrokenBody extends Problem {
  constructor(cause: unknown) {
    super(400, "invalid", "the body ended before its end", { cause });
  }
}

/** The length that a request says its body has; null when it does not. @throws {Problem} 413. */
export function declaredLength(headers: Headers, limits: BodyLimits): number | null {
  const text = headers.get("content-length");
  if (text === null || !/^\d+$/.test(text)) return null;
  const length = Number(text);
  if (length > limits.bytes) throw tooLarge(limits.bytes);
  return length;
}

/** The pieces of a request's body, as they come: the client is not read ahead of. */
export async function* bodyPieces(
  request: Request,
  limits: BodyLimits,
): AsyncGenerator<Uint8Array, void> {
  if (request.body === null) return;
  const expected = declaredLength(request.headers, limits);
  const reader = request.body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let size = 0;
  try {
    while (true) {
      const idle = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(new Problem(408, "invalid", "the body brought nothing for too long")),
          limits.idleMs,
        );
      });
      const { done, value } = await Promise.race([reader.read(), idle]).catch((error) => {
        throw error instanceof Problem ? error : new BrokenBody(error);
      });
      clearTimeout(timer);
      if (done) break;
      size += value.length;
      if (size > limits.bytes) throw tooLarge(limits.bytes);
      if (value.length > 0) yield value;
    }
    if (expected !== null && size !== expected) throw new BrokenBody(null);
  } finally {
    clearTimeout(timer);
    // What nobody reads must not keep the connection.
    void reader.cancel().catch(() => {});
  }
}

function tooLarge(bytes: number): Problem {
  return new Problem(413, "too_large", `the content may have ${bytes} bytes at most`);
}
