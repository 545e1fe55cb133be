import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { type Env, problems, router } from "../router.ts";
import type { Services } from "../services.ts";
import { Problem } from "../problem.ts";

/** The routes of volumes: create, list, look at, delete. */
export function volumeRoutes(services: Services): OpenAPIHono<Env> {
  const { filesystems, mounts, feed } = services;
  const app = router();

  app.openapi(LIST, async (c) => {
    const volumes = await filesystems.volumes();
    return c.json(
      volumes.map((volume) => {
        const mount = mounts.status(volume.id);
        return {
          attached: mount.frontend !== null,
          auto_mount: mount.auto_mount,
          encrypted: volume.encrypted,
          frontend: mount.frontend,
          fs_id: volume.fsId,
          id: volume.id,
          mounted: mount.mounted,
          mountpoint: mount.mountpoint,
          name: volume.name,
        };
      }),
      200,
    );
  });

  app.openapi(CREATE, async (c) => {
    const { name, encrypted, pin, fs_id } = c.req.valid("json");
    if (encrypted && pin === undefined) {
      throw new Problem(400, "encryption_required", "pin is required when encrypted is true");
    }
    if (!encrypted && pin !== undefined) {
      throw new Problem(400, "invalid", "pin must be omitted when encrypted is false");
    }
    const volume = await filesystems.createVolume({
      name,
      ...(pin === undefined ? {} : { pin }),
      ...(fs_id === undefined ? {} : { fsId: fs_id }),
    });
    feed.publish({ type: "created", fs_id: volume.fsId, volume_id: volume.id });
    const { id } = volume;
    return c.json(
      { encrypted: volume.encrypted, id, mounted: false, name, fs_id: volume.fsId },
      201,
    );
  });

  return app;
}

const LIST = createRoute({
  method: "get",
  path: "/volumes",
  tags: ["volumes"],
  summary: "List the volumes",
  responses: {
    200: {
      description: "Every volume of every filesystem that is there",
      content: {
        "application/json": {
          schema: z.array(
            z.object({
              attached: z.boolean(),
              auto_mount: z.boolean(),
              encrypted: z.boolean(),
              frontend: z.enum(["fuse", "direct"]).nullable(),
              fs_id: z.string(),
              id: z.string(),
              mounted: z.boolean(),
              mountpoint: z.string().nullable(),
              name: z.string().nullable(),
            }).openapi("Volume"),
          ),
        },
      },
    },
  },
});

const CREATE = createRoute({
  method: "post",
  path: "/volumes",
  tags: ["volumes"],
  summary: "Make a volume",
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            name: z.string().min(1).max(255),
            encrypted: z.boolean().optional(),
            pin: z.string().max(1024).optional(),
            fs_id: z.string().max(64).optional(),
          }).openapi("NewVolume"),
        },
      },
    },
  },
  responses: {
    201: {
      description: "It is made",
      content: {
        "application/json": {
          schema: z.object({
            encrypted: z.boolean(),
            id: z.string(),
            mounted: z.boolean(),
            name: z.string(),
            fs_id: z.string(),
          }).openapi("CreatedVolume"),
        },
      },
    },
    ...problems(400, 404),
  },
});
