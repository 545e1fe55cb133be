import { z } from "@hono/zod-openapi";

/** A filesystem: a file with volumes. */
export const FilesystemSchema = z.object({
  id: z.string(),
  name: z.string(),
  size_bytes: z.number().int(),
  free_bytes: z.number().int().openapi({
    description: "Free space within the file, which further writes use first",
  }),
  mtime: z.string().nullable(),
  created_at: z.string(),
  missing: z.boolean().openapi({ description: "Whether the file is missing" }),
  volumes: z.array(z.object({ id: z.string(), name: z.string().nullable() })),
}).openapi("Filesystem");
export type Filesystem = z.infer<typeof FilesystemSchema>;

/** What takes how much of a filesystem's file, bytes. */
export const SpaceSchema = z.object({
  file_bytes: z.number().int(),
  content_bytes: z.number().int(),
  version_bytes: z.number().int(),
  trash_bytes: z.number().int(),
  unfinished_bytes: z.number().int(),
  unused_bytes: z.number().int(),
  metadata_bytes: z.number().int(),
  free_bytes: z.number().int(),
  saved_bytes: z.number().int(),
  log_bytes: z.number().int(),
  disk_free_bytes: z.number().int().nullable(),
}).openapi("Space");
export type Space = z.infer<typeof SpaceSchema>;

/** What pruning a filesystem has freed. */
export const PrunedSchema = z.object({
  nodes: z.number().int(),
  locks: z.number().int(),
  mounts: z.number().int(),
  versions: z.number().int(),
  chunks: z.number().int(),
  freed_bytes: z.number().int().openapi({ description: "Returned to the disk" }),
  reusable_bytes: z.number().int().openapi({
    description: "Freed within the file, for further writes",
  }),
}).openapi("Pruned");
export type Pruned = z.infer<typeof PrunedSchema>;
