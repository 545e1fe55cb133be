/**
 * Good files of all kinds, to be damaged.
 *
 * @module
 */

import { AloeLite, type Mount } from "../../mod.ts";
import * as internal from "../../src/internal.ts";

/** A volume of a good file. */
export interface GoodVolume {
  id: string;
  /** Its key, hexadecimal, where it is encrypted. */
  key: string | null;
  /** What reading all of it gives; see {@linkcode readTree}. */
  right: Record<string, string>;
}

/** A good file, closed. */
export interface GoodFile {
  path: string;
  volumes: GoodVolume[];
  /**
   * Whether names and types are in an index, or checked. Those of era 1 are in one place
   * only: another name is as good as the right one.
   */
  named: boolean;
}

/** How a good file comes to be. */
interface Recipe {
  name: string;
  make(path: string): Promise<void>;
  pins: Record<string, string>;
}

const GOLDEN = new URL("../golden/", import.meta.url);

async function fill(mount: Mount): Promise<void> {
  await mount.mkdir("/d/e", { parents: true });
  for (let i = 0; i < 25; i++) await mount.put(`/d/file ${i}`, `content ${i}`.repeat(i + 1));
  await mount.put("/a", "first".repeat(700));
  await mount.put("/a", "second".repeat(700));
  await mount.put("/d/e/c", "text");
  await mount.put("/gone", "gone");
  await mount.remove("/gone");
  await mount.symlink("/link", "/a");
  await mount.link("/a", "/hard");
  await mount.setMetadata("/a", { key: "value" });
  await mount.setXattr("/a", "user.x", new TextEncoder().encode("y"));
  await mount.setMode("/a", 0o644);
  await mount.setRetention("/a", 5);
}

const golden = (name: string, writable: boolean): Recipe => {
  const { volumes } = JSON.parse(Deno.readTextFileSync(new URL(`${name}.json`, GOLDEN)));
  return {
    name: `golden-${name}${writable ? "" : "-untouched"}`,
    async make(path) {
      await Deno.copyFile(new URL(`${name}.db`, GOLDEN), path);
      if (!writable) return;
      // With what we add to it.
      await using _ = await AloeLite.open(path);
    },
    pins: Object.fromEntries(
      volumes.map(({ id, pin }: { id: string; pin: string | null }) => [id, pin ?? ""]),
    ),
  };
};

/** Pages are small, so that few rows have trees of several levels. */
const PAGE_SIZE = 512;

const RECIPES: Recipe[] = [
  {
    name: "plain",
    async make(path) {
      await using fs = await AloeLite.open(path, { pageSize: PAGE_SIZE });
      await fs.createVolume({ name: "main", chunkSize: 1000 });
      await fs.createVolume({ name: "second" });
      const mount = await fs.mount("main");
      await fill(mount);
      await internal.beginUpload(fs.db, mount.handle, { ttl: 1e9, note: "{}", length: 5 });
      await mount.remove("/d/file 3");
      await mount.purge();
    },
    pins: {},
  },
  {
    name: "encrypted",
    async make(path) {
      await using fs = await AloeLite.open(path, { pageSize: PAGE_SIZE });
      const { id } = await fs.createVolume({
        name: "main",
        chunkSize: 1000,
        encryption: "convergent",
        pin: "1234",
      });
      await using mount = await fs.mount(id, { pin: "1234" });
      await fill(mount);
    },
    pins: {},
  },
  golden("plain", false),
  golden("plain", true),
  golden("encrypted", true),
  golden("era1", false),
];

/** Makes all of them in a folder. */
export async function makeGoodFiles(folder: string): Promise<GoodFile[]> {
  const files: GoodFile[] = [];
  for (const { name, make, pins } of RECIPES) {
    const path = `${folder}/${name}.fs`;
    await make(path);
    await using fs = await AloeLite.open(path, { readOnly: true });
    const volumes: GoodVolume[] = [];
    for (const { id, encryption } of (await fs.volumes()).slice(0, 2)) {
      const pin = encryption === "none" ? undefined : pins[id] ?? "1234";
      await using mount = await fs.mount(id, { access: "ro", pin });
      const key = pin === undefined ? null : await internal.mountKey(fs.db, mount.handle);
      const { problems } = await mount.verify({ deep: true });
      if (problems.length > 0) throw new Error(`${name} is not good: ${problems}`);
      volumes.push({ id, key: key?.toHex() ?? null, right: await readTree(mount) });
    }
    files.push({ path, volumes, named: name !== "golden-era1-untouched" });
  }
  return files;
}

/** What runs one call of the library. */
export type Call = <T>(what: string, task: () => Promise<T>) => Promise<T | null>;

/** How deep a tree is read: a damaged one may have no end. */
const LEVELS = 8;

/**
 * Reads a whole volume.
 *
 * @param call Runs each call; null stands for one that failed.
 * @returns By its path, what each child is and holds.
 */
export async function readTree(
  mount: Mount,
  call: Call = (_, task) => task().catch(() => null),
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const folders: [path: string, level: number][] = [["", 0]];
  for (const [folder, level] of folders) {
    const children = await call("list", () => mount.list(folder === "" ? "/" : folder));
    if (children === null) found[`${folder}/`] = "cannot be listed";
    for (const { name, type, visible } of children ?? []) {
      const path = `${folder}/${name}`;
      // Its path means another one.
      if (!visible) continue;
      found[path] = type;
      if (type === "container") {
        if (level < LEVELS) folders.push([path, level + 1]);
        continue;
      }
      const bytes = await call("read", () => mount.readAll(path));
      found[path] += bytes === null ? " that cannot be read" : ` ${bytes.toHex()}`;
    }
  }
  return found;
}
