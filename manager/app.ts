import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { matchedRoutes } from "hono/route";
import { AloeError } from "../src/errors.ts";
import type { Auth } from "./auth.ts";
import { describeSecurity, openApiDocument } from "./openapi.ts";
import { fromError, Problem } from "./problem.ts";
import { type Env, router } from "./router.ts";
import { careRoutes } from "./routes/care.ts";
import { exportRoutes } from "./routes/export.ts";
import { filesystemRoutes } from "./routes/filesystems.ts";
import { importRoutes } from "./routes/import.ts";
import { contentRoutes } from "./routes/content.ts";
import { docsRoutes } from "./routes/docs.ts";
import { loginRoutes } from "./routes/login.ts";
import { mountRoutes } from "./routes/mounts.ts";
import { pageRoutes } from "./routes/page.ts";
import { systemRoutes } from "./routes/system.ts";
import { volumeRoutes } from "./routes/volumes.ts";
import type { Services } from "./services.ts";
import { secure } from "./security_headers.ts";
import { sessionOf } from "./session_proof.ts";

/** Every route of a manager. */
export function createApp(services: Services, auth: Auth): OpenAPIHono<Env> {
  const app = router();
  app.use(async (c, next) => {
    c.set("client", c.env.client);
    c.set("session", sessionOf(c));
    await next();
    c.env.visit.route = routeOf(c);
    secure(c.res.headers);
  });
  app.onError((error, c) => {
    c.env.visit.route = routeOf(c);
    const problem = fromError(error);
    if (problem.status >= 500 && problem.status !== 503) {
      const cause = problem.cause instanceof Error ? problem.cause : problem;
      // Where it was found tells nothing of a fault that has a code.
      services.log(cause instanceof AloeError ? cause.message : cause.stack ?? cause.message);
    }
    return problem.response();
  });
  app.notFound((c) => {
    const allowed = METHODS.filter((method) =>
      app.router.match(method, c.req.path)[0].some(([[, { path }]]) => path !== "/*")
    );
    if (allowed.length === 0) {
      return new Problem(404, "not_found", "there is no such resource").response();
    }
    if (allowed.includes("GET")) allowed.push("HEAD");
    const headers = { allow: allowed.join(", ") };
    return new Problem(405, "method_not_allowed", `${c.req.method}: not here`, { headers })
      .response();
  });

  // One line for each module of routes.
  app.route("/", volumeRoutes(services));
  app.route("/", filesystemRoutes(services));
  app.route("/", exportRoutes(services));
  app.route("/", importRoutes(services));
  app.route("/", careRoutes(services));
  app.route("/", mountRoutes(services));
  app.route("/", pageRoutes(services));
  app.route("/", contentRoutes(services));
  app.route("/", loginRoutes(services, auth));

  const document = () => openApiDocument(app);
  app.route("/", systemRoutes(services, document));
  app.route("/", docsRoutes(document));
  describeSecurity(app);
  return app;
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** The pattern of the route that answers a request. */
function routeOf(c: Context<Env>): string {
  const path = matchedRoutes(c).at(-1)?.path ?? "/*";
  return path === "/*" ? "none" : path;
}
