import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { documented, text } from "../http/documented.ts";
import type { Listener } from "../volumes/feed.ts";
import type { Env } from "../http/env.ts";
import { problems, router } from "../http/router.ts";
import { trackedStream } from "../http/tracked_stream.ts";
import type { Services } from "./services.ts";
import { queryOf } from "./target.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "feed" | "filesystems" | "sessions">;

/** How often an idle stream sends a heartbeat, ms. */
const HEARTBEAT_MS = 15_000;

/** The route of the feed. */
export function eventRoutes(services: RouteServices): OpenAPIHono<Env> {
  const app = router();
  documented(app, EVENTS, (c) => events(services, c));
  return app;
}

async function events(services: RouteServices, c: Context<Env>): Promise<Response> {
  const id = queryOf(c.req.url).get("volume");
  const volume = id === null ? null : await services.filesystems.volume(id);
  const headers = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-accel-buffering": "no",
  };
  if (c.req.raw.method === "HEAD") return new Response(null, { headers });
  const session = services.sessions.view(c.get("session"));
  const listener = services.feed.listen({
    holds: (volume) => session?.holds(volume) ?? false,
    ...(volume === null ? {} : { fsId: volume.fsId, volume: volume.id }),
    lastId: c.req.header("last-event-id") ?? null,
  });
  return new Response(trackedStream(c.env.visit, stream(listener)), { headers });
}

function stream(listener: Listener): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let timer: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode("retry: 2000\n\n"));
      timer = setInterval(() => {
        // Only into an empty stream, so that heartbeats do not pile up.
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(": here\n\n"));
      }, HEARTBEAT_MS);
    },
    async pull(controller) {
      const events = await listener.take();
      if (events === null) {
        clearInterval(timer);
        // A client that disconnects closes it too.
        try {
          controller.close();
        } catch {
          // Cancelled.
        }
        return;
      }
      const lines = events.map(({ id, event }) => `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`);
      controller.enqueue(encoder.encode(lines.join("")));
    },
    cancel() {
      clearInterval(timer);
      listener.close();
    },
  }, { highWaterMark: 1 });
}

const EVENTS = {
  method: "get" as const,
  path: "/events",
  tags: ["system"],
  summary: "Stream changes as they happen, made by any program",
  request: {
    query: z.object({ volume: text("Only what concerns this volume") }),
    headers: z.object({
      "last-event-id": z.string().optional().openapi({
        description: "Sends the events after this one, or `reset` if it is no longer known",
      }),
    }),
  },
  responses: {
    200: {
      description: "Events, each a JSON object with its `type`",
      content: { "text/event-stream": { schema: { type: "string" } as const } },
    },
    ...problems(400, 401, 404, 500, 503),
  },
};
