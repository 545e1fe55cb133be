import type { OpenAPIHono } from "@hono/zod-openapi";
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as internal from "../../src/internal.ts";
import { disposition } from "../http/content_type.ts";
import { etagOf, readConditions } from "../http/etag.ts";
import { type FileState, fileState } from "../volumes/file_state.ts";
import { Problem } from "../http/problem.ts";
import type { Env } from "../http/env.ts";
import { FilesystemParam, problems, router, VolumeParam } from "../http/router.ts";
import { trackedStream } from "../http/tracked_stream.ts";
import type { Services } from "./services.ts";
import type { Snapshot } from "../jobs/snapshots.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "filesystems" | "jobs">;

/** The routes that export a whole file: a snapshot that is taken while others write. */
export function exportRoutes(services: RouteServices): OpenAPIHono<Env> {
  const { filesystems, jobs } = services;
  const app = router();

  app.openapi(OF_VOLUME, async (c) => {
    const { fsId } = await filesystems.volume(c.req.valid("param").id);
    return await respond(c, fsId);
  });

  app.openapi(OF_FILESYSTEM, (c) => respond(c, c.req.valid("param").id));

  async function respond(c: Context<Env>, id: string): Promise<Response> {
    const { name } = await filesystems.get(id);
    const head = c.req.method === "HEAD";
    const { state, size } = await lookAt(id, head);
    const conditions = c.req.raw.headers;
    const before = state.tag === null ? "holds" : readConditions(conditions, validators(state));
    if (before === "not modified") {
      return new Response(null, { status: 304, headers: tagged(state) });
    }
    if (before === "failed") throw changed();
    const headers = {
      "content-type": "application/octet-stream",
      "content-disposition": disposition(`${name}.aloe`, false),
      // No ranges: the file may change before the next request, and no copy is kept.
      "accept-ranges": "none",
      "x-content-type-options": "nosniff",
    };
    if (head) {
      const length = size === null ? undefined : { "content-length": `${size}` };
      return new Response(null, { headers: { ...headers, ...tagged(state), ...length } });
    }
    const { visit } = c.env;
    // It may have to wait for other snapshots.
    visit.waitingSince = performance.now();
    const snapshot = await take(id);
    visit.waitingSince = null;
    const sent = { ...state, tag: snapshot.tag };
    if (readConditions(conditions, validators(sent)) === "failed") {
      await snapshot.stream.cancel();
      throw changed();
    }
    return new Response(trackedStream(visit, snapshot.stream), {
      headers: { ...headers, ...tagged(sent), "content-length": `${snapshot.size}` },
    });
  }

  async function take(id: string): Promise<Snapshot> {
    const lease = await filesystems.lease(id);
    const { path, raw } = lease.file;
    return await jobs.snapshot({
      file: path,
      raw,
      spill: `${filesystems.temporary}/export-${crypto.randomUUID()}`,
      released: () => lease[Symbol.dispose](),
    });
  }

  /**
   * The state of a file.
   *
   * @param measure Whether the size of a copy is wanted too.
   */
  async function lookAt(
    id: string,
    measure: boolean,
  ): Promise<{ state: FileState; size: number | null }> {
    using lease = await filesystems.lease(id);
    const { path, reader } = lease.file;
    const state = await fileState(path, reader.db);
    if (!measure) return { state, size: null };
    const { pages, pageSize } = await internal.fileSize(reader.db);
    // The size has to belong to this state.
    const same = (await fileState(path, reader.db)).tag === state.tag;
    return { state, size: same ? pages * pageSize : null };
  }

  return app;
}

function validators({ tag, modified }: FileState) {
  return { etag: etagOf(tag ?? ""), modified };
}

function tagged({ tag, said }: FileState): Record<string, string> {
  return {
    ...(tag === null ? {} : { etag: etagOf(tag) }),
    "last-modified": new Date(said * 1000).toUTCString(),
    "cache-control": "private, no-cache",
  };
}

function changed(): Problem {
  return new Problem(412, "precondition_failed", "the content has changed");
}

const SNAPSHOT = {
  200: {
    description: "The current state of the file",
    headers: z.object({
      etag: z.string().optional(),
      "last-modified": z.string(),
      "content-length": z.string().optional(),
    }),
    content: {
      "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) },
    },
  },
  304: { description: "The client has the current state" },
  ...problems(404, 412, 503, 507),
};

const OF_VOLUME = createRoute({
  method: "get",
  path: "/volumes/{id}/export",
  tags: ["volumes"],
  summary: "Download a snapshot of the file that contains a volume",
  description: "Encrypted volumes stay encrypted in it, so that no PIN is needed.",
  request: { params: VolumeParam },
  responses: SNAPSHOT,
});

const OF_FILESYSTEM = createRoute({
  method: "get",
  path: "/filesystems/{id}/export",
  tags: ["filesystems"],
  summary: "Download a snapshot of a filesystem",
  request: { params: FilesystemParam },
  responses: SNAPSHOT,
});
