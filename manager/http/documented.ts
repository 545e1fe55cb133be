import { type OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Env } from "./env.ts";
import { problems } from "./router.ts";

/**
 * Adds a route to the app and to the OpenAPI document whose handler parses the
 * request by itself, because it streams or has to be fast.
 *
 * @param route Its path is written as in the document; `{path}` matches the rest of a URL.
 */
export function documented(
  app: OpenAPIHono<Env>,
  route: RouteConfig,
  handler: (c: Context<Env>) => Promise<Response> | Response,
): void {
  app.openAPIRegistry.registerPath(route);
  if (route.method === "head") return; // The route of GET answers it.
  const path = route.path.replace(/\{path\}$/, "*").replace(/\{(\w+)\}/g, ":$1");
  app.on(route.method.toUpperCase(), path, handler);
}

/** A parameter of a URL's query, as text. */
export const text = (description: string) => z.string().optional().openapi({ description });

/** The parameters `path` and `node`, either of which names a node. */
export const TARGET_QUERY = {
  path: text("The path from the volume's top; `/` by default"),
  node: text("The node's id, instead of the path"),
};

/** A response of JSON. */
export function json<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** A body or a response of bytes. */
export function bytes(type = "application/octet-stream") {
  return { [type]: { schema: { type: "string", format: "binary" } as const } };
}

/** The problems that every route of a volume can answer, and further ones. */
export function volumeProblems<S extends number = never>(...more: S[]) {
  return problems<400 | 401 | 404 | 409 | 500 | 503 | S>(400, 401, 404, 409, 500, 503, ...more);
}
