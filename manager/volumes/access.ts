import type { AloeLite, Mount } from "../../mod.ts";
import type { VolumeFacts } from "./facts.ts";
import type { Filesystems } from "./filesystems.ts";
import { Problem } from "../http/problem.ts";
import type { Sessions } from "./sessions.ts";

/** A volume that a request may work on. To be disposed when its response is done. */
export interface Access extends AsyncDisposable {
  readonly fs: AloeLite;
  readonly mount: Mount;
  readonly volume: VolumeFacts;
}

/** Who wants to use a volume, and for what. */
export interface AccessRequest {
  /** The secret of the client's session; null without one. */
  session: string | null;
  /** Whether the volume is changed. Reading leaves no trace in the file. */
  write: boolean;
}

/** Opens volumes for those who may use them. */
export class VolumeAccess {
  readonly #filesystems: Pick<Filesystems, "volume" | "lease">;
  readonly #sessions: Pick<Sessions, "use">;

  constructor(
    filesystems: Pick<Filesystems, "volume" | "lease">,
    sessions: Pick<Sessions, "use">,
  ) {
    this.#filesystems = filesystems;
    this.#sessions = sessions;
  }

  /**
   * Opens a volume: any that is not encrypted, and those whose PIN the session
   * has proved.
   *
   * @throws {Problem} 401 `encryption_required` when it has not.
   * @throws {AloeError} `not_found`.
   */
  async open(id: string, { session, write }: AccessRequest): Promise<Access> {
    const volume = await this.#filesystems.volume(id);
    return volume.encrypted
      ? await this.#unlocked(volume, session, write)
      : await this.#plain(volume, write);
  }

  async #plain(volume: VolumeFacts, write: boolean): Promise<Access> {
    const lease = await this.#filesystems.lease(volume.fsId);
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

  async #unlocked(volume: VolumeFacts, session: string | null, write: boolean): Promise<Access> {
    const held = this.#sessions.use(volume.id, session);
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
}
