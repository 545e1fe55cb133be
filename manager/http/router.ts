import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Env } from "./env.ts";
import { jsonBody } from "./json_body.ts";
import { Problem } from "./problem.ts";

/** A router whose requests are validated; one that does not fit its schema is a problem. */
export function router(): OpenAPIHono<Env> {
  const app = new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (result.success) return;
      const [issue] = result.error.issues;
      const where = issue.path.length > 0 ? `${issue.path.join(".")}: ` : "";
      throw new Problem(400, "invalid", `${where}${issue.message}`);
    },
  });
  const { openapi } = app;
  app.openapi = ((route, ...rest) => {
    if (route.request?.body?.content["application/json"] === undefined) {
      return openapi(route, ...rest);
    }
    const responses = { ...problems(400, 415), ...route.responses };
    const { middleware = [jsonBody("jsonBytes")] } = route;
    return openapi({ ...route, responses, middleware }, ...rest);
  }) as typeof openapi;
  return app;
}

/** The schema of a problem. */
export const ProblemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string(),
  error: z.string(),
}).openapi("Problem");

/** The problem responses of a route, by status. */
export function problems<S extends number>(...statuses: S[]): Record<S, {
  description: string;
  content: { "application/problem+json": { schema: typeof ProblemSchema } };
}> {
  return Object.fromEntries(statuses.map((status) => [status, {
    description: new Problem(status, "invalid", "").title,
    content: { "application/problem+json": { schema: ProblemSchema } },
  }])) as never;
}

/** A volume's id in a path. */
export const VolumeParam = z.object({
  id: z.string().min(1).openapi({
    param: { name: "id", in: "path" },
    example: "019ad2c4-5b1e-7000-8000-000000000000",
  }),
});

/** A filesystem's id in a path. */
export const FilesystemParam = z.object({
  id: z.string().min(1).openapi({
    param: { name: "id", in: "path" },
    example: "6f1c2d3e4b5a69788796a5b4c3d2e1f0",
  }),
});
