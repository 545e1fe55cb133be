import { z } from "@hono/zod-openapi";

const NAME = z.string().min(1).max(255);
const PIN = z.string().min(1).max(1024);

/** A volume. */
export const VolumeSchema = z.object({
  attached: z.boolean(),
  auto_mount: z.boolean(),
  encrypted: z.boolean(),
  frontend: z.enum(["fuse", "direct"]).nullable(),
  fs_id: z.string(),
  id: z.string(),
  mounted: z.boolean(),
  mountpoint: z.string().nullable(),
  name: z.string().nullable(),
}).openapi("Volume");
export type Volume = z.infer<typeof VolumeSchema>;

/** A volume that is to be made. */
export const NewVolumeSchema = z.object({
  name: NAME,
  encrypted: z.boolean().optional(),
  pin: PIN.optional(),
  fs_id: z.string().max(64).optional(),
}).openapi("NewVolume");
export type NewVolume = z.infer<typeof NewVolumeSchema>;

/** A volume that was made. */
export const CreatedVolumeSchema = z.object({
  encrypted: z.boolean(),
  id: z.string(),
  mounted: z.boolean(),
  name: z.string(),
  fs_id: z.string(),
}).openapi("CreatedVolume");
export type CreatedVolume = z.infer<typeof CreatedVolumeSchema>;

/** A volume's new name. */
export const NewNameSchema = z.object({ name: NAME }).openapi("NewName");

/** The PIN that opens a volume. */
export const UnlockSchema = z.object({ pin: PIN }).openapi("Unlock");

/** A volume's PIN, and the one that takes its place. */
export const NewPinSchema = z.object({ old_pin: PIN, new_pin: PIN }).openapi("NewPin");
