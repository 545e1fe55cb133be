import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { deleteCookie, setCookie } from "hono/cookie";
import { type Auth, LOGIN_COOKIE } from "../http/auth.ts";
import type { Env } from "../http/env.ts";
import { problems, router } from "../http/router.ts";
import type { Services } from "./services.ts";
import { isSecure } from "../http/session_cookie.ts";
import { endSession, renewSession } from "./session_proof.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "sessions" | "settings">;

/** The routes that log a browser in and out. */
export function loginRoutes(services: RouteServices, auth: Auth): OpenAPIHono<Env> {
  const app = router();

  app.openapi(LOGIN, (c) => {
    const secret = auth.login(c.req.valid("json").token, c.get("client"), c.req.raw.headers);
    renewSession(services, c);
    setCookie(c, LOGIN_COOKIE, secret, {
      httpOnly: true,
      sameSite: "Strict",
      path: "/",
      maxAge: 7 * 24 * 60 * 60,
      secure: isSecure(services.settings, c),
    });
    return c.body(null, 204);
  });

  app.openapi(LOGOUT, async (c) => {
    auth.logout(c.req.raw.headers);
    await endSession(services, c);
    deleteCookie(c, LOGIN_COOKIE, { path: "/", secure: isSecure(services.settings, c) });
    return c.body(null, 204);
  });

  return app;
}

const LOGIN = createRoute({
  method: "post",
  path: "/login",
  tags: ["manager"],
  summary: "Log a browser in with the manager's token",
  description: "Where no token is required, any is accepted.",
  security: [],
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({ token: z.string().min(1).max(1024) }).openapi("Login"),
        },
      },
    },
  },
  responses: {
    204: { description: "A cookie that replaces the token" },
    ...problems(400, 401, 429),
  },
});

const LOGOUT = createRoute({
  method: "delete",
  path: "/login",
  tags: ["manager"],
  summary: "Log a browser out",
  description: "The volumes of its session are locked.",
  security: [],
  responses: { 204: { description: "Its cookies are no longer valid" } },
});
