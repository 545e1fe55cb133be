import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { bodyPieces, contentLimits, declaredLength } from "../http/body.ts";
import { Imports } from "../volumes/imports.ts";
import { Problem } from "../http/problem.ts";
import type { Env } from "../http/env.ts";
import { problems, router } from "../http/router.ts";
import type { Services } from "./services.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "feed" | "filesystems" | "jobs" | "settings">;

/** The route that takes in a filesystem. */
export function importRoutes(services: RouteServices): OpenAPIHono<Env> {
  const { filesystems, feed, jobs } = services;
  const imports = new Imports({
    filesystems,
    inspect: (path, options) => jobs.inspect(path, options),
  });
  const app = router();

  app.openapi(IMPORT, async (c) => {
    const { name = "imported" } = c.req.valid("query");
    // Before any of it is read.
    const limits = contentLimits(services.settings.limits);
    declaredLength(c.req.raw.headers, limits);
    if (c.req.raw.body === null) {
      throw new Problem(400, "invalid", "the body is the filesystem's file");
    }
    const { id } = await imports.take(bodyPieces(c.req.raw, limits), name, c.env.visit.signal);
    const volumes = await filesystems.volumesOf(id);
    feed.publish({ type: "created", fs_id: id });
    return c.json({ id, name, volumes: volumes.map(({ id, name }) => ({ id, name })) }, 201);
  });

  return app;
}

const IMPORT = createRoute({
  method: "post",
  path: "/filesystems",
  tags: ["filesystems"],
  summary: "Import a filesystem",
  request: {
    query: z.object({
      name: z.string().min(1).max(255).optional().openapi({
        description: "The name of the filesystem",
      }),
    }),
    body: {
      required: true,
      content: {
        "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) },
      },
    },
  },
  responses: {
    201: {
      description: "The filesystem was imported",
      content: {
        "application/json": {
          schema: z.object({
            id: z.string(),
            name: z.string(),
            volumes: z.array(z.object({ id: z.string(), name: z.string().nullable() })),
          }).openapi("Imported"),
        },
      },
    },
    ...problems(400, 408, 409, 413, 422, 507),
  },
});
