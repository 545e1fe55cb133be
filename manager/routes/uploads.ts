import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AloeError } from "../../src/errors.ts";
import type { PutFileResult } from "../../src/internal.ts";
import { access } from "./access.ts";
import { bodyPieces, contentLimits, declaredLength } from "../http/body.ts";
import { bytes, documented, json, volumeProblems } from "../http/documented.ts";
import type { Env } from "../http/env.ts";
import { Problem } from "../http/problem.ts";
import { router, VolumeParam } from "../http/router.ts";
import type { Services } from "./services.ts";
import { toRfc3339 } from "../volumes/times.ts";
import {
  byteCount,
  checksumOf,
  requireVersion,
  targetOfMetadata,
  TUS_CHECKSUMS,
  TUS_EXTENSIONS,
  TUS_VERSION,
} from "./tus.ts";
import {
  type PendingUpload,
  UploadBusy,
  type UploadPiece,
  type UploadService,
  WrongOffset,
} from "../volumes/upload_service.ts";
import type { OpenVolume } from "../volumes/volume_service.ts";
import { UploadSchema } from "../api/uploads.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "settings" | "uploads" | "volumes">;

/** The routes of uploads that a client can resume: tus 1.0.0. */
export function uploadRoutes(services: RouteServices): OpenAPIHono<Env> {
  const app = router();
  documented(app, OPTIONS, () => options(services));
  documented(app, LIST, async (c) => {
    await using held = await access(services, c, c.req.param("id")!);
    const uploads = await services.uploads.list(held);
    return c.json({ uploads: uploads.map(uploadJson) });
  });
  documented(app, CREATE, (c) => create(services, c));
  for (const route of [HEAD, GET_ONE]) documented(app, route, (c) => getUpload(services, c));
  documented(app, RESUME, (c) => resume(services, c));
  documented(app, ABORT, async (c) => {
    requireVersion(c.req.raw.headers);
    const id = uploadId(c);
    await using held = await access(services, c, c.req.param("id")!);
    await asTus(() => services.uploads.abort(held, id));
    return noContent({});
  });
  return app;
}

function options({ uploads }: RouteServices): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...COMMON,
      "tus-version": TUS_VERSION,
      "tus-extension": TUS_EXTENSIONS,
      "tus-checksum-algorithm": TUS_CHECKSUMS.join(","),
      "tus-max-size": String(uploads.maxBytes),
    },
  });
}

async function create(services: RouteServices, c: Context<Env>): Promise<Response> {
  const { uploads } = services;
  const { headers } = c.req.raw;
  requireVersion(headers);
  const length = byteCount(headers, "upload-length");
  const deferred = headers.get("upload-defer-length");
  if (deferred !== null && deferred !== "1") {
    throw new Problem(400, "invalid", "Upload-Defer-Length: 1, or nothing");
  }
  if ((length === null) === (deferred === null)) {
    throw new Problem(400, "invalid", "either Upload-Length or Upload-Defer-Length");
  }
  uploads.checkLength(length);
  const target = targetOfMetadata(headers.get("upload-metadata"));
  const piece = headers.get("content-type") === PIECE_TYPE ? pieceOf(services, c, 0) : null;
  await using held = await access(services, c, c.req.param("id")!);
  const id = await uploads.begin(held, target, length);
  const offset = piece === null && length !== 0
    ? 0
    : await asTus(() => uploads.append(held, id, piece));
  return new Response(null, {
    status: 201,
    headers: {
      ...COMMON,
      "location": `/volumes/${held.volume.id}/uploads/${id}`,
      "upload-offset": String(offset),
      ...await outcomeOrExpiry(uploads, held, id),
    },
  });
}

