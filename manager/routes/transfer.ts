import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { access } from "./access.ts";
import { json, ON_CONFLICT, OUTCOME, volumeProblems } from "../http/documented.ts";
import type { Env } from "../http/env.ts";
import { router, VolumeParam } from "../http/router.ts";
import type { Services } from "./services.ts";

/** The route that moves and copies. */
export function transferRoutes(services: Services): OpenAPIHono<Env> {
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
          schema: z.object({
            operation: z.enum(["move", "copy"]),
            from: z.array(z.string().max(8192)).min(1).max(10_000),
            to: z.string().max(8192),
            name: z.string().max(1024).optional(),
            on_conflict: ON_CONFLICT.optional(),
          }).openapi("Transfer"),
        },
      },
    },
  },
  responses: {
    200: json(
      z.object({
        items: z.array(z.object({
          from: z.string(),
          to: z.string(),
          node: z.string(),
          outcome: OUTCOME,
          replaced: z.array(z.string()).openapi({ description: "What went to the trash for it" }),
        })),
      }),
      "Where each of them is",
    ),
    ...volumeProblems(403, 413, 422, 423, 507),
  },
});
