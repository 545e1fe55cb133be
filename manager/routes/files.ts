import { Busboy, type BusboyFileStream } from "@fastify/busboy";
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { PutFileResult, Snapshot } from "../../src/internal.ts";
import { access } from "./access.ts";
import { bodyPieces, BrokenBody, contentLimits, declaredLength } from "../http/body.ts";
import { type BodyPart, contentStream } from "../volumes/content_stream.ts";
import { declare, disposition } from "../http/content_type.ts";
import { bytes, documented, json, text, volumeProblems } from "../http/documented.ts";
import { etagOf, rangeApplies, readConditions, writeConditions } from "../http/etag.ts";
import { onConflictOf } from "./on_conflict.ts";
import { Problem } from "../http/problem.ts";
import { type ByteRange, contentRange, rangesOf } from "../http/ranges.ts";
import type { Env } from "../http/env.ts";
import { router, VolumeParam } from "../http/router.ts";
import { trackedStream } from "../http/tracked_stream.ts";
import type { Services } from "./services.ts";
import { flag, queryOf, urlTarget, wholeNumber } from "./target.ts";
import { fromRfc3339 } from "../volumes/times.ts";
import { visitOf } from "../http/visit.ts";
import { OUTCOME } from "../api/common.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "settings" | "volumes">;

/** The routes of files' content. */
export function fileRoutes(services: RouteServices): OpenAPIHono<Env> {
  const app = router();
  for (const route of [READ, HEAD, READ_BY_QUERY, HEAD_BY_QUERY]) {
    documented(app, route, (c) => read(services, c));
  }
  for (const route of [WRITE, WRITE_BY_QUERY]) documented(app, route, (c) => write(services, c));
  for (const route of [REMOVE, REMOVE_BY_QUERY]) {
    documented(app, route, (c) => remove(services, c));
  }
  documented(app, UPLOAD, (c) => uploadForm(services, c));
  return app;
}

async function read(services: RouteServices, c: Context<Env>): Promise<Response> {
  const query = queryOf(c.req.url);
  const target = urlTarget(c.req.url, query);
  const version = wholeNumber(query, "version", 0, Number.MAX_SAFE_INTEGER);
  const saved = flag(query, "download");
  const held = await access(services, c, c.req.param("id")!);
  let streaming = false;
  try {
    const { snapshot, bytes } = await held.read(target, version);
    const release = async () => await held[Symbol.asyncDispose]();
    const response = answer(c.req.raw, snapshot, bytes, {
      saved,
      // Browsers must not cache content of encrypted volumes on disk.
      caching: held.volume.encrypted ? "no-store" : "private, no-cache",
      release,
    });
    streaming = response.body !== null && bytes === null;
    return response;
  } finally {
    if (!streaming) await held[Symbol.asyncDispose]();
  }
}

