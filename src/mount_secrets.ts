/**
 * The volume keys of the mounts of an open database, each sealed with a key that
 * the mount's holder has. They are overwritten when the database is closed.
 */
export class MountSecrets implements Disposable {
  readonly #sealed = new Map<string, Uint8Array>();

  /** The sealed key of a mount. */
  get(mount: string): Uint8Array | undefined {
    return this.#sealed.get(mount);
  }

  /** Whether a mount has one. */
  has(mount: string): boolean {
    return this.#sealed.has(mount);
  }

  /** Keeps the sealed key of a mount. */
  set(mount: string, sealed: Uint8Array): void {
    this.#sealed.set(mount, sealed);
  }

  /** Overwrites the key of a mount, if it has one. */
  forget(mount: string): void {
    this.#sealed.get(mount)?.fill(0);
    this.#sealed.delete(mount);
  }

  /** Overwrites all of them. */
  [Symbol.dispose](): void {
    for (const mount of [...this.#sealed.keys()]) this.forget(mount);
  }
}
