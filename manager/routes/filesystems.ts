import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { AloeError } from "../../src/errors.ts";
import type { FilesystemFacts, VolumeFacts } from "../volumes/facts.ts";
import type { Env } from "../http/env.ts";
import { FilesystemParam, problems, router } from "../http/router.ts";
import type { Services } from "./services.ts";
import { toRfc3339 } from "../volumes/times.ts";
import { FilesystemSchema } from "../api/filesystems.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "feed" | "filesystems">;

/** The routes of filesystems: list, rename, delete. */
export function filesystemRoutes(services: RouteServices): OpenAPIHono<Env> {
  const { filesystems, feed } = services;
  const app = router();

  const row = async ({ id, name, path, createdAt, missing }: FilesystemFacts) => {
    const file = missing ? null : await fileFacts(path);
    const known = file === null ? UNREAD : await contentsOf(id);
    return {
      id,
      name,
      size_bytes: file?.size ?? 0,
      free_bytes: known.freeBytes,
      mtime: file === null ? null : toRfc3339(file.mtime),
      created_at: toRfc3339(createdAt),
      missing: file === null,
      volumes: known.volumes.map(({ id, name }) => ({ id, name })),
    };
  };

  /** Empty for a file that cannot be read, which is listed so that it can be deleted. */
  const contentsOf = async (id: string): Promise<Contents> => {
    try {
      const volumes = await filesystems.volumesOf(id);
      return { volumes, freeBytes: await filesystems.freeBytes(id) };
    } catch (error) {
      if (error instanceof AloeError) return UNREAD;
      throw error;
    }
  };

  app.openapi(LIST, async (c) => {
    const all = await filesystems.list();
    return c.json(await Promise.all(all.map(row)), 200);
  });

  app.openapi(
    GET_ONE,
    async (c) => c.json(await row(await filesystems.get(c.req.valid("param").id)), 200),
  );

  app.openapi(RENAME, async (c) => {
    const { id } = c.req.valid("param");
    const facts = await filesystems.rename(id, c.req.valid("json").name);
    feed.publish({ type: "renamed", fs_id: id });
    return c.json(await row(facts), 200);
  });

  app.openapi(REMOVE, async (c) => {
    const { id } = c.req.valid("param");
    await filesystems.remove(id);
    feed.publish({ type: "deleted", fs_id: id });
    return c.body(null, 204);
  });

  return app;
}

/** The contents of a file. */
interface Contents {
  volumes: VolumeFacts[];
  freeBytes: number;
}

const UNREAD: Contents = { volumes: [], freeBytes: 0 };

/** The size of a file with its WAL, and when it was last written, ns; null for a missing one. */
async function fileFacts(path: string): Promise<{ size: number; mtime: bigint } | null> {
  try {
    const file = await Deno.stat(path);
    const wal = await Deno.stat(`${path}-wal`).catch(() => null);
    const newest = Math.max(file.mtime?.getTime() ?? 0, wal?.mtime?.getTime() ?? 0);
    return {
      size: file.size + (wal?.size ?? 0),
      mtime: BigInt(newest) * 1_000_000n,
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

const ONE = { "application/json": { schema: FilesystemSchema } };

const LIST = createRoute({
  method: "get",
  path: "/filesystems",
  tags: ["filesystems"],
  summary: "List the filesystems",
  responses: {
    200: {
      description: "Every filesystem, oldest first",
      content: { "application/json": { schema: z.array(FilesystemSchema) } },
    },
  },
});

const GET_ONE = createRoute({
  method: "get",
  path: "/filesystems/{id}",
  tags: ["filesystems"],
  summary: "Get a filesystem",
  request: { params: FilesystemParam },
  responses: { 200: { description: "It", content: ONE }, ...problems(404) },
});

const RENAME = createRoute({
  method: "patch",
  path: "/filesystems/{id}",
  tags: ["filesystems"],
  summary: "Rename a filesystem",
  request: {
    params: FilesystemParam,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({ name: z.string().min(1).max(255) }).openapi("NewFilesystemName"),
        },
      },
    },
  },
  responses: { 200: { description: "It, as it is now", content: ONE }, ...problems(400, 404) },
});

const REMOVE = createRoute({
  method: "delete",
  path: "/filesystems/{id}",
  tags: ["filesystems"],
  summary: "Delete a filesystem with all of its volumes irreversibly",
  description: "They are unmounted first. If its file is missing, its record is deleted.",
  request: { params: FilesystemParam },
  responses: { 204: { description: "It is gone" }, ...problems(404, 409) },
});