/** The response for content, whole or parts of it. */
function answer(
  request: Request,
  snapshot: Snapshot,
  bytes: Uint8Array | null,
  { saved, caching, release }: {
    saved: boolean;
    caching: string;
    release: () => Promise<void>;
  },
): Response {
  const { size } = snapshot;
  const modified = Math.floor(Number(snapshot.modifiedAt / 1_000_000n) / 1000);
  const validators = { etag: etagOf(snapshot.tag), modified };
  const basic: Record<string, string> = {
    "etag": validators.etag,
    "cache-control": caching,
    "accept-ranges": "bytes",
  };
  const date = new Date(modified * 1000);
  if (!Number.isNaN(date.getTime())) basic["last-modified"] = date.toUTCString();
  const verdict = readConditions(request.headers, validators);
  if (verdict === "not modified") return new Response(null, { status: 304, headers: basic });
  if (verdict === "failed") {
    throw new Problem(412, "precondition_failed", "the content has changed", {
      headers: { etag: validators.etag },
    });
  }
  const { type, inline } = declare(snapshot.name, saved);
  const headers: Record<string, string> = {
    ...basic,
    "content-type": type,
    "content-disposition": disposition(snapshot.name, inline),
    "x-content-type-options": "nosniff",
    "content-security-policy": SANDBOX,
    "cross-origin-resource-policy": "same-origin",
    "aloelite-node": snapshot.node,
    "aloelite-version": String(snapshot.version),
  };
  // RFC 9110, 14.2: Range is defined for GET only.
  const wanted = request.method === "GET" && rangeApplies(request.headers, validators)
    ? rangesOf(request.headers.get("range"), size)
    : null;
  if (wanted?.length === 0) {
    throw new Problem(416, "range_not_satisfiable", `the content has ${size} bytes`, {
      headers: { "content-range": `bytes */${size}`, "accept-ranges": "bytes" },
    });
  }
  const part = ({ start, end }: ByteRange): BodyPart =>
    bytes === null ? { snapshot, start, end } : bytes.subarray(start, end + 1);
  let status = 200;
  let parts: BodyPart[];
  let length = size;
  if (wanted === null) {
    parts = size === 0 ? [] : [part({ start: 0, end: size - 1 })];
  } else if (wanted.length === 1) {
    status = 206;
    parts = [part(wanted[0])];
    length = wanted[0].end - wanted[0].start + 1;
    headers["content-range"] = contentRange(wanted[0], size);
  } else {
    status = 206;
    const boundary = crypto.randomUUID();
    headers["content-type"] = `multipart/byteranges; boundary=${boundary}`;
    const text = (lines: string) => new TextEncoder().encode(lines);
    parts = wanted.flatMap((range, i) => [
      text(
        `${i === 0 ? "" : "\r\n"}--${boundary}\r\ncontent-type: ${type}\r\n` +
          `content-range: ${contentRange(range, size)}\r\n\r\n`,
      ),
      part(range),
    ]);
    parts.push(text(`\r\n--${boundary}--\r\n`));
    length = parts.reduce(
      (sum, one) => sum + (one instanceof Uint8Array ? one.length : one.end - one.start + 1),
      0,
    );
  }
  headers["content-length"] = String(length);
  if (request.method === "HEAD" || length === 0) return new Response(null, { status, headers });
  if (bytes === null) {
    const stream = trackedStream(visitOf(request), contentStream(parts, release));
    return new Response(stream, { status, headers });
  }
  const [first] = parts as Uint8Array<ArrayBuffer>[];
  const body = parts.length === 1 ? first : new Blob(parts as Uint8Array<ArrayBuffer>[]);
  return new Response(body, { status, headers });
}

/** The policy of content that a browser shows: no scripts, no requests to elsewhere. */
const SANDBOX = "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self'; " +
  "style-src 'unsafe-inline'; frame-ancestors 'self'";

async function write(services: RouteServices, c: Context<Env>): Promise<Response> {
  const { headers } = c.req.raw;
  if (headers.has("content-range")) {
    throw new Problem(400, "invalid", "a part of a file cannot be written: use an upload");
  }
  const limits = contentLimits(services.settings.limits);
  declaredLength(headers, limits);
  const query = queryOf(c.req.url);
  const target = urlTarget(c.req.url, query);
  const conditions = writeConditions(headers);
  const options = {
    parents: flag(query, "parents"),
    onConflict: onConflictOf(query.get("on_conflict")),
    ...modifiedAt(query.get("modified_at")),
    conditions,
  };
  await using held = await access(services, c, c.req.param("id")!);
  const { tag, ...result } = await held.write(target, bodyPieces(c.req.raw, limits), options);
  const { created } = result;
  return c.json(storedJson(result), created ? 201 : 200, {
    ...(tag === null ? {} : { etag: etagOf(tag) }),
    ...(created ? { location: fileUrl(held.volume.id, result.path) } : {}),
  });
}

/** The JSON of a file that was written or skipped. */
function storedJson({ node, version, size, path, outcome, replaced }: PutFileResult) {
  return { node, version, size, path, outcome, replaced };
}

async function remove(services: RouteServices, c: Context<Env>): Promise<Response> {
  const query = queryOf(c.req.url);
  const target = urlTarget(c.req.url, query);
  const recursive = flag(query, "recursive");
  const conditions = writeConditions(c.req.raw.headers);
  await using held = await access(services, c, c.req.param("id")!);
  await held.remove(target, { recursive, conditions });
  return c.body(null, 204);
}

