import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AloeError } from "../../src/errors.ts";
import * as ops from "../../src/ops.ts";
import { access } from "./access.ts";
import type { Access } from "../volumes/access.ts";
import { bodyPieces, declaredLength } from "../http/body.ts";
import { bytes, documented, json, volumeProblems } from "../http/documented.ts";
import { Problem } from "../http/problem.ts";
import type { Env } from "../http/env.ts";
import { router, VolumeParam } from "../http/router.ts";
import type { Services } from "./services.ts";
import { toRfc3339 } from "../volumes/times.ts";
import {
  byteCount,
  type Checksum,
  checksumOf,
  goalFrom,
  goalOf,
  noteOf,
  requireVersion,
  TUS_CHECKSUMS,
  TUS_EXTENSIONS,
  TUS_VERSION,
  type UploadTarget,
} from "../volumes/tus.ts";
import { stagePiece } from "../volumes/staged_piece.ts";
import { checkBeforeBody } from "../volumes/store.ts";
import { uploadRoom } from "../volumes/upload_room.ts";
import { bodyLimits } from "./files.ts";

/** Finished uploads that are remembered, for clients that did not hear of it. */
const MOST_FINISHED = 1000;

/** How often creating an upload looks for expired ones, ms. */
const SWEEP_MS = 60_000;

/** Uploads that can be gone on with: tus 1.0.0. What has come is in the volume. */
export function uploadRoutes(services: Services): OpenAPIHono<Env> {
  const app = router();
  const uploads = new Uploads(services);
  documented(app, OPTIONS, () => uploads.options());
  documented(app, LIST, (c) => uploads.list(c));
  documented(app, CREATE, (c) => uploads.create(c));
  documented(app, HEAD, (c) => uploads.look(c));
  documented(app, LOOK, (c) => uploads.look(c));
  documented(app, GO_ON, (c) => uploads.resume(c));
  documented(app, GIVE_UP, (c) => uploads.abort(c));
  return app;
}

class Uploads {
  readonly #services: Services;
  /** Those that a request is writing. */
  readonly #running = new Set<string>();
  /** Those that were finished a while ago: their lengths, and what became of them. */
  readonly #finished = new Map<string, { size: number; result: ops.PutFileResult }>();
  /** When a filesystem was swept last. */
  readonly #swept = new Map<string, number>();

  constructor(services: Services) {
    this.#services = services;
  }

