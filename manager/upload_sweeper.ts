import { AloeError } from "../src/errors.ts";
import * as ops from "../src/ops.ts";
import type { Services } from "./services.ts";

/** How often it is looked for uploads that have expired, ms. */
const EVERY_MS = 60 * 60_000;

/** Rows that one transaction deletes, and chunks that one looks at. */
const UPLOADS_AT_ONCE = 16;
const CHUNKS_AT_ONCE = 256;

/** Deletes the uploads that nobody went on with in time. */
export class UploadSweeper {
  readonly #services: Services;
  readonly #timer: ReturnType<typeof setInterval>;
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(services: Services) {
    this.#services = services;
    this.#timer = setInterval(() => void this.sweep(), EVERY_MS);
    Deno.unrefTimer(Number(this.#timer));
  }

  /** Looks through every filesystem. */
  sweep(): Promise<void> {
    this.#running ??= this.#sweep().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #sweep(): Promise<void> {
    const { filesystems, log } = this.#services;
    for (const { id, missing } of await filesystems.list()) {
      if (missing || this.#closed) continue;
      try {
        await filesystems.use(id, ({ db }) => sweepUploads(db));
      } catch (error) {
        if (!(error instanceof AloeError)) throw error;
        log(`filesystem ${id}: expired uploads stay for now (${error.code})`);
      }
    }
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#running;
  }
}

/** Deletes the expired uploads of a file, and what only they had stored. */
export async function sweepUploads(db: ops.Database): Promise<void> {
  let any = false;
  while (await ops.dropExpiredUploads(db, UPLOADS_AT_ONCE) > 0) any = true;
  if (!any) return;
  while (await ops.reclaimChunks(db, CHUNKS_AT_ONCE) === CHUNKS_AT_ONCE);
}
