import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Env } from "../http/env.ts";
import { router } from "../http/router.ts";
import type { Services } from "./services.ts";
import { archiveRoutes } from "./archive.ts";
import { eventRoutes } from "./events.ts";
import { fileRoutes } from "./files.ts";
import { historyRoutes } from "./history.ts";
import { nodeRoutes } from "./nodes.ts";
import { searchRoutes } from "./search.ts";
import { taskRoutes } from "./tasks.ts";
import { transferRoutes } from "./transfer.ts";
import { trashRoutes } from "./trash.ts";
import { uploadRoutes } from "./uploads.ts";

/** Every route of the content of volumes, and of the feed. */
export function contentRoutes(services: Services): OpenAPIHono<Env> {
  const app = router();
  app.route("/", fileRoutes(services));
  app.route("/", nodeRoutes(services));
  app.route("/", transferRoutes(services));
  app.route("/", taskRoutes(services));
  app.route("/", historyRoutes(services));
  app.route("/", trashRoutes(services));
  app.route("/", searchRoutes(services));
  app.route("/", archiveRoutes(services));
  app.route("/", uploadRoutes(services));
  app.route("/", eventRoutes(services));
  return app;
}
