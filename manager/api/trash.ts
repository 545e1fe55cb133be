import { z } from "@hono/zod-openapi";
import { NODE_TYPE } from "./common.ts";

/** What is in the trash. */
export const TrashSchema = z.object({
  entries: z.array(z.object({
    id: z.string(),
    name: z.string(),
    path: z.string(),
    type: NODE_TYPE,
    size: z.number().int(),
    nodes: z.number().int(),
    deleted_at: z.string().nullable(),
  })),
}).openapi("Trash");
export type TrashItem = z.infer<typeof TrashSchema>["entries"][number];