async function getUpload(services: RouteServices, c: Context<Env>): Promise<Response> {
  const { uploads } = services;
  const isHead = c.req.raw.method === "HEAD";
  if (isHead) requireVersion(c.req.raw.headers);
  const id = uploadId(c);
  await using held = await access(services, c, c.req.param("id")!);
  const finished = uploads.finished(id);
  if (finished !== null) {
    return new Response(null, {
      status: 200,
      headers: {
        ...COMMON,
        "upload-offset": String(finished.size),
        "upload-length": String(finished.size),
        ...outcomeHeaders(finished.result),
      },
    });
  }
  const session = c.get("session");
  const openForWriting = () => services.volumes.open(held.volume.id, { session, write: true });
  const upload = await asTus(() => uploads.get(held, id, openForWriting));
  const headers = {
    ...COMMON,
    "content-type": "application/json",
    "upload-offset": String(upload.size),
    "upload-expires": httpDate(upload.expiresAt),
    ...(upload.length === null
      ? { "upload-defer-length": "1" }
      : { "upload-length": String(upload.length) }),
  };
  const body = isHead ? null : JSON.stringify(uploadJson(upload));
  return new Response(body, { status: 200, headers });
}

async function resume(services: RouteServices, c: Context<Env>): Promise<Response> {
  const { uploads } = services;
  const { headers } = c.req.raw;
  requireVersion(headers);
  if (headers.get("content-type") !== PIECE_TYPE) {
    throw new Problem(415, "unsupported_media_type", `a piece is ${PIECE_TYPE}`);
  }
  const id = uploadId(c);
  const offset = byteCount(headers, "upload-offset");
  if (offset === null) throw new Problem(400, "invalid", "Upload-Offset is required");
  const length = byteCount(headers, "upload-length");
  uploads.checkLength(length);
  const piece = pieceOf(services, c, offset);
  await using held = await access(services, c, c.req.param("id")!);
  return await asTus(async () => {
    const finished = uploads.finished(id);
    if (finished !== null) {
      const { size, result } = finished;
      if (offset !== size) throw new WrongOffset(size);
      return noContent({ "upload-offset": String(size), ...outcomeHeaders(result) });
    }
    const reached = await uploads.append(held, id, piece, length);
    return noContent({
      "upload-offset": String(reached),
      ...await outcomeOrExpiry(uploads, held, id),
    });
  });
}

/** The piece that a request brings. */
function pieceOf({ settings }: RouteServices, c: Context<Env>, offset: number): UploadPiece {
  const limits = contentLimits(settings.limits);
  return {
    offset,
    announced: declaredLength(c.req.raw.headers, limits) ?? 0,
    body: (limit) => bodyPieces(c.req.raw, { ...limits, bytes: limit }),
    checksum: checksumOf(c.req.raw.headers),
  };
}

/** Adds the headers of the protocol to problems of uploads. */
async function asTus<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof WrongOffset) && !(error instanceof UploadBusy)) throw error;
    const { status, code, detail, headers } = error;
    const offset: Record<string, string> = error instanceof WrongOffset
      ? { "upload-offset": String(error.offset) }
      : {};
    throw new Problem(status, code, detail, { headers: { ...headers, ...COMMON, ...offset } });
  }
}

async function outcomeOrExpiry(
  uploads: UploadService,
  held: OpenVolume,
  id: string,
): Promise<Record<string, string>> {
  const finished = uploads.finished(id);
  if (finished !== null) return outcomeHeaders(finished.result);
  return { "upload-expires": httpDate(await uploads.expiryOf(held, id)) };
}

function uploadJson({ id, target, size, length, active, createdAt, expiresAt }: PendingUpload) {
  const { path, modifiedAt } = target;
  return {
    id,
    path,
    offset: size,
    length,
    modified_at: modifiedAt === undefined ? null : toRfc3339(modifiedAt),
    active,
    created_at: toRfc3339(createdAt),
    expires_at: toRfc3339(expiresAt),
  };
}

/** Formats a time, ns, for headers. */
function httpDate(time: bigint): string {
  return new Date(Number(time / 1_000_000n)).toUTCString();
}

const PIECE_TYPE = "application/offset+octet-stream";

const COMMON: Record<string, string> = {
  "tus-resumable": TUS_VERSION,
  "cache-control": "no-store",
};

function noContent(headers: Record<string, string>): Response {
  return new Response(null, { status: 204, headers: { ...COMMON, ...headers } });
}

