import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { access } from "./access.ts";
import { documented, json, text, volumeProblems } from "../http/documented.ts";
import { jsonType } from "./node_json.ts";
import { Problem } from "../http/problem.ts";
import type { Env } from "../http/env.ts";
import { router, VolumeParam } from "../http/router.ts";
import type { Services } from "./services.ts";
import { flag, queryOf } from "./target.ts";
import { toRfc3339 } from "../volumes/times.ts";
import { ON_CONFLICT, OUTCOME } from "../api/common.ts";
import { TrashSchema } from "../api/trash.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "volumes">;

/** The routes of the trash. */
export function trashRoutes(services: RouteServices): OpenAPIHono<Env> {
  const app = router();
  documented(app, LIST, async (c) => {
    await using held = await access(services, c, c.req.param("id")!);
    const items = await held.trash();
    const entries = items.map(({ id, type, path, removedAt, size, nodes }) => ({
      id,
      name: path.slice(path.lastIndexOf("/") + 1),
      path,
      type: jsonType(type, null),
      size,
      nodes,
      deleted_at: removedAt === null ? null : toRfc3339(removedAt),
    }));
    return c.json({ entries });
  });

  app.openapi(RESTORE, async (c) => {
    const { ids, to, on_conflict: onConflict = "fail" } = c.req.valid("json");
    if (to !== undefined && ids.length !== 1) {
      throw new Problem(400, "invalid", "to: is allowed for one node only");
    }
    await using held = await access(services, c, c.req.valid("param").id);
    const items = await held.restore(ids, { ...(to === undefined ? {} : { to }), onConflict });
    return c.json({ items }, 200);
  });

  documented(app, PURGE, async (c) => {
    const query = queryOf(c.req.url);
    const ids = query.getAll("id");
    const all = flag(query, "all");
    if (all === ids.length > 0) {
      throw new Problem(400, "invalid", "either all=1, or the ids");
    }
    await using held = await access(services, c, c.req.param("id")!);
    await held.purge(all ? null : ids);
    return c.body(null, 204);
  });
  return app;
}

const PATH = "/volumes/{id}/trash" as const;

const LIST = {
  method: "get" as const,
  path: PATH,
  tags: ["trash"],
  summary: "List the trash",
  request: { params: VolumeParam },
  responses: {
    200: json(
      TrashSchema,
      "Newest first; nodes that were removed with their directory are counted in its entry",
    ),
    ...volumeProblems(),
  },
};

const RESTORE = createRoute({
  method: "post",
  path: "/volumes/{id}/trash/restore",
  tags: ["trash"],
  summary: "Restore nodes from the trash, all of them or none",
  request: {
    params: VolumeParam,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            ids: z.array(z.string().max(64)).min(1).max(1000),
            to: z.string().max(8192).optional(),
            on_conflict: ON_CONFLICT.optional(),
          }).openapi("TrashToRestore"),
        },
      },
    },
  },
  responses: {
    200: json(
      z.object({
        items: z.array(z.object({
          id: z.string(),
          path: z.string(),
          outcome: OUTCOME,
          replaced: z.array(z.string()).openapi({
            description: "The nodes that were replaced, which are in the trash",
          }),
        })),
      }),
      "Where it is now",
    ),
    ...volumeProblems(403, 423, 507),
  },
});

const PURGE = {
  method: "delete" as const,
  path: PATH,
  tags: ["trash"],
  summary: "Delete nodes of the trash irreversibly",
  request: {
    params: VolumeParam,
    query: z.object({ id: text("A node to delete; can be repeated"), all: text("`1`: all of it") }),
  },
  responses: { 204: { description: "It is gone" }, ...volumeProblems(403, 423, 507) },
};
