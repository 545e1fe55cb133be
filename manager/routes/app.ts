import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { matchedRoutes } from "hono/route";
import { AloeError } from "../../src/errors.ts";
import { ruleOfRoute } from "../http/access_rules.ts";
import type { Auth } from "../http/auth.ts";
import { describeSecurity, openApiDocument } from "../http/openapi.ts";
import { fromError, Problem } from "../http/problem.ts";
import type { Env } from "../http/env.ts";
import { router } from "../http/router.ts";
import { careRoutes } from "./care.ts";
import { exportRoutes } from "./export.ts";
import { filesystemRoutes } from "./filesystems.ts";
import { importRoutes } from "./import.ts";
import { contentRoutes } from "./content.ts";
import { docsRoutes } from "./docs.ts";
import { loginRoutes } from "./login.ts";
import { mountRoutes } from "./mounts.ts";
import { pageRoutes } from "./page.ts";
import { systemRoutes } from "./system.ts";
import { volumeRoutes } from "./volumes.ts";
import type { Services } from "./services.ts";
import { secure } from "../http/security_headers.ts";
import { sessionsOf } from "../http/session_cookie.ts";

/** Every route of a manager. */
export function createApp(services: Services, auth: Auth): OpenAPIHono<Env> {
  const app = router();
  app.use(async (c, next) => {
    const route = routeOf(c);
    const rule = ruleOfRoute(c.req.method, route);
    c.env.visit.route = route;
    if (rule === null && route !== NO_ROUTE) {
      throw new Problem(405, "method_not_allowed", `${c.req.method}: not supported here`);
    }
    c.set("client", c.env.client);
    const named = sessionsOf(c.req.raw.headers);
    c.set("session", named.find((secret) => services.sessions.isKnown(secret)) ?? null);
    c.set("rule", rule);
    await next();
    secure(c.res.headers);
  });
  app.onError((error) => {
    const problem = fromError(error);
    if (problem.status >= 500 && problem.status !== 503) {
      const cause = problem.cause instanceof Error ? problem.cause : problem;
      // A fault with a code is explained by its message: no stack.
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
    return new Problem(405, "method_not_allowed", `${c.req.method}: not supported here`, {
      headers,
    })
      .response();
  });

  // One line for each module of routes.
  app.route("/", volumeRoutes(services));
  app.route("/", filesystemRoutes(services));
  app.route("/", exportRoutes(services));
  app.route("/", importRoutes(services));
  app.route("/", careRoutes(services));
  app.route("/", mountRoutes(services));
  app.route("/", pageRoutes());
  app.route("/", contentRoutes(services));
  app.route("/", loginRoutes(services, auth));

  const document = () => openApiDocument(app);
  app.route("/", systemRoutes(services, document));
  app.route("/", docsRoutes(document));
  describeSecurity(app);
  return app;
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** The route that requests without a matching one are counted by. */
const NO_ROUTE = "none";

/** The pattern of the route that answers a request. */
function routeOf(c: Context<Env>): string {
  const path = matchedRoutes(c).at(-1)?.path ?? "/*";
  return path === "/*" ? NO_ROUTE : path;
}
