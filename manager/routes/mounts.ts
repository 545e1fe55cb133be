import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { MountStatus } from "../mounts/mounts.ts";
import { Problem } from "../http/problem.ts";
import type { Env } from "../http/env.ts";
import { problems, router, VolumeParam } from "../http/router.ts";
import type { Services } from "./services.ts";
import { toRfc3339 } from "../volumes/times.ts";
import { MountedSchema, MountRequestSchema, MountStatusSchema } from "../api/mounts.ts";

/** What these routes work with. */
type RouteServices = Pick<Services, "filesystems" | "mounts" | "pins" | "sessions">;

/** The routes of mounts: those of the manager, and the records in a file. */
export function mountRoutes(services: RouteServices): OpenAPIHono<Env> {
  const { filesystems, mounts, pins, sessions } = services;
  const app = router();

  app.openapi(MOUNT, async (c) => {
    const volume = await filesystems.volume(c.req.valid("param").id);
    const { mode = "fuse", persist = false, nonempty, pin, pin_env, pin_file } =
      c.req.valid("json") ?? {};
    const source = { pinEnv: pin_env, pinFile: pin_file };
    const given = pin !== undefined || pin_env !== undefined || pin_file !== undefined;
    if (mounts.status(volume.id).frontend !== null) {
      throw new Problem(409, "already_mounted", "the volume is mounted already");
    }
    if (volume.encrypted && given) {
      // Checked here, where wrong PINs are counted by client.
      const client = c.get("client");
      const check = (bytes: Uint8Array) =>
        sessions.guarded(
          volume.id,
          client,
          () => filesystems.use(volume.fsId, (fs) => fs.checkPin(volume.id, bytes)),
        );
      if (pin === undefined) await pins.attempt(source, client, check);
      else await check(new TextEncoder().encode(pin));
    }
    const status = await mounts.mount(volume, {
      mode,
      persist,
      nonEmpty: nonempty ?? false,
      ...(pin === undefined ? {} : { pin }),
      ...(pin_env === undefined ? {} : { pinEnv: pin_env }),
      ...(pin_file === undefined ? {} : { pinFile: pin_file }),
    });
    if (mode === "direct") return c.json({ frontend: "direct" as const, id: volume.id }, 200);
    const { mountpoint, host_path } = status;
    return c.json({ frontend: "fuse" as const, id: volume.id, mountpoint, host_path }, 200);
  });

  app.openapi(UNMOUNT, async (c) => {
    const { id } = await filesystems.volume(c.req.valid("param").id);
    await mounts.unmount(id);
    return c.body(null, 204);
  });

  app.openapi(STATUS, async (c) => {
    const { id } = await filesystems.volume(c.req.valid("param").id);
    return c.json(answer(mounts.status(id)), 200);
  });

  app.openapi(END, async (c) => {
    const { id, mount } = c.req.valid("param");
    const volume = await filesystems.volume(id);
    await mounts.endRecord(volume, mount, c.req.valid("query").force === "1");
    return c.body(null, 204);
  });

  app.openapi(RECORDS, async (c) => {
    const { id, fsId } = await filesystems.volume(c.req.valid("param").id);
    using lease = await filesystems.lease(fsId);
    // The connection for reading has its own mounts, and does not see those of the file.
    const all = await (await lease.file.writer()).mounts({ volume: id });
    return c.json({
      mounts: all.map((mount) => ({
        id: mount.id,
        principal: mount.principal,
        access: mount.access,
        state: mount.state,
        path: mount.mountPath,
        created_at: toRfc3339(mount.createdAt),
        expires_at: mount.expiresAt === null ? null : toRfc3339(mount.expiresAt),
      })),
    }, 200);
  });

  return app;
}

function answer(status: MountStatus) {
  const { volume, frontend, mounted, ready, mountpoint, host_path, auto_mount } = status;
  return { frontend, id: volume, mounted, mountpoint, ready, host_path, auto_mount };
}

const MOUNT = createRoute({
  method: "post",
  path: "/volumes/{id}/mount",
  tags: ["mounts"],
  summary: "Mount a volume",
  request: {
    params: VolumeParam,
    body: {
      content: {
        "application/json": {
          schema: MountRequestSchema,
        },
      },
    },
  },
  responses: {
    200: {
      description: "It is mounted",
      content: {
        "application/json": {
          schema: MountedSchema,
        },
      },
    },
    ...problems(400, 404, 409, 429, 503),
  },
});

const UNMOUNT = createRoute({
  method: "delete",
  path: "/volumes/{id}/mount",
  tags: ["mounts"],
  summary: "Unmount a volume",
  description: "A mount in use is detached; programs that use it go on until they are done.",
  request: { params: VolumeParam },
  responses: { 204: { description: "It is unmounted" }, ...problems(404, 503) },
});

const STATUS = createRoute({
  method: "get",
  path: "/volumes/{id}/mount",
  tags: ["mounts"],
  summary: "Get how a volume is mounted",
  request: { params: VolumeParam },
  responses: {
    200: {
      description: "The state of its mount",
      content: {
        "application/json": {
          schema: MountStatusSchema,
        },
      },
    },
    ...problems(404),
  },
});

const END = createRoute({
  method: "delete",
  path: "/volumes/{id}/mounts/{mount}",
  tags: ["mounts"],
  summary: "End a mount that the file records",
  description: "For a mount that an ended program has left. A program that still uses it fails.",
  request: {
    params: VolumeParam.extend({
      mount: z.string().min(1).openapi({ param: { name: "mount", in: "path" } }),
    }),
    query: z.object({
      force: z.enum(["0", "1"]).optional().openapi({
        description: "`1`: also if it has an expiry, which its program may be renewing",
      }),
    }),
  },
  responses: { 204: { description: "The mount has ended" }, ...problems(400, 404, 409, 503) },
});

const RECORDS = createRoute({
  method: "get",
  path: "/volumes/{id}/mounts",
  tags: ["mounts"],
  summary: "List the mounts that the file records, of any program",
  request: { params: VolumeParam },
  responses: {
    200: {
      description: "The mounts",
      content: {
        "application/json": {
          schema: z.object({
            mounts: z.array(z.object({
              id: z.string(),
              principal: z.string().nullable(),
              access: z.string(),
              state: z.string(),
              path: z.string().nullable(),
              created_at: z.string(),
              expires_at: z.string().nullable(),
            })),
          }).openapi("VolumeMounts"),
        },
      },
    },
    ...problems(404),
  },
});
