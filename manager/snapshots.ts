import type { Services } from "./services.ts";

/** A copy of a file as it was at one moment. */
export interface Snapshot {
  /** The tag of its content. */
  tag: string;
  /** Its bytes. */
  size: number;
  /** Open for reading; its name is gone already, so that nothing of it stays behind. */
  file: Deno.FsFile;
}

interface Running {
  made: Promise<string>;
  path: string;
  /** Who waits for it. */
  waiting: number;
}

/** Snapshots of filesystems, made when they are asked for. */
export class Snapshots {
  readonly #services: Services;
  /** Being made, by filesystem and tag: who asks for the same state waits for the same copy. */
  readonly #running = new Map<string, Running>();

  constructor(services: Services) {
    this.#services = services;
  }

  /**
   * Copies a filesystem.
   *
   * @param tag Of its content as the request found it; null when it could not be told.
   * @throws {AloeError} `not_found`, `no_space`, `busy`.
   */
  async take(filesystem: string, tag: string | null): Promise<Snapshot> {
    const key = `${filesystem} ${tag ?? crypto.randomUUID()}`;
    let running = this.#running.get(key);
    if (running === undefined) {
      const path = `${this.#services.filesystems.temporary}/export-${crypto.randomUUID()}`;
      running = { made: this.#make(filesystem, path), path, waiting: 0 };
      this.#running.set(key, running);
      const done = () => this.#running.delete(key);
      running.made.then(done, done);
    }
    running.waiting++;
    try {
      const tag = await running.made;
      const file = await Deno.open(running.path);
      return { tag, file, size: (await file.stat()).size };
    } finally {
      running.waiting--;
      if (running.waiting === 0) await Deno.remove(running.path).catch(() => {});
    }
  }

  async #make(filesystem: string, path: string): Promise<string> {
    const { filesystems, jobs } = this.#services;
    using lease = await filesystems.lease(filesystem);
    return await jobs.backup(lease.file.path, path);
  }
}
