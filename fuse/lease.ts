import { type Database, type MountHandle, renewMount } from "../src/ops.ts";

/**
 * Keeps the mount's row in the file valid. It ends by itself when the process
 * is killed; but not when the machine has slept, or the clock was set: nothing
 * that is in memory could be written then.
 */
export class Lease {
  /** How long the row is valid without being renewed, ms. */
  static readonly TTL = 60_000;
  readonly #db: Database;
  readonly #mount: MountHandle;
  readonly #onFault: (fault: unknown) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  /** When it was renewed, by the clock that can jump. */
  #renewed = Date.now();

  /** @param onFault Told when it cannot be renewed; it is tried again. */
  constructor(db: Database, mount: MountHandle, onFault: (fault: unknown) => void) {
    this.#db = db;
    this.#mount = mount;
    this.#onFault = onFault;
    this.#timer = setInterval(() => this.#renew(), Lease.TTL / 3);
  }

  /** Renews it if the timer is late: to be awaited before what needs a valid mount. */
  check(): Promise<void> | void {
    const age = Date.now() - this.#renewed;
    if (age > Lease.TTL / 2 || age < 0) return this.#renew();
  }

  /** Renews it no more. */
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
