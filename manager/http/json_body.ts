import type { MiddlewareHandler } from "hono";
import { type BodyLimits, bodyPieces, jsonLimits } from "./body.ts";
import { Problem } from "./problem.ts";
import type { Env } from "./env.ts";

/** How deep values may be nested. */
const DEEPEST = 64;

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
    if (raw.body !== null && type === null) {
      // The router would copy the request, and wait for its body without a limit.
      const bytes = await read(raw, limits);
      if (bytes.length > 0) {
        throw new Problem(
          415,
          "unsupported_media_type",
          "a JSON body needs the content type application/json",
        );
      }
      c.req.arrayBuffer = () => Promise.resolve(new ArrayBuffer(0));
    } else if (raw.body !== null && JSON_TYPE.test(type!)) {
      const value = parse(await read(raw, limits));
      c.req.json = <T>() => Promise.resolve(value as T);
    }
    await next();
  };
}

async function read(
  request: Request,
  limits: BodyLimits,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of bodyPieces(request, limits)) parts.push(part);
  return parts.length === 1 ? parts[0] : await new Blob(parts as BlobPart[]).bytes();
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
