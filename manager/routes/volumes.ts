import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { access } from "./access.ts";
import { draftKey } from "../volumes/draft_key.ts";
import type { VolumeFacts } from "../volumes/facts.ts";
import { Problem } from "../http/problem.ts";
import type { Env } from "../http/env.ts";
import { problems, router, VolumeParam } from "../http/router.ts";
import type { Services } from "./services.ts";
import { renewSession, unlockFor } from "./session_proof.ts";
import {
  CreatedVolumeSchema,
  NewNameSchema,
  NewPinSchema,
  NewVolumeSchema,
  UnlockSchema,
  VolumeSchema,
} from "../api/volumes.ts";

/** What these routes work with. */
type RouteServices = Pick<
  Services,
  "feed" | "filesystems" | "mounts" | "sessions" | "settings" | "volumes"
>;

/** The routes of volumes: create, list, rename, delete; and of their PINs. */
export function volumeRoutes(services: RouteServices): OpenAPIHono<Env> {
  const { filesystems, mounts, sessions, feed } = services;
  const app = router();

  const row = (volume: VolumeFacts) => {
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
  };

  app.openapi(LIST, async (c) => c.json((await filesystems.volumes()).map(row), 200));

  app.openapi(
    GET_ONE,
    async (c) => c.json(row(await filesystems.volume(c.req.valid("param").id)), 200),
  );

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

  app.openapi(RENAME, async (c) => {
    const { name } = c.req.valid("json");
    const { id, fsId } = await filesystems.volume(c.req.valid("param").id);
    await filesystems.use(fsId, (fs) => fs.renameVolume(id, name));
    feed.publish({ type: "renamed", fs_id: fsId, volume_id: id });
    return c.json(row(await filesystems.volume(id)), 200);
  });

  app.openapi(REMOVE, async (c) => {
    const { id, fsId } = await filesystems.volume(c.req.valid("param").id);
    await filesystems.removeVolume(id);
    feed.publish({ type: "deleted", fs_id: fsId, volume_id: id });
    return c.body(null, 204);
  });

  app.openapi(UNLOCK, async (c) => {
    const volume = await filesystems.volume(c.req.valid("param").id);
    const { expiresAt } = await unlockFor(services, c, volume, c.req.valid("json").pin);
    return c.json({ expires_at: new Date(expiresAt).toISOString() }, 200);
  });

  app.openapi(LOCK, async (c) => {
    const { id } = await filesystems.volume(c.req.valid("param").id);
    await sessions.lock(id, c.get("session"));
    return c.body(null, 204);
  });

  app.openapi(DRAFT_KEY, async (c) => {
    await using held = await access(services, c, c.req.valid("param").id);
    const key = await draftKey(held);
    if (key === null) throw new Problem(404, "not_found", "a volume without a PIN has no key");
    return c.json({ key: key.toBase64() }, 200, { "cache-control": "no-store" });
  });

  app.openapi(CHANGE_PIN, async (c) => {
    const { id, fsId } = await filesystems.volume(c.req.valid("param").id);
    const { old_pin, new_pin } = c.req.valid("json");
    await sessions.guarded(
      id,
      c.get("client"),
      () => filesystems.use(fsId, (fs) => fs.changePin(id, old_pin, new_pin)),
    );
    // Other sessions have proved the old PIN only.
    await sessions.lockForAll(id, c.get("session"));
    renewSession(services, c);
    return c.body(null, 204);
  });

  return app;
}

const ONE = { "application/json": { schema: VolumeSchema } };

const LIST = createRoute({
  method: "get",
  path: "/volumes",
  tags: ["volumes"],
  summary: "List the volumes",
  responses: {
    200: {
      description: "Every volume of every available filesystem",
      content: {
        "application/json": {
          schema: z.array(VolumeSchema),
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
          schema: NewVolumeSchema,
        },
      },
    },
  },
  responses: {
    201: {
      description: "The volume was made",
      content: {
        "application/json": {
          schema: CreatedVolumeSchema,
        },
      },
    },
    ...problems(400, 404),
  },
});

const GET_ONE = createRoute({
  method: "get",
  path: "/volumes/{id}",
  tags: ["volumes"],
  summary: "Get a volume",
  request: { params: VolumeParam },
  responses: { 200: { description: "It", content: ONE }, ...problems(404) },
});

const RENAME = createRoute({
  method: "patch",
  path: "/volumes/{id}",
  tags: ["volumes"],
  summary: "Rename a volume",
  request: {
    params: VolumeParam,
    body: {
      required: true,
      content: { "application/json": { schema: NewNameSchema } },
    },
  },
  responses: { 200: { description: "It, as it is now", content: ONE }, ...problems(400, 404) },
});

const REMOVE = createRoute({
  method: "delete",
  path: "/volumes/{id}",
  tags: ["volumes"],
  summary: "Delete a volume irreversibly",
  description: "It is unmounted first. The filesystem's file goes with its last volume.",
  request: { params: VolumeParam },
  responses: { 204: { description: "It is gone" }, ...problems(404, 409) },
});

const UNLOCK = createRoute({
  method: "post",
  path: "/volumes/{id}/unlock",
  tags: ["volumes"],
  summary: "Prove the PIN of an encrypted volume",
  description: "Unlocks it for the session of the cookie. Wrong PINs are counted.",
  request: {
    params: VolumeParam,
    body: {
      required: true,
      content: { "application/json": { schema: UnlockSchema } },
    },
  },
  responses: {
    200: {
      description: "It is unlocked for the session",
      content: {
        "application/json": {
          schema: z.object({
            expires_at: z.string().openapi({
              description: "When the session ends if it is not used",
            }),
          }).openapi("Unlocked"),
        },
      },
    },
    ...problems(400, 404, 429),
  },
});

const LOCK = createRoute({
  method: "delete",
  path: "/volumes/{id}/unlock",
  tags: ["volumes"],
  summary: "Lock a volume for this session",
  request: { params: VolumeParam },
  responses: { 204: { description: "It is locked" }, ...problems(404) },
});

const DRAFT_KEY = createRoute({
  method: "get",
  path: "/volumes/{id}/draft-key",
  tags: ["volumes"],
  summary: "Get the key that encrypts drafts of an encrypted volume in a browser",
  description:
    "Derived from the volume's key, for a session that has unlocked it. It decrypts no content.",
  request: { params: VolumeParam },
  responses: {
    200: {
      description: "32 bytes in base64",
      content: {
        "application/json": { schema: z.object({ key: z.string() }).openapi("DraftKey") },
      },
    },
    ...problems(401, 404, 503),
  },
});

const CHANGE_PIN = createRoute({
  method: "post",
  path: "/volumes/{id}/pin",
  tags: ["volumes"],
  summary: "Change the PIN of an encrypted volume",
  description: "Other sessions have to prove the new one.",
  request: {
    params: VolumeParam,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: NewPinSchema,
        },
      },
    },
  },
  responses: { 204: { description: "The PIN was changed" }, ...problems(400, 404, 429) },
});
