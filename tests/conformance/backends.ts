/**
 * The storage backends that run the conformance suite. The suite uses only
 * public operations, so each test is valid for every backend.
 *
 * @module
 */

import { AloeLite, type CreateVolumeOptions, type Mount } from "../../mod.ts";

/** An empty filesystem on a backend. Disposing closes and deletes it. */
export interface Store extends AsyncDisposable {
  readonly fs: AloeLite;
  /**
   * Opens the filesystem on a second connection; null if the backend allows
   * only one.
   */
  readonly connect: (() => Promise<AloeLite>) | null;
}

/** A storage backend. */
export interface Backend {
  /** Appended to the names of tests. */
  readonly name: string;
  /** Creates an empty filesystem. */
  create(): Promise<Store>;
}

/** The backends that run the suite; each is one line. */
export const BACKENDS: readonly Backend[] = [
  { name: "sqlite, memory", create: createInMemory },
  { name: "sqlite, file", create: createFile },
];

async function createInMemory(): Promise<Store> {
  const fs = await AloeLite.open(":memory:");
  return { fs, connect: null, [Symbol.asyncDispose]: () => fs.close() };
}

async function createFile(): Promise<Store> {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-" });
  const path = `${folder}/a.aloe`;
  // The suite does not test power cuts.
  const fs = await AloeLite.open(path, { durability: "normal" });
  return {
    fs,
    connect: () => AloeLite.open(path, { durability: "normal" }),
    async [Symbol.asyncDispose]() {
      await fs.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Registers a test once for each backend. */
export function onEachBackend(
  name: string,
  test: (backend: Backend, t: Deno.TestContext) => Promise<void>,
): void {
  for (const backend of BACKENDS) {
    Deno.test(`${name} [${backend.name}]`, (t) => test(backend, t));
  }
}

/** Creates a filesystem with one mounted volume, `main`. */
export interface Volume extends AsyncDisposable {
  readonly store: Store;
  readonly fs: AloeLite;
  readonly mount: Mount;
}

/** Creates a volume on a backend. */
export async function createVolume(
  backend: Backend,
  options: Omit<CreateVolumeOptions, "name"> = {},
): Promise<Volume> {
  const store = await backend.create();
  const { fs } = store;
  await fs.createVolume({ ...options, name: "main" });
  const { pin } = options;
  const mount = await fs.mount("main", pin === undefined ? {} : { pin });
  return { store, fs, mount, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}
