import { z } from "@hono/zod-openapi";

/** The versions of a file. */
export const HistorySchema = z.object({
  versions: z.array(z.object({
    version: z.number().int(),
    size: z.number().int(),
    committed_at: z.string().nullable(),
    current: z.boolean(),
  })),
}).openapi("History");
export type Version = z.infer<typeof HistorySchema>["versions"][number];
