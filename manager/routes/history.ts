import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { access } from "./access.ts";
import { documented, json, TARGET_QUERY, volumeProblems } from "../http/documented.ts";
import type { Env } from "../http/env.ts";
import { router, VolumeParam } from "../http/router.ts";
import type { Services } from "./services.ts";
import { queryOf, queryTarget } from "./target.ts";
import { toRfc3339 } from "../volumes/times.ts";
import { HistorySchema } from "../api/history.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "volumes">;

/** The routes of files' versions. */
export function historyRoutes(services: RouteServices): OpenAPIHono<Env> {
  const app = router();
  documented(app, HISTORY, async (c) => {
    const target = queryTarget(queryOf(c.req.url));
    await using held = await access(services, c, c.req.param("id")!);
    const all = await held.history(target);
    const versions = all.map(({ version, size, committedAt, current }) => ({
      version,
      size,
      committed_at: committedAt === null ? null : toRfc3339(committedAt),
      current,
    }));
    return c.json({ versions });
  });

  app.openapi(RESTORE, async (c) => {
    const { path, version } = c.req.valid("json");
    await using held = await access(services, c, c.req.valid("param").id);
    return c.json(await held.restoreVersion(path, version), 200);
  });
  return app;
}

const HISTORY = {
  method: "get" as const,
  path: "/volumes/{id}/history",
  tags: ["history"],
  summary: "List the versions of a file that can be read",
  request: { params: VolumeParam, query: z.object(TARGET_QUERY) },
  responses: {
    200: json(
      HistorySchema,
      "Newest first",
    ),
    ...volumeProblems(),
  },
};

const RESTORE = createRoute({
  method: "post",
  path: "/volumes/{id}/history/restore",
  tags: ["history"],
  summary: "Make an old version the current one, as a new version",
  request: {
    params: VolumeParam,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            path: z.string().max(8192),
            version: z.number().int().min(0),
          }).openapi("VersionToRestore"),
        },
      },
    },
  },
  responses: {
    200: json(
      z.object({ node: z.string(), version: z.number().int(), size: z.number().int() }),
      "The file now",
    ),
    ...volumeProblems(403, 422, 423, 507),
  },
});
