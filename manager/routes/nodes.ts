import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Target } from "../../src/ops.ts";
import { access } from "./access.ts";
import type { OpenVolume } from "../volumes/volume_service.ts";
import { documented, json, TARGET_QUERY, text, volumeProblems } from "../http/documented.ts";
import { EntryWriter, nodeJson } from "./node_json.ts";
import { Problem } from "../http/problem.ts";
import type { Env } from "../http/env.ts";
import { router, VolumeParam } from "../http/router.ts";
import type { Services } from "./services.ts";
import { queryOf, queryTarget, wholeNumber } from "./target.ts";
import { modifiedAt } from "./files.ts";
import { ListingSchema, NewDirectorySchema, NodeChangeSchema, NodeSchema } from "../api/nodes.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "answers" | "volumes">;

/** Entries of a page by default, and at most. */
const PAGE = 1000;
const LARGEST_PAGE = 10_000;

/** The routes of directories and of nodes' metadata. */
export function nodeRoutes(services: RouteServices): OpenAPIHono<Env> {
  const app = router();
  documented(app, LIST, (c) => list(services, c));
  documented(app, GET_ONE, async (c) => {
    const target = queryTarget(queryOf(c.req.url));
    await using held = await access(services, c, c.req.param("id")!);
    return await kept(
      services,
      c,
      held,
      GET_ONE.path,
      async () => JSON.stringify(nodeJson(await held.stat(target))),
    );
  });

  app.openapi(CHANGE, async (c) => {
    const target = queryTarget(queryOf(c.req.url));
    const changes = c.req.valid("json");
    const modified = modifiedAt(changes.modified_at ?? null).modifiedAt;
    await using held = await access(services, c, c.req.valid("param").id);
    const path = await held.change(target, {
      ...(changes.metadata === undefined ? {} : { metadata: changes.metadata }),
      ...(changes.retention === undefined ? {} : { retention: changes.retention }),
      ...(changes.mode === undefined ? {} : { mode: changes.mode }),
      ...(modified === undefined ? {} : { modifiedAt: modified }),
    });
    return c.json(nodeJson(await held.stat({ path })), 200);
  });

  app.openapi(MAKE, async (c) => {
    const { path, parents = false } = c.req.valid("json");
    await using held = await access(services, c, c.req.valid("param").id);
    return c.json(await held.mkdir(path, { parents }), 201);
  });
  return app;
}

/** Answers with JSON that is cached until its file changes. */
async function kept(
  { answers }: RouteServices,
  c: Context<Env>,
  { fs, volume }: OpenVolume,
  route: string,
  make: () => Promise<string>,
): Promise<Response> {
  // Content of encrypted volumes is never cached.
  if (volume.encrypted) return c.body(await make(), 200, { "content-type": "application/json" });
  const pattern = route.replace(/\{(\w+)\}/g, ":$1");
  return await answers.make(c.req.url, { fs, volume: volume.id, route: pattern }, make);
}

async function list(services: RouteServices, c: Context<Env>): Promise<Response> {
  const query = queryOf(c.req.url);
  const target = queryTarget(query);
  const limit = wholeNumber(query, "limit", 1, LARGEST_PAGE) ?? PAGE;
  const after = query.get("after");
  if (after !== null && !/^[0-9a-f-]{1,64}(\.[0-9a-f-]{0,64})?$/.test(after)) {
    throw new Problem(400, "invalid", "after: is no `next` of a page");
  }
  await using held = await access(services, c, c.req.param("id")!);
  return await kept(services, c, held, LIST.path, () => listing(held, target, limit, after));
}

/** A page of a directory, as JSON. */
async function listing(
  held: OpenVolume,
  target: Target,
  limit: number,
  after: string | null,
): Promise<string> {
  const { path, ...page } = await held.list(target, {
    limit,
    ...(after === null ? {} : { after }),
  });
  const writer = new EntryWriter();
  const entries = page.entries.map((entry) => writer.write(entry)).join(",");
  return `{"path":${JSON.stringify(path)},"node":"${page.node}","entries":[${entries}],` +
    `"next":${JSON.stringify(page.next)}}`;
}

const LIST = {
  method: "get" as const,
  path: "/volumes/{id}/list",
  tags: ["nodes"],
  summary: "List a directory, page by page",
  request: {
    params: VolumeParam,
    query: z.object({
      ...TARGET_QUERY,
      limit: text(`Entries of the page: ${PAGE}, or 1 to ${LARGEST_PAGE}`),
      after: text("`next` of the page before"),
    }),
  },
  responses: {
    200: json(
      ListingSchema,
      "A page, in the order of being placed",
    ),
    ...volumeProblems(),
  },
};

const GET_ONE = {
  method: "get" as const,
  path: "/volumes/{id}/node",
  tags: ["nodes"],
  summary: "Get the metadata of a node",
  request: { params: VolumeParam, query: z.object(TARGET_QUERY) },
  responses: { 200: json(NodeSchema, "The node"), ...volumeProblems() },
};

const CHANGE = createRoute({
  method: "patch",
  path: "/volumes/{id}/node",
  tags: ["nodes"],
  summary: "Change the metadata of a node, all of it or nothing",
  request: {
    params: VolumeParam,
    query: z.object(TARGET_QUERY),
    body: {
      required: true,
      content: {
        "application/json": {
          schema: NodeChangeSchema,
        },
      },
    },
  },
  responses: { 200: json(NodeSchema, "The node now"), ...volumeProblems(403, 423, 507) },
});

const MAKE = createRoute({
  method: "post",
  path: "/volumes/{id}/directories",
  tags: ["nodes"],
  summary: "Make a directory",
  request: {
    params: VolumeParam,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: NewDirectorySchema,
        },
      },
    },
  },
  responses: {
    201: json(z.object({ node: z.string(), path: z.string() }), "It is there"),
    ...volumeProblems(403, 423, 507),
  },
});
