import type { OpenAPIHono } from "@hono/zod-openapi";
import { fromError, Problem } from "./problem.ts";
import { type Env, router } from "./router.ts";
import { careRoutes } from "./routes/care.ts";
import { exportRoutes } from "./routes/export.ts";
import { filesystemRoutes } from "./routes/filesystems.ts";
import { importRoutes } from "./routes/import.ts";
import { contentRoutes } from "./routes/content.ts";
import { mountRoutes } from "./routes/mounts.ts";
import { pageRoutes } from "./routes/page.ts";
import { volumeRoutes } from "./routes/volumes.ts";
import type { Services } from "./services.ts";
import { sessionOf } from "./session_proof.ts";

/** Every route of a manager. */
export function createApp(services: Services): OpenAPIHono<Env> {
  const app = router();
  app.use(async (c, next) => {
    c.set("client", c.env?.client ?? "local");
    c.set("session", sessionOf(c));
    await next();
  });
  app.onError((error) => {
    const problem = fromError(error);
    if (problem.status >= 500 && problem.status !== 503) {
      const cause = problem.cause instanceof Error ? problem.cause : problem;
      services.log(cause.stack ?? cause.message);
    }
    return problem.response();
  });
  app.notFound((c) => new Problem(404, "not_found", `${c.req.path}: no such resource`).response());

  // One line for each module of routes.
  app.route("/", volumeRoutes(services));
  app.route("/", filesystemRoutes(services));
  app.route("/", exportRoutes(services));
  app.route("/", importRoutes(services));
  app.route("/", careRoutes(services));
  app.route("/", mountRoutes(services));
  app.route("/", pageRoutes(services));
  app.route("/", contentRoutes(services));
  return app;
}
