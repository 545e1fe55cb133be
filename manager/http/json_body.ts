import type { MiddlewareHandler } from "hono";
import { type BodyLimits, bodyPieces, declaredLength, jsonLimits } from "./body.ts";
import { BodyMemory, BodyReader, type BodyShare, free } from "./body_memory.ts";
import { Problem } from "./problem.ts";
import type { Env } from "./env.ts";

/** How deep values may be nested. */
const DEEPEST = 64;

/** Bytes of all JSON bodies that are read, or worked on. */
const memory = new BodyMemory(64 * 1024 * 1024, false);

/** What every body may have besides, bytes. */
const SMALL = 16 * 1024;

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/**
 * Reads a JSON body within its limits, before it is validated. A body of another
 * type is not read.
 *
 * @param most The limit of its length.
 * @throws {Problem} 400, 408, 413; 415 for a body without a type.
 */
export function jsonBody(most: "jsonBytes" | "taskBytes"): MiddlewareHandler<Env> {
  return async (c, next) => {
    const { raw } = c.req;
    const limits = { ...jsonLimits(c.env.limits), bytes: c.env.limits[most] };
    const type = raw.headers.get("content-type");
    using held = new Held();
    if (raw.body !== null && type === null) {
      // The router would copy the request, and wait for its body without a limit.
      const bytes = await read(raw, limits, held);
      if (bytes.length > 0) {
        throw new Problem(
          415,
          "unsupported_media_type",
          "a JSON body needs the content type application/json",
        );
      }
      c.req.arrayBuffer = () => Promise.resolve(new ArrayBuffer(0));
    } else if (raw.body !== null && JSON_TYPE.test(type!)) {
      const value = parse(await read(raw, limits, held));
      c.req.json = <T>() => Promise.resolve(value as T);
    }
    await next();
  };
}

/** The memory of one body, until its request has been worked on. */
class Held implements Disposable {
  share: BodyShare | null = null;

  [Symbol.dispose](): void {
    this.share?.[Symbol.dispose]();
  }
}

async function read(request: Request, limits: BodyLimits, held: Held): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const reader = new BodyReader(bodyPieces(request, limits));
  let size = 0;
  try {
    for (let part; (part = await reader.read(held.share)) !== null;) {
      if (part === "wanted") {
        parts.forEach(free);
        throw new Problem(503, "busy", "the body came too slowly while others waited", {
          headers: { "retry-after": "1" },
        });
      }
      parts.push(part);
      size += part.length;
      if (size <= SMALL || held.share !== null) continue;
      // All of it at once: bodies that have a part each would wait for one another.
      held.share = await memory.take(declaredLength(request.headers, limits) ?? limits.bytes);
    }
  } finally {
    reader.end();
  }
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
    free(part);
  }
  return whole;
}

function parse(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (!isDeep(text)) return JSON.parse(text);
  } catch {
    throw new Problem(400, "invalid", "the body is not JSON");
  }
  throw new Problem(
    400,
    "invalid",
    `the values of the body may be nested ${DEEPEST} deep at most`,
  );
}

/**
 * Whether values are nested too deep. It scans the text, since parsing it may
 * overflow the stack, in linear time, also for text that is no JSON.
 */
function isDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const mark = text[i];
    if (quoted) {
      if (mark === "\\") i++;
      else if (mark === '"') quoted = false;
    } else if (mark === '"') quoted = true;
    else if (mark === "[" || mark === "{") {
      if (++depth > DEEPEST) return true;
    } else if (mark === "]" || mark === "}") depth--;
  }
  return false;
}
