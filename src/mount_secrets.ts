/**
 * The volume keys of the mounts of an open database, each encrypted with a key that only the
 * mount's holder has. They are overwritten when the database is closed.
 */
export class MountSecrets implements Disposable {
  readonly #sealed = new Map<string, Uint8Array>();

  /** Returns the encrypted key of a mount. */
  get(mount: string): Uint8Array | undefined {
    return this.#sealed.get(mount);
  }

  /** Returns whether a mount has a key. */
  has(mount: string): boolean {
    return this.#sealed.has(mount);
  }

  /** Stores the encrypted key of a mount. */
  set(mount: string, sealed: Uint8Array): void {
    this.#sealed.set(mount, sealed);
  }

  /** Overwrites the key of a mount, if it has one. */
  forget(mount: string): void {
    this.#sealed.get(mount)?.fill(0);
    this.#sealed.delete(mount);
  }

  /** Overwrites all keys. */
  [Symbol.dispose](): void {
    for (const mount of [...this.#sealed.keys()]) this.forget(mount);
  }
}
