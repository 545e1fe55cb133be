import { z } from "@hono/zod-openapi";

/** How a volume is mounted. */
const FRONTEND = z.enum(["fuse", "direct"]);

/** How a volume is to be mounted. */
export const MountRequestSchema = z.object({
  mode: FRONTEND.optional().openapi({
    description: "`fuse`: a directory that any program can use (the default); `direct`: just open",
  }),
  pin: z.string().max(1024).optional(),
  persist: z.boolean().optional().openapi({
    description: "Whether it is restored after a restart",
  }),
  nonempty: z.boolean().optional().openapi({
    description: "Allows a directory with entries, which the mount hides",
  }),
  pin_env: z.string().min(1).max(255).optional().openapi({
    description: "One of the variables of the manager that its operator has named for PINs",
  }),
  pin_file: z.string().min(1).max(4096).optional().openapi({
    description: "A file of the directory that the manager's operator has named for PINs",
  }),
}).optional().openapi("MountRequest");
export type MountRequest = NonNullable<z.infer<typeof MountRequestSchema>>;

/** A volume that was mounted. */
export const MountedSchema = z.object({
  frontend: FRONTEND,
  id: z.string(),
  mountpoint: z.string().nullable().optional(),
  host_path: z.string().nullable().optional(),
}).openapi("Mounted");
export type Mounted = z.infer<typeof MountedSchema>;

/** How a volume is mounted now. */
export const MountStatusSchema = z.object({
  frontend: FRONTEND.nullable(),
  id: z.string(),
  mounted: z.boolean(),
  mountpoint: z.string().nullable(),
  ready: z.boolean(),
  host_path: z.string().nullable(),
  auto_mount: z.boolean(),
}).openapi("MountStatus");
export type MountStatus = z.infer<typeof MountStatusSchema>;
