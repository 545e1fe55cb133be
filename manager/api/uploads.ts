import { z } from "@hono/zod-openapi";

/** An upload that is not finished. */
export const UploadSchema = z.object({
  id: z.string(),
  path: z.string(),
  offset: z.number().int(),
  length: z.number().int().nullable(),
  modified_at: z.string().nullable().openapi({
    description: "The modification time that the file will get; the client's name for its source",
  }),
  active: z.boolean().openapi({ description: "A request is sending it now" }),
  created_at: z.string(),
  expires_at: z.string(),
}).openapi("Upload");
export type Upload = z.infer<typeof UploadSchema>;
