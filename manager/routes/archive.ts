import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as ops from "../../src/ops.ts";
import { splitPath } from "../../src/paths.ts";
import { access } from "./access.ts";
import { members } from "../volumes/archive.ts";
import { disposition } from "../http/content_type.ts";
import { bytes, documented, volumeProblems } from "../http/documented.ts";
import { Problem } from "../http/problem.ts";
import type { Env } from "../http/env.ts";
import { router, VolumeParam } from "../http/router.ts";
import { trackedStream } from "../http/tracked_stream.ts";
import type { Services } from "./services.ts";
import { queryOf } from "./target.ts";
import { zipStream } from "../volumes/zip_stream.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "volumes">;

/** Paths of one archive at most. */
const MOST_PATHS = 1000;

/** The route that packs files into an archive. */
export function archiveRoutes(services: RouteServices): OpenAPIHono<Env> {
  const app = router();
  documented(app, ARCHIVE, (c) => archive(services, c));
  return app;
}

async function archive(services: RouteServices, c: Context<Env>): Promise<Response> {
  const paths = queryOf(c.req.url).getAll("path");
  // An empty selection must not stand for everything.
  if (paths.length === 0 || paths.includes("")) {
    throw new Problem(400, "invalid", "path: names what the archive contains; / for all");
  }
  if (paths.length > MOST_PATHS) {
    throw new Problem(400, "invalid", `an archive is made of ${MOST_PATHS} paths at most`);
  }
  const held = await access(services, c, c.req.param("id")!);
  let streaming = false;
  try {
    const { fs, mount, volume } = held;
    // A missing path is reported now: later the status has been sent.
    for (const path of paths) await ops.stat(fs.db, mount.handle, path);
    const own = paths.length === 1 ? splitPath(paths[0]).at(-1) : undefined;
    const headers = {
      "content-type": "application/zip",
      "content-disposition": disposition(`${own ?? volume.name ?? "volume"}.zip`, false),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    };
    if (c.req.raw.method === "HEAD") return new Response(null, { headers });
    const ended = new AbortController();
    const zip = ReadableStream.from(zipStream(members(held, paths, ended.signal)));
    const body = watched(zip, async () => {
      ended.abort();
      await held[Symbol.asyncDispose]();
    });
    streaming = true;
    return new Response(trackedStream(c.env.visit, body), { headers });
  } finally {
    if (!streaming) await held[Symbol.asyncDispose]();
  }
}

/** Wraps a stream. @param done Is called at its end, its cancellation and its failure. */
function watched(
  stream: ReadableStream<Uint8Array>,
  done: () => Promise<void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done: ended, value } = await reader.read();
        if (!ended) return controller.enqueue(value as Uint8Array<ArrayBuffer>);
        await done();
        controller.close();
      } catch (error) {
        await done();
        controller.error(error);
      }
    },
    async cancel(reason) {
      await done();
      await reader.cancel(reason).catch(() => {});
    },
  }, { highWaterMark: 0 });
}

const ARCHIVE = {
  method: "get" as const,
  path: "/volumes/{id}/archive",
  tags: ["files"],
  summary: "Download files and directories as a ZIP archive, made while it is sent",
  request: {
    params: VolumeParam,
    query: z.object({
      path: z.array(z.string().min(1)).min(1).max(MOST_PATHS).openapi({
        description: "What the archive contains; can be repeated; `/` for all",
      }),
    }),
  },
  responses: {
    200: {
      description: "The archive, uncompressed, with permission bits and symbolic links; " +
        "a hard link is its content. FIFOs, sockets and devices are left out",
      content: bytes("application/zip"),
    },
    ...volumeProblems(),
  },
};
