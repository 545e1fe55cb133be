import type { OpenAPIHono } from "@hono/zod-openapi";
import { type Env, router } from "../router.ts";
import type { Services } from "../services.ts";
import { fileRoutes } from "./files.ts";
import { nodeRoutes } from "./nodes.ts";

/** Every route of what is in a volume. */
export function contentRoutes(services: Services): OpenAPIHono<Env> {
  const app = router();
  app.route("/", fileRoutes(services));
  app.route("/", nodeRoutes(services));
  return app;
}
