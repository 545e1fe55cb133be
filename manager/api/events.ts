import { z } from "@hono/zod-openapi";

/** Something that the feed tells of. */
export const FeedEventSchema = z.object({
  type: z.string(),
  fs_id: z.string().optional(),
  volume_id: z.string().optional(),
  /** Where in the volume. Only who may read the volume learns it. */
  path: z.string().optional().readonly(),
});
export type FeedEvent = z.infer<typeof FeedEventSchema>;
