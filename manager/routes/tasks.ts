import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { access } from "./access.ts";
import { documented, json, volumeProblems } from "../http/documented.ts";
import { jsonBody } from "../http/json_body.ts";
import { Problem } from "../http/problem.ts";
import type { Env } from "../http/env.ts";
import { router, VolumeParam } from "../http/router.ts";
import type { Services } from "./services.ts";
import type { TaskReport, TaskSpec } from "../jobs/tasks.ts";
import { toRfc3339 } from "../volumes/times.ts";
import { type TaskRequest, TaskRequestSchema, TaskSchema } from "../api/tasks.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "tasks" | "volumes">;

/** The routes of tasks. */
export function taskRoutes(services: RouteServices): OpenAPIHono<Env> {
  const { tasks } = services;
  const app = router();

  app.openapi(START, async (c) => {
    const spec = specOf(c.req.valid("json"));
    const held = await access(services, c, c.req.valid("param").id);
    const { id } = held.volume;
    const report = await tasks.start(held, spec);
    return c.json(taskJson(report), 202, { location: `/volumes/${id}/tasks/${report.id}` });
  });

  documented(app, LIST, async (c) => {
    await using held = await access(services, c, c.req.param("id")!);
    return c.json({ tasks: tasks.list(held.volume.id).map(taskJson) });
  });

  documented(app, GET_ONE, async (c) => {
    await using held = await access(services, c, c.req.param("id")!);
    return c.json(taskJson(tasks.get(held.volume.id, c.req.param("task")!)));
  });

  documented(app, END, async (c) => {
    await using held = await access(services, c, c.req.param("id")!);
    await tasks.cancel(held.volume.id, c.req.param("task")!);
    return c.body(null, 204);
  });
  return app;
}

/** @throws {Problem} 400 for fields that do not fit the operation. */
function specOf(body: TaskRequest): TaskSpec {
  const { operation, paths, to, ids, all = false, on_conflict, task } = body;
  const present = new Set(
    Object.keys(body).filter((key) => body[key as keyof typeof body] !== undefined),
  );
  for (const key of present) {
    if (key !== "operation" && !FIELDS[operation].includes(key)) {
      throw new Problem(400, "invalid", `${key}: is not for ${operation}`);
    }
  }
  const conflict = on_conflict === undefined ? {} : { onConflict: on_conflict };
  switch (operation) {
    case "remove":
      return { operation, paths: required(paths, "paths") };
    case "move":
    case "copy":
      return { operation, paths: required(paths, "paths"), to: required(to, "to"), ...conflict };
    case "restore":
    case "purge": {
      if (all === (ids !== undefined)) {
        throw new Problem(400, "invalid", "either all, or the ids");
      }
      return operation === "restore"
        ? { operation, ids: ids ?? null, ...conflict }
        : { operation, ids: ids ?? null };
    }
    case "undo":
      return { operation, task: required(task, "task") };
  }
}

const FIELDS: Record<TaskSpec["operation"], readonly string[]> = {
  remove: ["paths"],
  move: ["paths", "to", "on_conflict"],
  copy: ["paths", "to", "on_conflict"],
  restore: ["ids", "all", "on_conflict"],
  purge: ["ids", "all"],
  undo: ["task"],
};

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Problem(400, "invalid", `${name}: is required`);
  return value;
}

function taskJson({ startedAt, endedAt, failures, ...rest }: TaskReport) {
  const time = (ms: number) => toRfc3339(BigInt(ms) * 1_000_000n);
  return {
    ...rest,
    failures: [...failures],
    started_at: time(startedAt),
    ended_at: endedAt === null ? null : time(endedAt),
  };
}

const ALL = { path: "/volumes/{id}/tasks" as const, tags: ["tasks"] };
const ONE = { path: "/volumes/{id}/tasks/{task}" as const, tags: ["tasks"] };

const TaskParams = VolumeParam.extend({
  task: z.string().openapi({ param: { name: "task", in: "path" } }),
});

const START = createRoute({
  ...ALL,
  method: "post",
  summary: "Start a task: remove, move, copy, restore or purge any number of items",
  middleware: [jsonBody("taskBytes")] as const,
  request: {
    params: VolumeParam,
    body: { required: true, content: { "application/json": { schema: TaskRequestSchema } } },
  },
  responses: {
    202: json(TaskSchema, "It has started; Location has its URL"),
    ...volumeProblems(403, 408, 413, 423, 507),
  },
});

const LIST = {
  ...ALL,
  method: "get" as const,
  summary: "List the running and recently ended tasks of a volume",
  request: { params: VolumeParam },
  responses: {
    200: json(z.object({ tasks: z.array(TaskSchema) }), "Newest first"),
    ...volumeProblems(),
  },
};

const GET_ONE = {
  ...ONE,
  method: "get" as const,
  summary: "Get the state of a task",
  request: { params: TaskParams },
  responses: { 200: json(TaskSchema, "The task"), ...volumeProblems() },
};

const END = {
  ...ONE,
  method: "delete" as const,
  summary: "Cancel a task, or forget one that has ended",
  request: { params: TaskParams },
  responses: {
    204: { description: "It has stopped; what it has done stays" },
    ...volumeProblems(403, 423, 507),
  },
};