  options(): Response {
    return new Response(null, {
      status: 204,
      headers: {
        ...COMMON,
        "tus-version": TUS_VERSION,
        "tus-extension": TUS_EXTENSIONS,
        "tus-checksum-algorithm": TUS_CHECKSUMS.join(","),
        "tus-max-size": String(this.#services.settings.limits.uploadBytes),
      },
    });
  }

  async list(c: Context<Env>): Promise<Response> {
    await using held = await access(this.#services, c, c.req.param("id")!);
    const all = await ops.listUploads(held.fs.db, held.mount.handle);
    const uploads = all.filter(({ note }) => note !== "").map((one) => this.#json(one));
    return c.json({ uploads });
  }

  async create(c: Context<Env>): Promise<Response> {
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
    this.#requireRoom(length);
    const goal = goalOf(headers.get("upload-metadata"));
    const withBody = headers.get("content-type") === PIECE_TYPE;
    const checksum = withBody ? checksumOf(headers) : null;
    await using held = await access(this.#services, c, c.req.param("id")!);
    const { fs, mount, volume } = held;
    await this.#sweep(held);
    await checkBeforeBody({ fs, mount, path: goal.path }, writeOptions(goal));
    const { uploadMs } = this.#services.settings.limits;
    const { id } = await ops.beginUpload(fs.db, mount.handle, {
      length,
      note: noteOf(goal),
      ttl: uploadMs,
    });
    const answer = withBody || length === 0
      ? await this.#alone(id, () => this.#write(c, held, id, 0, withBody, checksum))
      : { offset: 0 };
    return new Response(null, {
      status: 201,
      headers: {
        ...COMMON,
        "location": `/volumes/${volume.id}/uploads/${id}`,
        "upload-offset": String(answer.offset),
        ...await this.#outcomeOrExpiry(held, id),
      },
    });
  }

  async look(c: Context<Env>): Promise<Response> {
    if (c.req.raw.method === "HEAD") requireVersion(c.req.raw.headers);
    const id = uploadId(c);
    await using held = await access(this.#services, c, c.req.param("id")!);
    const finished = this.#finished.get(id);
    if (finished !== undefined) {
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
    const upload = await ops.getUpload(held.fs.db, held.mount.handle, id);
    const goal = goalFrom(upload);
    if (upload.size === upload.length && !this.#running.has(id)) {
      // All of it is here, but whoever was to finish it died before.
      await using writing = await this.#services.volumes.open(c.req.param("id")!, {
        session: c.get("session"),
        write: true,
      });
      await this.#alone(id, () => this.#finish(writing, upload, goal));
    }
    const headers = {
      ...COMMON,
      "content-type": "application/json",
      "upload-offset": String(upload.size),
      "upload-expires": new Date(Number(upload.expiresAt / 1_000_000n)).toUTCString(),
      ...(upload.length === null
        ? { "upload-defer-length": "1" }
        : { "upload-length": String(upload.length) }),
    };
    const body = c.req.raw.method === "HEAD" ? null : JSON.stringify(this.#json(upload));
    return new Response(body, { status: 200, headers });
  }

  async resume(c: Context<Env>): Promise<Response> {
    const { headers } = c.req.raw;
    requireVersion(headers);
    if (headers.get("content-type") !== PIECE_TYPE) {
      throw new Problem(415, "unsupported_media_type", `a piece is ${PIECE_TYPE}`);
    }
    const id = uploadId(c);
    const offset = byteCount(headers, "upload-offset");
    if (offset === null) throw new Problem(400, "invalid", "Upload-Offset is needed");
    const length = byteCount(headers, "upload-length");
    this.#requireRoom(length);
    const checksum = checksumOf(headers);
    await using held = await access(this.#services, c, c.req.param("id")!);
    const finished = this.#finished.get(id);
    if (finished !== undefined) {
      const { size, result } = finished;
      if (offset !== size) throw wrongOffset(size);
      return noContent({ "upload-offset": String(size), ...outcomeHeaders(result) });
    }
    const { offset: reached } = await this.#alone(id, async () => {
      if (length !== null) {
        await ops.setLengthOfUpload(held.fs.db, held.mount.handle, id, length);
      }
      return await this.#write(c, held, id, offset, true, checksum);
    });
    return noContent({
      "upload-offset": String(reached),
      ...await this.#outcomeOrExpiry(held, id),
    });
  }

  async abort(c: Context<Env>): Promise<Response> {
    requireVersion(c.req.raw.headers);
    const id = uploadId(c);
    await using held = await access(this.#services, c, c.req.param("id")!);
    await this.#alone(id, async () => {
      const { db } = held.fs;
      goalFrom(await ops.getUpload(db, held.mount.handle, id));
      await ops.dropUpload(db, held.mount.handle, id);
      await ops.reclaimAll(db);
    });
    return noContent({});
  }

  /** Takes the body, keeps what has come of it however it ends, and finishes what is complete. */
  async #write(
    c: Context<Env>,
    held: Access,
    id: string,
    offset: number,
    withBody: boolean,
    checksum: Checksum | null,
  ): Promise<{ offset: number }> {
    const { fs: { db }, mount: { handle } } = held;
    const upload = await ops.getUpload(db, handle, id);
    const goal = goalFrom(upload);
    if (offset !== upload.size) throw wrongOffset(upload.size);
    const limits = bodyLimits(this.#services);
    const most = Math.min(limits.bytes, upload.length ?? Infinity);
    const announced = declaredLength(c.req.raw.headers, limits) ?? 0;
    if (withBody && offset + announced > most) {
      throw new Problem(413, "too_large", `the upload has ${most} bytes at most`);
    }
    let size = offset;
    if (withBody) {
      const pieces = bodyPieces(c.req.raw, { ...limits, bytes: most - offset });
      await using staged = checksum === null ? null : await stagePiece(held, pieces, checksum);
      const { uploadMs } = this.#services.settings.limits;
      using _room = await uploadRoom(held.volume.chunkSize);
      const writer = await ops.openUpload(db, handle, id, { ttl: uploadMs, limit: limits.bytes });
      try {
        for await (const piece of staged?.pieces() ?? pieces) await writer.write(piece);
      } finally {
        await writer.close();
        size = writer.size;
      }
    }
    if (size === upload.length) await this.#finish(held, { ...upload, size }, goal);
    return { offset: size };
  }

  async #finish(held: Access, upload: ops.UploadInfo, goal: UploadTarget): Promise<void> {
    const { fs, mount, volume } = held;
    const options = writeOptions(goal);
    const result = await ops.finishUpload(fs.db, mount.handle, upload.id, goal.path, options);
    this.#finished.set(upload.id, { size: upload.size, result });
    if (this.#finished.size > MOST_FINISHED) {
      this.#finished.delete(this.#finished.keys().next().value!);
    }
    if (result.outcome === "skipped") return void await ops.reclaimAll(fs.db);
    this.#services.feed.publishAt("changed", volume, result.path);
  }

  #json(upload: ops.UploadInfo) {
    const { path, modifiedAt } = goalFrom(upload);
    return {
      id: upload.id,
      path,
      offset: upload.size,
      length: upload.length,
      modified_at: modifiedAt === undefined ? null : toRfc3339(modifiedAt),
      active: this.#running.has(upload.id),
      created_at: toRfc3339(upload.createdAt),
      expires_at: toRfc3339(upload.expiresAt),
    };
  }

  /** One request at a time writes an upload. @throws {Problem} 423. */
  async #alone<T>(id: string, task: () => Promise<T>): Promise<T> {
    if (this.#running.has(id)) {
      throw new Problem(423, "lock_held", `${id}: another request is writing this upload`, {
        headers: { ...COMMON, "retry-after": "1" },
      });
    }
    this.#running.add(id);
    try {
      return await task();
    } finally {
      this.#running.delete(id);
    }
  }

