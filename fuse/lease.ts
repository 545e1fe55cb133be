import { type Database, type MountHandle, renewMount } from "../src/ops.ts";

/**
 * Keeps the mount's row in the file valid. The row expires when the process is killed. It must not
 * expire when the machine was suspended or the clock was set, because changes in memory could not
 * be written then.
 */
export class Lease {
  /** How long the row is valid without renewal, in ms. */
  static readonly TTL = 60_000;
  readonly #db: Database;
  readonly #mount: MountHandle;
  readonly #onFault: (fault: unknown) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  /** The time of the last renewal, by the wall clock, which can jump. */
  #renewed = Date.now();

  /**
   * @param onFault Called when a renewal fails; the renewal is retried.
   */
  constructor(db: Database, mount: MountHandle, onFault: (fault: unknown) => void) {
    this.#db = db;
    this.#mount = mount;
    this.#onFault = onFault;
    this.#timer = setInterval(() => this.#renew(), Lease.TTL / 3);
  }

  /** Renews the row if the timer is late. Await it before work that needs a valid mount. */
  check(): Promise<void> | void {
    const age = Date.now() - this.#renewed;
    if (age > Lease.TTL / 2 || age < 0) return this.#renew();
  }

  /** Stops the renewal. */
  stop(): void {
    clearInterval(this.#timer);
  }

  async #renew(): Promise<void> {
    this.#renewed = Date.now();
    try {
      await renewMount(this.#db, this.#mount, Lease.TTL, { expired: true });
    } catch (fault) {
      this.#onFault(fault);
    }
  }
}
