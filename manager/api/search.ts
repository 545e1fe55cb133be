import { z } from "@hono/zod-openapi";
import { NodeSchema } from "./nodes.ts";

/** Nodes that a search has found. */
export const FoundSchema = z.object({
  entries: z.array(NodeSchema),
  truncated: z.boolean(),
  next: z.string().nullable(),
}).openapi("Found");
export type Found = z.infer<typeof FoundSchema>;