  async #outcomeOrExpiry(held: Access, id: string): Promise<Record<string, string>> {
    const finished = this.#finished.get(id);
    if (finished !== undefined) return outcomeHeaders(finished.result);
    const { expiresAt } = await ops.getUpload(held.fs.db, held.mount.handle, id);
    return { "upload-expires": new Date(Number(expiresAt / 1_000_000n)).toUTCString() };
  }

  async #sweep({ fs, volume }: Access): Promise<void> {
    const last = this.#swept.get(volume.fsId) ?? -Infinity;
    if (performance.now() - last < SWEEP_MS) return;
    this.#swept.set(volume.fsId, performance.now());
    await ops.clearAbandoned(fs.db);
  }

  #requireRoom(length: number | null): void {
    const { uploadBytes } = this.#services.settings.limits;
    if (length === null || length <= uploadBytes) return;
    throw new Problem(413, "too_large", `an upload has ${uploadBytes} bytes at most`);
  }
}

const PIECE_TYPE = "application/offset+octet-stream";

const COMMON: Record<string, string> = {
  "tus-resumable": TUS_VERSION,
  "cache-control": "no-store",
};

function noContent(headers: Record<string, string>): Response {
  return new Response(null, { status: 204, headers: { ...COMMON, ...headers } });
}

function wrongOffset(offset: number): Problem {
  return new Problem(409, "mount_conflict", `the upload goes on at ${offset}`, {
    headers: { ...COMMON, "upload-offset": String(offset) },
  });
}

function uploadId(c: Context<Env>): string {
  const id = c.req.param("upload")!;
  if (!/^[0-9a-f-]{36}$/.test(id)) throw new AloeError("not_found", `${id}: no such upload`);
  return id;
}

function writeOptions({ onConflict, parents, modifiedAt }: UploadTarget): ops.PutFileOptions {
  return { parents, onConflict, ...(modifiedAt === undefined ? {} : { modifiedAt }) };
}

/** What became of an upload that is finished, in headers: its answers have no body. */
function outcomeHeaders({ node, version, path, outcome, replaced }: ops.PutFileResult) {
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

const Upload = z.object({
  id: z.string(),
  path: z.string(),
  offset: z.number().int(),
  length: z.number().int().nullable(),
  modified_at: z.string().nullable().openapi({
    description: "The modification time that the file will get; the client's name for its source",
  }),
  active: z.boolean().openapi({ description: "A request is sending it now" }),
  created_at: z.string(),
  expires_at: z.string(),
}).openapi("Upload");

const CHECKSUM_PROBLEM = {
  460: {
    description: "The checksum is of something else",
    content: volumeProblems()[400].content,
  },
};

const OPTIONS = {
  ...ALL,
  method: "options" as const,
  summary: "What of tus 1.0.0 there is",
  request: { params: VolumeParam },
  responses: { 204: { description: "In headers" }, ...volumeProblems() },
};

const LIST = {
  ...ALL,
  method: "get" as const,
  summary: "The uploads that are not finished",
  request: { params: VolumeParam },
  responses: {
    200: json(z.object({ uploads: z.array(Upload) }), "Oldest first"),
    ...volumeProblems(),
  },
};

const CREATE = {
  ...ALL,
  method: "post" as const,
  summary: "Begin an upload (tus 1.0.0), with its first piece if there is a body",
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
    201: { description: "It has begun; its address is in Location" },
    ...volumeProblems(403, 408, 412, 413, 422, 423, 507),
    ...CHECKSUM_PROBLEM,
  },
};

const LOOK = {
  ...ONE,
  method: "get" as const,
  summary: "How much of an upload is here",
  request: { params: UploadParams },
  responses: { 200: json(Upload, "The upload"), ...volumeProblems(403, 412, 422, 423, 507) },
};

const HEAD = {
  ...ONE,
  method: "head" as const,
  summary: "How much of an upload is here",
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

const GO_ON = {
  ...ONE,
  method: "patch" as const,
  summary: "Send on from where an upload has stopped",
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
    204: { description: "It is here; with the last piece the file is there" },
    ...volumeProblems(403, 408, 412, 413, 415, 422, 423, 507),
    ...CHECKSUM_PROBLEM,
  },
};

const GIVE_UP = {
  ...ONE,
  method: "delete" as const,
  summary: "Give an upload up",
  request: { params: UploadParams, headers: Resumable },
  responses: { 204: { description: "It is gone" }, ...volumeProblems(403, 412, 423, 507) },
};
