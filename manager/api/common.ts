import { z } from "@hono/zod-openapi";

/** What is done where a name is taken. */
export const ON_CONFLICT = z.enum(["fail", "skip", "replace", "rename"]).openapi({
  description: "Where a name is taken: fail, skip, replace, or use another name",
});

/** What became of something that was to have a name. */
export const OUTCOME = z.enum(["created", "replaced", "renamed", "skipped"]);
export type OnConflict = z.infer<typeof ON_CONFLICT>;

/** What a node is. */
export const NODE_TYPE = z.enum(["directory", "file", "symlink", "fifo", "socket", "device"]);
export type NodeType = z.infer<typeof NODE_TYPE>;
