import { AloeError } from "../../src/errors.ts";
import * as internal from "../../src/internal.ts";
import { holdReserve } from "../volumes/reserve.ts";
import type { Filesystems } from "../volumes/filesystems.ts";

/** How often open filesystems are swept, ms. */
const EVERY_MS = 60_000;

/** Every so many sweeps include the closed ones. */
const ALL_EVERY = 60;

/** What the sweeper needs. */
export interface SweeperOptions {
  filesystems: Pick<Filesystems, "list" | "isOpen" | "use">;
  /** The manager's folder, which has the reserve. */
  root: string;
  /** Takes why a filesystem cannot be swept. */
  log: (line: string) => void;
}

/** Frees abandoned uploads, writes and copies of volumes. */
export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #running: Promise<void> | null = null;
  #closed = false;
  #count = 0;

  constructor(options: SweeperOptions) {
    this.#options = options;
    void holdReserve(this.#reserve);
    this.#timer = setInterval(
      () => void this.sweep({ all: ++this.#count % ALL_EVERY === 0 }),
      EVERY_MS,
    );
    Deno.unrefTimer(Number(this.#timer));
  }

  /** Sweeps the open filesystems, or all of them. */
  sweep(options: { all: boolean } = { all: true }): Promise<void> {
    this.#running ??= this.#sweep(options.all).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  get #reserve(): string {
    return `${this.#options.root}/reserve`;
  }

  async #sweep(all: boolean): Promise<void> {
    const { filesystems, log } = this.#options;
    await holdReserve(this.#reserve);
    for (const { id, missing } of await filesystems.list()) {
      if (missing || this.#closed) continue;
      if (!all && !filesystems.isOpen(id)) continue;
      try {
        await filesystems.use(id, ({ db }) => internal.clearAbandoned(db));
      } catch (error) {
        if (!(error instanceof AloeError)) throw error;
        log(`filesystem ${id}: abandoned uploads and writes cannot be freed now (${error.code})`);
      }
    }
  }

  /** Stops sweeping. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#running;
  }
}
