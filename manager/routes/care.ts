import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { AloeLite } from "../../mod.ts";
import * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import { access } from "./access.ts";
import { documented } from "../http/documented.ts";
import type { Env } from "../http/env.ts";
import { FilesystemParam, problems, router, VolumeParam } from "../http/router.ts";
import type { Services } from "./services.ts";
import { ignoreDisconnect } from "../http/ignore_disconnect.ts";
import { PrunedSchema, SpaceSchema } from "../api/filesystems.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "feed" | "filesystems" | "jobs" | "mounts" | "volumes">;

/** The maintenance routes: file facts, checkpoints, health, space and pruning. */
export function careRoutes(services: RouteServices): OpenAPIHono<Env> {
  const { filesystems, mounts, jobs, feed } = services;
  const app = router();

  app.openapi(STAT, async (c) => {
    const { id, name, fsId } = await filesystems.volume(c.req.valid("param").id);
    const { path } = await filesystems.get(fsId);
    const { size, mtime } = await facts(path);
    return c.json({ id, mounted: mounts.status(id).mounted, mtime, name, size_bytes: size }, 200);
  });

  app.openapi(CHECKPOINT, async (c) => {
    const { id, fsId } = await filesystems.volume(c.req.valid("param").id);
    using lease = await filesystems.lease(fsId);
    const { moved, remaining } = await jobs.checkpoint(lease.file.path);
    return c.json({ id, wal_frames_checkpointed: moved, wal_frames_remaining: remaining }, 200);
  });

  app.openapi(VOLUME_HEALTH, async (c) => {
    const { id } = c.req.valid("param");
    const deep = ["1", "true"].includes(c.req.valid("query").deep ?? "");
    await using opened = await access(services, c, id);
    const { fs, mount, volume } = opened;
    using lease = await filesystems.lease(volume.fsId);
    const { path } = lease.file;
    const { signal } = c.env.visit;
    const anomalies = await jobs.health(path, { signal });
    const key = volume.encrypted ? await internal.mountKey(fs.db, mount.handle) : null;
    const report = await jobs.verify(path, id, {
      deep,
      signal,
      ...(key === null ? {} : { key }),
    }).finally(() => key?.fill(0));
    const { entriesChecked, chunksChecked, problems } = report;
    return c.json({
      ok: anomalies.length === 0 && problems.length === 0,
      deep,
      anomalies,
      entries_checked: entriesChecked,
      chunks_checked: chunksChecked,
      problems,
    }, 200);
  });

  app.openapi(FILESYSTEM_HEALTH, async (c) => {
    using lease = await filesystems.lease(c.req.valid("param").id);
    const anomalies = await jobs.health(lease.file.path, { signal: c.env.visit.signal });
    return c.json({ ok: anomalies.length === 0, anomalies }, 200);
  });

  documented(
    app,
    SPACE,
    ignoreDisconnect(async (c) => {
      using lease = await filesystems.lease(c.req.param("id")!);
      // A connection of its own: other requests must not wait for a scan of the whole pool.
      await using fs = await AloeLite.open(lease.file.path, { readOnly: true });
      const space = await ops.fileSpace(fs.db, { signal: c.env.visit.signal });
      return c.json({
        file_bytes: space.file,
        content_bytes: space.content,
        version_bytes: space.versions,
        trash_bytes: space.trash,
        unfinished_bytes: space.unfinished,
        unused_bytes: space.unused,
        metadata_bytes: space.metadata,
        free_bytes: space.free,
        saved_bytes: space.saved,
        log_bytes: space.log,
        disk_free_bytes: space.disk,
      }, 200);
    }),
  );

  app.openapi(PRUNE, async (c) => {
    const { id } = c.req.valid("param");
    const { vacuum = false } = c.req.valid("json") ?? {};
    using lease = await filesystems.lease(id);
    const before = (await facts(lease.file.path)).size;
    const free = (await internal.fileRoom(lease.file.reader.db)).reusable;
    const freed = await jobs.prune(lease.file.path, { vacuum });
    const after = (await facts(lease.file.path)).size;
    const reusable = (await internal.fileRoom(lease.file.reader.db)).reusable;
    feed.publish({ type: "changed", fs_id: id });
    return c.json({
      ...freed,
      freed_bytes: Math.max(0, before - after),
      reusable_bytes: Math.max(0, reusable - free),
    }, 200);
  });

  return app;
}

