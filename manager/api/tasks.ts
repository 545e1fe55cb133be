import { z } from "@hono/zod-openapi";
import { ON_CONFLICT } from "./common.ts";

/** Items of one task. */
const MOST_ITEMS = 100_000;

/** Work that is to be begun: which of the fields it takes is said by its operation. */
export const TaskRequestSchema = z.object({
  operation: z.enum(["remove", "move", "copy", "restore", "purge", "undo"]),
  paths: z.array(z.string().max(8192)).min(1).max(MOST_ITEMS).optional().openapi({
    description: "What is removed, moved or copied; a directory with all of its content",
  }),
  to: z.string().max(8192).optional().openapi({
    description: "The directory that it is moved or copied to",
  }),
  ids: z.array(z.string().max(64)).min(1).max(MOST_ITEMS).optional().openapi({
    description: "The nodes of the trash to restore or purge",
  }),
  all: z.boolean().optional().openapi({ description: "All of the trash, in place of `ids`" }),
  on_conflict: ON_CONFLICT.optional(),
  task: z.string().max(64).optional().openapi({ description: "The task to `undo`" }),
}).openapi("TaskWish");
export type TaskRequest = z.infer<typeof TaskRequestSchema>;

/** How a task stands. */
export const TaskSchema = z.object({
  id: z.string(),
  operation: z.enum(["remove", "move", "copy", "restore", "purge", "undo"]),
  to: z.string().nullable(),
  state: z.enum(["running", "done", "failed", "cancelled"]),
  total: z.number().int().openapi({ description: "Items; 0 while they are being listed" }),
  processed: z.number().int().openapi({
    description: "Items that succeeded, were skipped or failed",
  }),
  succeeded: z.number().int(),
  replaced: z.number().int().openapi({ description: "Of those that succeeded" }),
  renamed: z.number().int().openapi({ description: "Of those that succeeded" }),
  skipped: z.number().int(),
  failed: z.number().int(),
  failures: z.array(z.object({
    item: z.string().openapi({ description: "Its path, or its id in the trash" }),
    code: z.string(),
    detail: z.string(),
  })).openapi({ description: "In a list of tasks the first ones of each" }),
  error: z.object({ code: z.string(), detail: z.string() }).nullable().openapi({
    description: "The error that has ended it early",
  }),
  undoable: z.boolean(),
  result: z.string().nullable().openapi({ description: "The resulting path of a single item" }),
  started_at: z.string(),
  ended_at: z.string().nullable(),
}).openapi("Task");
export type Task = z.infer<typeof TaskSchema>;
export type TaskFailure = Task["failures"][number];
