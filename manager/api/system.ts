import { z } from "@hono/zod-openapi";

/** Whether the manager has what it needs. */
export const HealthSchema = z.object({
  status: z.enum(["ok", "degraded"]),
  checks: z.array(
    z.object({
      name: z.string(),
      ok: z.boolean(),
      fatal: z.boolean().openapi({ description: "Whether a required feature fails without it" }),
      detail: z.string(),
      remedy: z.string().nullable(),
    }).openapi("Check"),
  ).optional().openapi({
    description: "Left out for clients without the token where one is required",
  }),
}).openapi("Health");
export type Health = z.infer<typeof HealthSchema>;
export type Check = NonNullable<Health["checks"]>[number];
