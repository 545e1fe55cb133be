import type { Compilable, Kysely } from "kysely";
import type { RegistrySchema } from "./registry_schema.ts";
import { type RowOf, type Template, template, type TemplateOptions } from "./template.ts";

/**
 * Defines a template over the manager's records, which are a database of their
 * own.
 *
 * @param name File and export.
 */
export const registryTemplate = template as unknown as <Values = Record<never, never>>(
  name: string,
) => <Q extends Compilable<unknown>>(
  build: (q: Kysely<RegistrySchema>, p: Values) => Q,
  options?: TemplateOptions<Values>,
) => Template<Values, RowOf<Q>>;

/** The filesystems, oldest first. */
export const listFilesystems = registryTemplate("registry.listFilesystems")(
  (q) => q.selectFrom("filesystem").selectAll().orderBy("created_at").orderBy("fs_id"),
  { wide: true },
);

/** A new filesystem. */
export const insertFilesystem = registryTemplate<{
  id: string;
  fileName: string;
  name: string;
  createdAt: bigint;
  state: string;
}>("registry.insertFilesystem")((q, p) =>
  q.insertInto("filesystem").values({
    fs_id: p.id,
    file_name: p.fileName,
    name: p.name,
    created_at: p.createdAt,
    state: p.state,
  })
);

/** Moves a filesystem on in its life. */
export const setFilesystemState = registryTemplate<{ id: string; state: string }>(
  "registry.setFilesystemState",
)((q, p) => q.updateTable("filesystem").set({ state: p.state }).where("fs_id", "=", p.id));

/** Gives a filesystem another name. */
export const setFilesystemName = registryTemplate<{ id: string; name: string }>(
  "registry.setFilesystemName",
)((q, p) => q.updateTable("filesystem").set({ name: p.name }).where("fs_id", "=", p.id));

/** Forgets a filesystem. */
export const deleteFilesystem = registryTemplate<{ id: string }>("registry.deleteFilesystem")(
  (q, p) => q.deleteFrom("filesystem").where("fs_id", "=", p.id),
);

/** The mounts, oldest first. */
export const listManagedMounts = registryTemplate("registry.listManagedMounts")(
  (q) => q.selectFrom("mount").selectAll().orderBy("started_at").orderBy("volume_id"),
  { wide: true },
);

/** Records a volume's mount, in place of an earlier one. */
export const putManagedMount = registryTemplate<{
  volume: string;
  filesystem: string;
  mode: string;
  mountpoint: string | null;
  persist: number;
  pinEnv: string | null;
  pinFile: string | null;
  pid: number | null;
  startedAt: bigint;
}>("registry.putManagedMount")((q, p) =>
  q.replaceInto("mount").values({
    volume_id: p.volume,
    fs_id: p.filesystem,
    mode: p.mode,
    mountpoint: p.mountpoint,
    persist: p.persist,
    pin_env: p.pinEnv,
    pin_file: p.pinFile,
    pid: p.pid,
    started_at: p.startedAt,
  })
);

/** Forgets a volume's mount. */
export const deleteManagedMount = registryTemplate<{ volume: string }>(
  "registry.deleteManagedMount",
)((q, p) => q.deleteFrom("mount").where("volume_id", "=", p.volume));

/** Forgets the mounts of a filesystem. */
export const deleteFilesystemMounts = registryTemplate<{ id: string }>(
  "registry.deleteFilesystemMounts",
)((q, p) => q.deleteFrom("mount").where("fs_id", "=", p.id));

/** A setting. */
export const getSetting = registryTemplate<{ name: string }>("registry.getSetting")((q, p) =>
  q.selectFrom("setting").select("value").where("name", "=", p.name)
);

/** Keeps a setting. */
export const putSetting = registryTemplate<{ name: string; value: string }>("registry.putSetting")((
  q,
  p,
) => q.replaceInto("setting").values({ name: p.name, value: p.value }));
