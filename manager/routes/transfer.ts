import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { access } from "./access.ts";
import { json, volumeProblems } from "../http/documented.ts";
import type { Env } from "../http/env.ts";
import { router, VolumeParam } from "../http/router.ts";
import type { Services } from "./services.ts";
import { TransferredSchema, TransferSchema } from "../api/nodes.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "volumes">;

/** The route that moves and copies. */
export function transferRoutes(services: RouteServices): OpenAPIHono<Env> {
  const app = router();
  app.openapi(TRANSFER, async (c) => {
    const { operation, on_conflict, ...rest } = c.req.valid("json");
    const request = { ...rest, ...(on_conflict === undefined ? {} : { onConflict: on_conflict }) };
    await using held = await access(services, c, c.req.valid("param").id);
    const items = operation === "move" ? await held.move(request) : await held.copy(request);
    return c.json({ items }, 200);
  });
  return app;
}

const TRANSFER = createRoute({
  method: "post",
  path: "/volumes/{id}/transfer",
  tags: ["nodes"],
  summary: "Move or copy nodes into a directory, all of them or none",
  request: {
    params: VolumeParam,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: TransferSchema,
        },
      },
    },
  },
  responses: {
    200: json(
      TransferredSchema,
      "Where each of them is",
    ),
    ...volumeProblems(403, 413, 422, 423, 507),
  },
});
