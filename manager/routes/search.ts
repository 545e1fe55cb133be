import { type OpenAPIHono, z } from "@hono/zod-openapi";
import * as ops from "../../src/ops.ts";
import { access } from "./access.ts";
import { documented, json, TARGET_QUERY, text, volumeProblems } from "../http/documented.ts";
import { nodeJson } from "./node_json.ts";
import { Problem } from "../http/problem.ts";
import type { Env } from "../http/env.ts";
import { router, VolumeParam } from "../http/router.ts";
import type { Services } from "./services.ts";
import { queryOf, queryTarget, wholeNumber } from "./target.ts";
import { ignoreDisconnect } from "../http/ignore_disconnect.ts";
import { FoundSchema } from "../api/search.ts";
import { UsageSchema } from "../api/usage.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "volumes">;

/** Entries of a response by default, and at most. */
const FOUND = 100;
const MOST = 1000;

/** How long a request searches, ms; its response has a cursor then. */
const TIME = 10_000;

/** The routes that scan a whole volume. */
export function searchRoutes(services: RouteServices): OpenAPIHono<Env> {
  const app = router();
  documented(
    app,
    SEARCH,
    ignoreDisconnect(async (c) => {
      const query = queryOf(c.req.url);
      const target = queryTarget(query);
      const pattern = query.get("glob");
      const wanted = pattern ?? query.get("q") ?? "";
      if (wanted === "" || wanted.length > 1024) {
        const what = pattern === null ? "q: the text" : "glob: the pattern";
        throw new Problem(400, "invalid", `${what} to look for, 1 to 1024 characters`);
      }
      if (pattern !== null && query.has("q")) {
        throw new Problem(400, "invalid", "q, glob: only one of them is allowed");
      }
      const limit = wholeNumber(query, "limit", 1, MOST) ?? FOUND;
      await using held = await access(services, c, c.req.param("id")!);
      const { signal } = c.env.visit;
      const after = query.get("after");
      const { entries, truncated, next } = await ops.searchNames(
        held.fs.db,
        held.mount.handle,
        target,
        wanted,
        {
          limit,
          signal,
          glob: pattern !== null,
          timeLimit: TIME,
          ...(after === null ? {} : { after }),
        },
      );
      return c.json({
        entries: entries.map((found) => nodeJson({ info: found, path: found.path })),
        truncated,
        next,
      });
    }),
  );

  documented(
    app,
    USAGE,
    ignoreDisconnect(async (c) => {
      await using held = await access(services, c, c.req.param("id")!);
      const { signal } = c.env.visit;
      const usage = await ops.volumeUsage(held.fs.db, held.mount.handle, { signal });
      return c.json({
        content_bytes: usage.contentBytes,
        stored_bytes: usage.storedBytes,
        saved_bytes: usage.savedBytes,
        trash_bytes: usage.trashBytes,
        nodes: usage.nodes,
        files: usage.files,
        directories: usage.directories,
        trash_nodes: usage.trashNodes,
        chunks: usage.chunks,
      });
    }),
  );
  return app;
}

const SEARCH = {
  method: "get" as const,
  path: "/volumes/{id}/search",
  tags: ["nodes"],
  summary: "Find names that contain a text or match a pattern, below a directory",
  request: {
    params: VolumeParam,
    query: z.object({
      q: text("The text, whatever its case"),
      glob: text(
        "In place of a text, a pattern: *, ?, [a-z], {a,b}, ** for any depth, \\ before a special character",
      ),
      ...TARGET_QUERY,
      limit: text(`How many: ${FOUND}, or 1 to ${MOST}`),
      after: text("Goes on after what another answer gave as `next`"),
    }),
  },
  responses: {
    200: json(
      FoundSchema,
      "What was found. An answer is cut off at its limit, after some seconds, and when its paths " +
        "are long; `next` is what to go on after then",
    ),
    ...volumeProblems(408),
  },
};

const USAGE = {
  method: "get" as const,
  path: "/volumes/{id}/usage",
  tags: ["volumes"],
  summary: "Get how much space a volume takes",
  request: { params: VolumeParam },
  responses: {
    200: json(
      UsageSchema,
      "Bytes and numbers of nodes",
    ),
    ...volumeProblems(408),
  },
};
