/**
 * The storage backends that the conformance suite runs on. The files beside
 * this one ask for nothing but the public operations, so that each of their
 * tests holds for every backend.
 *
 * @module
 */

import { AloeLite, type CreateVolumeOptions, type Mount } from "../../mod.ts";

/** An empty filesystem on a backend. Disposing closes it and deletes it. */
export interface Store extends AsyncDisposable {
  readonly fs: AloeLite;
  /** Opens the same filesystem on a second connection; null where a backend has only one. */
  readonly connect: (() => Promise<AloeLite>) | null;
}

/** Where a filesystem can be. */
export interface Backend {
  /** Added to the names of tests. */
  readonly name: string;
  /** Makes an empty filesystem. */
  create(): Promise<Store>;
}

/** Each backend that the suite runs on: another one is another line. */
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
  // What is tested here is not what survives a power cut.
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

/** A new filesystem with one volume, `main`, that is mounted. */
export interface Volume extends AsyncDisposable {
  readonly store: Store;
  readonly fs: AloeLite;
  readonly mount: Mount;
}

/** Makes a volume on a backend. */
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