/** The size of a file with its WAL, and when it was last written, seconds since the epoch. */
async function facts(path: string): Promise<{ size: number; mtime: number }> {
  const file = await Deno.stat(path);
  const wal = await Deno.stat(`${path}-wal`).catch(() => null);
  const newest = Math.max(file.mtime?.getTime() ?? 0, wal?.mtime?.getTime() ?? 0);
  return { size: file.size + (wal?.size ?? 0), mtime: newest / 1000 };
}

const STAT = createRoute({
  method: "get",
  path: "/volumes/{id}/stat",
  tags: ["volumes"],
  summary: "Get the size and the time of the file that contains a volume",
  request: { params: VolumeParam },
  responses: {
    200: {
      description: "Facts of the file, including its WAL",
      content: {
        "application/json": {
          schema: z.object({
            id: z.string(),
            mounted: z.boolean(),
            mtime: z.number().openapi({ description: "Seconds since 1970" }),
            name: z.string().nullable(),
            size_bytes: z.number().int(),
          }).openapi("VolumeStat"),
        },
      },
    },
    ...problems(404),
  },
});

const CHECKPOINT = createRoute({
  method: "post",
  path: "/volumes/{id}/checkpoint",
  tags: ["volumes"],
  summary: "Move the WAL into the file",
  request: { params: VolumeParam },
  responses: {
    200: {
      description: "How many pages were moved; the others are still needed by readers",
      content: {
        "application/json": {
          schema: z.object({
            id: z.string(),
            wal_frames_checkpointed: z.number().int(),
            wal_frames_remaining: z.number().int(),
          }).openapi("Checkpoint"),
        },
      },
    },
    ...problems(404, 503),
  },
});

const AnomalySchema = z.object({ kind: z.string(), id: z.string() }).openapi("Anomaly");

const VOLUME_HEALTH = createRoute({
  method: "get",
  path: "/volumes/{id}/health",
  tags: ["volumes"],
  summary: "Check that a volume is complete",
  request: {
    params: VolumeParam,
    query: z.object({
      deep: z.enum(["0", "1", "true", "false"]).optional().openapi({
        description: "Also reads every chunk and checks its bytes",
      }),
    }),
  },
  responses: {
    200: {
      description: "The result of the check",
      content: {
        "application/json": {
          schema: z.object({
            ok: z.boolean(),
            deep: z.boolean(),
            anomalies: z.array(AnomalySchema),
            entries_checked: z.number().int(),
            chunks_checked: z.number().int(),
            problems: z.array(z.string()),
          }).openapi("VolumeHealth"),
        },
      },
    },
    ...problems(400, 401, 404, 503),
  },
});

const FILESYSTEM_HEALTH = createRoute({
  method: "get",
  path: "/filesystems/{id}/health",
  tags: ["filesystems"],
  summary: "Check the structure of a filesystem",
  request: { params: FilesystemParam },
  responses: {
    200: {
      description: "The result of the check",
      content: {
        "application/json": {
          schema: z.object({ ok: z.boolean(), anomalies: z.array(AnomalySchema) })
            .openapi("FilesystemHealth"),
        },
      },
    },
    ...problems(404, 503),
  },
});

const SPACE = createRoute({
  method: "get",
  path: "/filesystems/{id}/space",
  tags: ["filesystems"],
  summary: "Get how the space of a filesystem's file is used",
  request: { params: FilesystemParam },
  responses: {
    200: {
      description: "Bytes. From `content_bytes` to `free_bytes` they add up to `file_bytes`; " +
        "what is referred to often counts once, where it is needed most",
      content: {
        "application/json": {
          schema: SpaceSchema,
        },
      },
    },
    ...problems(404, 503),
  },
});

const PRUNE = createRoute({
  method: "post",
  path: "/filesystems/{id}/prune",
  tags: ["filesystems"],
  summary: "Free what is no longer needed",
  request: {
    params: FilesystemParam,
    body: {
      content: {
        "application/json": {
          schema: z.object({
            vacuum: z.boolean().optional().openapi({
              description: "Then shrinks the file; no other program may be writing",
            }),
          }).optional().openapi("PruneWish"),
        },
      },
    },
  },
  responses: {
    200: {
      description: "How much was deleted, by kind",
      content: {
        "application/json": {
          schema: PrunedSchema,
        },
      },
    },
    ...problems(400, 404, 503, 507),
  },
});
