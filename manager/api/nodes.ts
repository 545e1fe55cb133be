import { z } from "@hono/zod-openapi";
import { NODE_TYPE, ON_CONFLICT, OUTCOME } from "./common.ts";

/**
 * Annotations, as they come: a `z.record` would leave out a key `__proto__`.
 */
const Annotations = z.custom<Record<string, string>>(
  (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.values(value).every((each) => typeof each === "string"),
  "metadata is a map of text to text",
).openapi({ type: "object", additionalProperties: { type: "string" } });

/** The numbers of a device. */
const DEVICE = z.object({
  kind: z.enum(["char", "block"]),
  major: z.number().int(),
  minor: z.number().int(),
});

/** An entry of a directory. */
export const EntrySchema = z.object({
  id: z.string(),
  name: z.string(),
  type: NODE_TYPE,
  size: z.number().int(),
  version: z.number().int().nullable(),
  mode: z.number().int().nullable(),
  created_at: z.string(),
  modified_at: z.string(),
  visible: z.boolean(),
  edge: z.string(),
  target: z.string().optional(),
  device: DEVICE.optional(),
}).openapi("Entry");

/** The schema of a node. */
export const NodeSchema = z.object({
  id: z.string(),
  name: z.string(),
  path: z.string().nullable(),
  type: NODE_TYPE,
  size: z.number().int(),
  version: z.number().int().nullable(),
  created_at: z.string(),
  modified_at: z.string(),
  accessed_at: z.string(),
  changed_at: z.string(),
  mode: z.number().int().nullable(),
  uid: z.number().int().nullable(),
  gid: z.number().int().nullable(),
  links: z.number().int(),
  retention: z.number().int().nullable(),
  metadata: Annotations,
  target: z.string().optional(),
  device: DEVICE.optional(),
}).openapi("Node");

export type Entry = z.infer<typeof EntrySchema>;
export type Node = z.infer<typeof NodeSchema>;

/** A page of a directory. */
export const ListingSchema = z.object({
  path: z.string(),
  node: z.string(),
  entries: z.array(EntrySchema),
  next: z.string().nullable(),
}).openapi("Listing");
export type Listing = z.infer<typeof ListingSchema>;

/** What of a node is changed. */
export const NodeChangeSchema = z.object({
  metadata: Annotations.optional(),
  mode: z.number().int().min(0).max(0o7777).optional(),
  modified_at: z.string().max(64).optional(),
  retention: z.number().int().min(1).nullable().optional(),
}).openapi("NodeChange");

/** A directory that is to be made. */
export const NewDirectorySchema = z.object({
  path: z.string().max(8192),
  parents: z.boolean().optional(),
}).openapi("NewDirectory");

/** Nodes that are to be moved or copied. */
export const TransferSchema = z.object({
  operation: z.enum(["move", "copy"]),
  from: z.array(z.string().max(8192)).min(1).max(10_000),
  to: z.string().max(8192),
  name: z.string().max(1024).optional(),
  on_conflict: ON_CONFLICT.optional(),
}).openapi("Transfer");
export type Transfer = z.infer<typeof TransferSchema>;

/** Nodes that were moved or copied. */
export const TransferredSchema = z.object({
  items: z.array(z.object({
    from: z.string(),
    to: z.string(),
    node: z.string(),
    outcome: OUTCOME,
    replaced: z.array(z.string()).openapi({
      description: "The nodes that were replaced, which are in the trash",
    }),
  })),
});
export type Transferred = z.infer<typeof TransferredSchema>;
