import { z } from "@hono/zod-openapi";

/** What a volume takes. */
export const UsageSchema = z.object({
  content_bytes: z.number().int(),
  stored_bytes: z.number().int(),
  saved_bytes: z.number().int(),
  trash_bytes: z.number().int(),
  nodes: z.number().int(),
  files: z.number().int(),
  directories: z.number().int(),
  trash_nodes: z.number().int(),
  chunks: z.number().int(),
}).openapi("Usage");
export type Usage = z.infer<typeof UsageSchema>;
