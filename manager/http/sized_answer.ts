import { trackedStream } from "./tracked_stream.ts";
import type { Visit } from "./visit.ts";

/** Responses of more bytes are sent piece by piece, as their client receives them. */
export const LARGE = 16 * 1024;

/** Bytes of one piece. */
const PIECE = 64 * 1024;

const TEXT = /^(?:text\/|application\/(?:[\w.-]+\+)?json\b)/;

/** A response, and how many bytes of it wait in memory for its client. */
export interface SizedAnswer {
  response: Response;
  bytes: number;
}

/**
 * Makes a response one of which the runtime reports when it has been sent. The
 * runtime reports text and bytes as sent as soon as it has them, even if the client
 * receives none of them: many responses of one HTTP/2 connection would stay in
 * memory without being tracked. So a large one becomes a stream.
 *
 * @param tracked Whether a small one becomes a stream too.
 */
export async function sizedAnswer(
  { method }: Request,
  response: Response,
  visit: Visit,
  tracked: boolean,
): Promise<SizedAnswer> {
  const { status, headers } = response;
  const unchanged = { response, bytes: 0 };
  if (visit.cut !== null || method === "HEAD" || status === 204 || status === 304) return unchanged;
  // A compressed body is a stream already.
  if (headers.has("content-encoding")) return unchanged;
  const length = headers.get("content-length");
  if (length !== null) {
    if (!tracked && Number(length) <= LARGE) return unchanged;
    return streamed(await response.bytes(), response, visit);
  }
  if (!TEXT.test(headers.get("content-type") ?? "")) return unchanged;
  const text = await response.text();
  if (text.length > LARGE || tracked) return streamed(encoder.encode(text), response, visit);
  return { response: new Response(text, { status, headers }), bytes: 0 };
}

/** A response of bytes as a stream. */
export function streamed(
  bytes: Uint8Array<ArrayBuffer>,
  { status, headers }: { status?: number; headers: Headers },
  visit: Visit,
): SizedAnswer {
  headers.set("content-length", String(bytes.length));
  const response = new Response(trackedStream(visit, pieces(bytes)), { status, headers });
  return { response, bytes: bytes.length };
}

const encoder = new TextEncoder();

function pieces(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      const end = Math.min(bytes.length, at + PIECE);
      if (end > at) controller.enqueue(bytes.subarray(at, end));
      at = end;
      if (at === bytes.length) controller.close();
    },
  }, { highWaterMark: 0 });
}
