import type { Context } from "hono";
import type { AloeLite, Mount } from "../../mod.ts";
import type { VolumeFacts } from "./filesystems.ts";
import { Problem } from "../http/problem.ts";
import type { Env } from "../http/router.ts";
import type { Services } from "../services.ts";

/** A volume that a request may work on. To be disposed when its response is done. */
export interface Access extends AsyncDisposable {
  readonly fs: AloeLite;
  readonly mount: Mount;
  readonly volume: VolumeFacts;
}

/** What a request is going to do. */
export interface AccessOptions {
  /** Reading leaves no trace in the file. By default what the method says. */
  write?: boolean;
}

/**
 * Opens a volume for a request: any that is not encrypted, and those whose PIN
 * its session has proved.
 *
 * @throws {Problem} 401 `encryption_required` when it has not.
 * @throws {AloeError} `not_found`.
 */
export async function access(
  services: Services,
  c: Context<Env>,
  volumeId: string,
  options: AccessOptions = {},
): Promise<Access> {
  const volume = await services.filesystems.volume(volumeId);
  const write = options.write ?? !(c.req.method === "GET" || c.req.method === "HEAD");
  return volume.encrypted
    ? await unlocked(services, c, volume, write)
    : await plain(services, volume, write);
}

async function plain(services: Services, volume: VolumeFacts, write: boolean): Promise<Access> {
  const lease = await services.filesystems.lease(volume.fsId);
  try {
    const { file } = lease;
    const mount = await file.mount(volume.id, write ? "rw" : "ro");
    const fs = write ? await file.writer() : file.reader;
    const done = () => Promise.resolve(lease[Symbol.dispose]());
    return { fs, mount, volume, [Symbol.asyncDispose]: done };
  } catch (error) {
    lease[Symbol.dispose]();
    throw error;
  }
}

async function unlocked(
  services: Services,
  c: Context<Env>,
  volume: VolumeFacts,
  write: boolean,
): Promise<Access> {
  const held = services.sessions.use(volume.id, c.get("session"));
  if (held === null) {
    throw new Problem(
      401,
      "encryption_required",
      `volume ${volume.name ?? volume.id} is encrypted: unlock it first`,
      { headers: { "www-authenticate": 'Aloelite-Session realm="volume"' } },
    );
  }
  try {
    const { fs, mount } = await held.open(write);
    return { fs, mount, volume, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
  } catch (error) {
    await held[Symbol.asyncDispose]();
    throw error;
  }
}
