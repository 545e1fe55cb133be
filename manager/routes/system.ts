import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { documented } from "../http/documented.ts";
import type { Check } from "../mounts/mounts.ts";
import type { Env } from "../http/env.ts";
import { router } from "../http/router.ts";
import type { Services } from "./services.ts";
import { HealthSchema } from "../api/system.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "metrics" | "mounts">;

/** How long the results of checks are reused, ms, since requests may be frequent. */
const FRESH_MS = 2000;

/** The routes of the manager itself: health, metrics and the OpenAPI document. */
export function systemRoutes(services: RouteServices, document: () => unknown): OpenAPIHono<Env> {
  const { mounts, metrics } = services;
  const app = router();

  let found: { checks: Promise<Check[]>; at: number } | null = null;
  const checks = (): Promise<Check[]> => {
    if (found === null || performance.now() - found.at > FRESH_MS) {
      found = { checks: mounts.preflight(), at: performance.now() };
      found.checks.catch(() => found = null);
    }
    return found.checks;
  };

  app.openapi(HEALTH, async (c) => {
    const all = await checks();
    const failed = all.filter(({ ok }) => !ok);
    const status = failed.length === 0 ? "ok" as const : "degraded" as const;
    const code = failed.some(({ fatal }) => fatal) ? 503 : 200;
    // Clients without the token learn nothing about the machine.
    return c.json(c.env.visit.trusted ? { status, checks: all } : { status }, code);
  });

  documented(app, METRICS, async () => {
    const { registry } = metrics;
    return new Response(await registry.metrics(), {
      headers: { "content-type": registry.contentType },
    });
  });

  let text: string | null = null;
  documented(app, DOCUMENT, () => {
    text ??= JSON.stringify(document());
    return new Response(text, { headers: { "content-type": "application/json" } });
  });

  return app;
}

const HEALTH = createRoute({
  method: "get",
  path: "/health",
  tags: ["manager"],
  summary: "Check whether the manager has what it needs",
  security: [],
  responses: {
    200: {
      description: "It works, if need be partially",
      content: { "application/json": { schema: HealthSchema } },
    },
    503: {
      description: "A required feature does not work",
      content: { "application/json": { schema: HealthSchema } },
    },
  },
});

const METRICS = createRoute({
  method: "get",
  path: "/metrics",
  tags: ["manager"],
  summary: "Get the metrics for Prometheus",
  responses: {
    200: {
      description: "The text format of Prometheus",
      content: { "text/plain": { schema: z.string() } },
    },
  },
});

const DOCUMENT = createRoute({
  method: "get",
  path: "/openapi.json",
  tags: ["manager"],
  summary: "Get this description of the API",
  responses: {
    200: {
      description: "OpenAPI 3.1",
      content: { "application/json": { schema: z.looseObject({}) } },
    },
  },
});
