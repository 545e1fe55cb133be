import type { OpenAPIHono } from "@hono/zod-openapi";
import { LOGIN_COOKIE } from "./auth.ts";
import type { Env } from "./env.ts";
import { SESSION_COOKIE, SESSION_HEADER } from "./session_cookie.ts";

/** Adds the security schemes to the document. */
export function describeSecurity({ openAPIRegistry }: OpenAPIHono<Env>): void {
  openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description: "The manager's token, where it requires one",
  });
  openAPIRegistry.registerComponent("securitySchemes", "login", {
    type: "apiKey",
    in: "cookie",
    name: LOGIN_COOKIE,
    description: "The cookie that POST /login sets",
  });
  openAPIRegistry.registerComponent("securitySchemes", "session", {
    type: "apiKey",
    in: "header",
    name: SESSION_HEADER,
    description: `The session that has unlocked a volume; as the cookie ${SESSION_COOKIE} too`,
  });
}

/** The description of every route of an app, OpenAPI 3.1. */
export function openApiDocument(app: OpenAPIHono<Env>): unknown {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "aloelite volume manager",
      version: "1",
      description:
        "Volumes, each a filesystem in a SQLite file: their files, versions and mounts. " +
        "Faults are RFC 9457 problems. Any request can also be answered 401 (the token is " +
        "missing), 403 and 421 (it comes from another site), 408, 413, 414, 431 (too slow or " +
        "too large) and 503 (too many at once, or the manager is stopping).",
      license: { name: "Apache-2.0" },
    },
    security: [{}, { token: [] }, { login: [] }],
  });
}