async function uploadForm(services: RouteServices, c: Context<Env>): Promise<Response> {
  const type = c.req.header("content-type") ?? "";
  if (!/^multipart\/form-data\s*;.*boundary=/i.test(type)) {
    throw new Problem(415, "unsupported_media_type", "files come as multipart/form-data");
  }
  const limits = contentLimits(services.settings.limits);
  declaredLength(c.req.raw.headers, limits);
  const query = queryOf(c.req.url);
  const directory = query.get("path") ?? "/";
  const onConflict = onConflictOf(query.get("on_conflict"));
  await using held = await access(services, c, c.req.param("id")!);
  const write = await held.writerInto(directory, onConflict);
  const files: ReturnType<typeof storedJson>[] = [];
  await eachFile(type, bodyPieces(c.req.raw, limits), async (name, pieces) => {
    files.push(storedJson(await write(name, pieces)));
  });
  return c.json({ files }, 201);
}

/** Reads the files of a form one after the other, as streams. */
async function eachFile(
  type: string,
  body: AsyncIterable<Uint8Array>,
  take: (name: string, pieces: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  let form: ReturnType<typeof Busboy>;
  try {
    form = Busboy({ headers: { "content-type": type }, preservePath: true });
  } catch (error) {
    throw new Problem(400, "invalid", "the form has no boundary", { cause: error });
  }
  let failure: unknown = null;
  let open: BusboyFileStream | null = null;
  // One at a time: the next file waits until this one has been read.
  let taking: Promise<void> = Promise.resolve();
  // A form does not emit `finish` if one of its files was not read to its end.
  const failed = Promise.withResolvers<void>();
  const fail = (error: unknown) => {
    failure ??= error;
    open?.destroy(error as Error);
    failed.resolve();
  };
  form.on("file", (_field, stream, name) => {
    open = stream;
    stream.on("error", () => {});
    taking = taking.then(async () => {
      if (failure !== null) return;
      try {
        if (name === undefined) throw new Problem(400, "nameless", "a file has no name");
        // Clients encode a quote in a quoted name so (HTML, multipart/form-data).
        await take(name.replaceAll("%22", '"'), stream);
      } catch (error) {
        fail(error);
      }
    });
  });
  const ended = new Promise<void>((resolve) => {
    form.on("finish", resolve);
    form.on("error", (error) => {
      fail(new BrokenBody(error));
      resolve();
    });
  });
  try {
    for await (const piece of body) {
      if (failure !== null) break;
      const room = form.write(piece as never);
      if (!room) await drained(form, () => failure !== null, ended);
    }
    if (failure === null) {
      form.end();
      await Promise.race([ended, failed.promise]);
    }
  } catch (error) {
    fail(error);
  }
  await taking;
  if (failure !== null) throw failure;
}

async function drained(
  form: ReturnType<typeof Busboy>,
  failed: () => boolean,
  ended: Promise<void>,
): Promise<void> {
  let timer: ReturnType<typeof setInterval> | undefined;
  await Promise.race([
    new Promise<void>((resolve) => form.once("drain", () => resolve())),
    ended,
    new Promise<void>((resolve) => {
      timer = setInterval(() => failed() && resolve(), 20);
    }),
  ]);
  clearInterval(timer);
}

/** Parses the modification time of a request. @throws {Problem} 400. */
export function modifiedAt(wish: string | null): { modifiedAt?: bigint } {
  if (wish === null) return {};
  const at = fromRfc3339(wish);
  if (at === null) throw new Problem(400, "invalid", "modified_at: a time as RFC 3339 has it");
  return { modifiedAt: at };
}

/** The URL of a file's content. */
export function fileUrl(volume: string, path: string): string {
  const names = path.split("/").filter((name) => name !== "").map(encodeURIComponent);
  return `/volumes/${volume}/files/${names.join("/")}`;
}

const PathParams = VolumeParam.extend({
  path: z.string().openapi({
    param: { name: "path", in: "path" },
    description: "The path from the top of the volume, each name escaped, slashes not",
  }),
});

const READ_QUERY = {
  version: text("A version that is kept, instead of the current one"),
  download: text("`1`: to be saved, whatever it is"),
};

const READ_HEADERS = z.object({
  "range": z.string().optional(),
  "if-range": z.string().optional(),
  "if-match": z.string().optional(),
  "if-none-match": z.string().optional(),
  "if-modified-since": z.string().optional(),
  "if-unmodified-since": z.string().optional(),
});

const READ_RESPONSES = {
  200: { description: "The content", content: bytes() },
  206: { description: "Parts of the content", content: bytes() },
  304: { description: "The client has the current content" },
  ...volumeProblems(412, 416),
};

const HEAD_RESPONSES = Object.fromEntries(
  Object.entries(READ_RESPONSES).map(([status, { description }]) => [status, { description }]),
);

const NODE_QUERY = {
  path: text("The path, where the URL has none"),
  node: text("The node's id, where the URL has no path"),
};

const BASE = { path: "/volumes/{id}/files/{path}" as const, tags: ["files"] };
const BY_QUERY = { path: "/volumes/{id}/files" as const, tags: ["files"] };

const READ = {
  ...BASE,
  method: "get" as const,
  summary: "Read a file, or parts of it",
  request: { params: PathParams, query: z.object(READ_QUERY), headers: READ_HEADERS },
  responses: READ_RESPONSES,
};
const HEAD = {
  ...READ,
  method: "head" as const,
  summary: "Get the headers of a read",
  responses: HEAD_RESPONSES,
};
const READ_BY_QUERY = {
  ...READ,
  ...BY_QUERY,
  request: {
    params: VolumeParam,
    query: z.object({ ...NODE_QUERY, ...READ_QUERY }),
    headers: READ_HEADERS,
  },
};
const HEAD_BY_QUERY = {
  ...READ_BY_QUERY,
  method: "head" as const,
  summary: "Get the headers of a read",
  responses: HEAD_RESPONSES,
};

const ON_CONFLICT_TEXT = text(
  "Where the name is taken: `replace` by a new version (the default), `skip`, `rename`, `fail`",
);

const WRITE_QUERY = {
  parents: text("`1`: missing directories are made"),
  modified_at: text("The modification time that it gets, RFC 3339"),
  on_conflict: ON_CONFLICT_TEXT,
};
const CONDITIONS = z.object({
  "if-match": z.string().optional(),
  "if-none-match": z.string().optional(),
});
const Stored = z.object({
  node: z.string(),
  version: z.number().int(),
  size: z.number().int(),
  path: z.string(),
  outcome: OUTCOME,
  replaced: z.number().int().nullable().openapi({
    description: "The version that was replaced; it is in the history",
  }),
}).openapi("StoredFile");

const WRITE = {
  ...BASE,
  method: "put" as const,
  summary: "Write a file: all of it, or nothing",
  request: {
    params: PathParams,
    query: z.object(WRITE_QUERY),
    headers: CONDITIONS,
    body: { content: bytes() },
  },
  responses: {
    200: json(Stored, "A new version was written, or the file was skipped"),
    201: json(Stored, "A new file was written"),
    ...volumeProblems(403, 408, 412, 413, 422, 423, 507),
  },
};
const WRITE_BY_QUERY = {
  ...WRITE,
  ...BY_QUERY,
  request: {
    ...WRITE.request,
    params: VolumeParam,
    query: z.object({ ...NODE_QUERY, ...WRITE_QUERY }),
  },
};

const REMOVE = {
  ...BASE,
  method: "delete" as const,
  summary: "Move a node to the trash",
  request: {
    params: PathParams,
    query: z.object({ recursive: text("`1`: a directory with all that is in it") }),
    headers: CONDITIONS,
  },
  responses: {
    204: { description: "The node is in the trash" },
    ...volumeProblems(403, 412, 423, 507),
  },
};
const REMOVE_BY_QUERY = {
  ...REMOVE,
  ...BY_QUERY,
  request: {
    ...REMOVE.request,
    params: VolumeParam,
    query: REMOVE.request.query.extend(NODE_QUERY),
  },
};

const UPLOAD = {
  ...BY_QUERY,
  method: "post" as const,
  summary: "Write the files of a form, each completely or not at all",
  request: {
    params: VolumeParam,
    query: z.object({
      path: text("The directory that they go to"),
      on_conflict: ON_CONFLICT_TEXT,
    }),
    body: {
      required: true,
      content: {
        "multipart/form-data": {
          schema: {
            type: "object",
            properties: { file: { type: "string", format: "binary" } },
          } as const,
        },
      },
    },
  },
  responses: {
    201: json(
      z.object({ files: z.array(Stored) }),
      "They are there",
    ),
    ...volumeProblems(403, 408, 413, 415, 422, 423, 507),
  },
};