function uploadId(c: Context<Env>): string {
  const id = c.req.param("upload")!;
  if (!/^[0-9a-f-]{36}$/.test(id)) throw new AloeError("not_found", `${id}: no such upload`);
  return id;
}

/** The result of a finished upload, in headers, since its responses have no body. */
function outcomeHeaders({ node, version, path, outcome, replaced }: PutFileResult) {
  return {
    "aloelite-node": node,
    "aloelite-version": String(version),
    "aloelite-path": encodeURI(path),
    "aloelite-outcome": outcome,
    ...(replaced === null ? {} : { "aloelite-replaced": String(replaced) }),
  };
}

const ALL = { path: "/volumes/{id}/uploads" as const, tags: ["uploads"] };
const ONE = { path: "/volumes/{id}/uploads/{upload}" as const, tags: ["uploads"] };

const UploadParams = VolumeParam.extend({
  upload: z.string().openapi({ param: { name: "upload", in: "path" } }),
});

const Resumable = z.object({
  "tus-resumable": z.string().openapi({ description: `\`${TUS_VERSION}\``, example: TUS_VERSION }),
});

const CHECKSUM_PROBLEM = {
  460: {
    description: "The checksum does not match",
    content: volumeProblems()[400].content,
  },
};

const OPTIONS = {
  ...ALL,
  method: "options" as const,
  summary: "Get the supported options of tus 1.0.0",
  request: { params: VolumeParam },
  responses: { 204: { description: "In headers" }, ...volumeProblems() },
};

const LIST = {
  ...ALL,
  method: "get" as const,
  summary: "List the unfinished uploads",
  request: { params: VolumeParam },
  responses: {
    200: json(z.object({ uploads: z.array(UploadSchema) }), "Oldest first"),
    ...volumeProblems(),
  },
};

const CREATE = {
  ...ALL,
  method: "post" as const,
  summary: "Create an upload (tus 1.0.0), with its first piece if there is a body",
  request: {
    params: VolumeParam,
    headers: Resumable.extend({
      "upload-length": z.string().optional(),
      "upload-defer-length": z.string().optional(),
      "upload-metadata": z.string().optional().openapi({
        description: "`path`, and maybe `on_conflict` (`replace` by default, `skip`, `rename`, " +
          "`fail`), `parents`, `modified_at`; values in base64",
      }),
      "upload-checksum": z.string().optional(),
    }),
    body: { content: bytes(PIECE_TYPE) },
  },
  responses: {
    201: { description: "It has started; Location has its URL" },
    ...volumeProblems(403, 408, 412, 413, 422, 423, 507),
    ...CHECKSUM_PROBLEM,
  },
};

const GET_ONE = {
  ...ONE,
  method: "get" as const,
  summary: "Get how much of an upload was received",
  request: { params: UploadParams },
  responses: { 200: json(UploadSchema, "The upload"), ...volumeProblems(403, 412, 422, 423, 507) },
};

const HEAD = {
  ...ONE,
  method: "head" as const,
  summary: "Get how much of an upload was received",
  request: { params: UploadParams, headers: Resumable },
  responses: {
    200: { description: "In Upload-Offset" },
    ...Object.fromEntries(
      Object.entries(volumeProblems(403, 412, 422, 423, 507)).map((
        [status, { description }],
      ) => [status, { description }]),
    ),
  },
};

const RESUME = {
  ...ONE,
  method: "patch" as const,
  summary: "Resume an upload with its next piece",
  request: {
    params: UploadParams,
    headers: Resumable.extend({
      "upload-offset": z.string(),
      "upload-length": z.string().optional(),
      "upload-checksum": z.string().optional(),
    }),
    body: { required: true, content: bytes(PIECE_TYPE) },
  },
  responses: {
    204: { description: "The piece was stored; with the last one the file is written" },
    ...volumeProblems(403, 408, 412, 413, 415, 422, 423, 507),
    ...CHECKSUM_PROBLEM,
  },
};

const ABORT = {
  ...ONE,
  method: "delete" as const,
  summary: "Abort an upload",
  request: { params: UploadParams, headers: Resumable },
  responses: { 204: { description: "It is gone" }, ...volumeProblems(403, 412, 423, 507) },
};
