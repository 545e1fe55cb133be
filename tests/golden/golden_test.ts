/**
 * Files that the reference made, kept in `golden/`: all of their content is
 * found, looking changes nothing, and writing goes on where it left off.
 *
 * `golden/make.py` says how they were made. Unlike `oracle_test.ts` these
 * tests need no Python.
 */

import assert from "node:assert/strict";
import { AloeError, AloeLite, type Mount } from "../../mod.ts";
import { assertSoundOurs, hex, type Row, snapshotOurs, unhex, utf8 } from "../oracle/ops.ts";
import { allIds, greatestIds } from "../oracle/rows.ts";

interface Golden {
  made_by: string;
  era: number;
  volumes: {
    id: string;
    name: string;
    chunk_size: number;
    encryption: "none" | "convergent" | "random";
    pin: string | null;
    nodes: Partial<Row>[];
  }[];
  versions: {
    volume: string;
    path: string;
    id: string;
    version: number;
    data: string;
  }[];
  removed: { volume: string; path: string; type: string }[];
  hidden: { volume: string; id: string; data: string }[];
}

const FOLDER = new URL("./", import.meta.url);

for (const name of ["plain", "encrypted", "era1"]) {
  const golden: Golden = JSON.parse(
    Deno.readTextFileSync(new URL(`${name}.json`, FOLDER)),
  );

  Deno.test(`golden: ${name}.db, by ${golden.made_by}, is read and not changed`, async () => {
    await using folder = await Folder.make();
    const path = await folder.copyOf(name);
    const before = await digest(path);
    {
      await using file = await AloeLite.open(path, { readOnly: true });
      assert.equal(file.readOnly, true);
      await assertContent(file, golden);
      const [volume] = golden.volumes;
      await using mount = await file.mount(volume.id, {
        pin: volume.pin ?? undefined,
      });
      await assertCode("read_only", mount.createEntry("/new"));
      await assertCode("read_only", file.createVolume({ name: "new" }));
    }
    assert.equal(await digest(path), before);
    assert.deepEqual(await folder.names(), [`${name}.db`]);
  });

  Deno.test(`golden: ${name}.db, by ${golden.made_by}, is written`, async () => {
    await using folder = await Folder.make();
    const path = await folder.copyOf(name);
    const before = greatestIds(path);
    const known = new Set(allIds(path).map(({ id }) => id));
    {
      await using file = await AloeLite.open(path);
      assert.equal((await file.info()).era, 3);
      await assertContent(file, golden);
      for (const volume of golden.volumes) {
        await using mount = await file.mount(volume.id, {
          pin: volume.pin ?? undefined,
        });
        await writeOn(mount, golden, volume.id);
      }
      assert.deepEqual(await file.health(), []);
    }
    for (const { id, volume } of allIds(path)) {
      assert(
        known.has(id) || id > before.get(volume)!,
        `${id} is not past the others`,
      );
    }
    // What was there before the writing is there still, in a new process's eyes.
    await using file = await AloeLite.open(path, { create: false });
    for (const volume of golden.volumes) {
      await using mount = await file.mount(volume.id, {
        pin: volume.pin ?? undefined,
      });
      assert.deepEqual(await mount.readAll("/written/by/us"), utf8("a line"));
      await mount.removeRecursive("/written");
      await undo(mount, golden, volume.id);
      const rows = await snapshotOurs(mount);
      assert.deepEqual(content(rows), content(volume.nodes));
      await assertSoundOurs(file, mount);
    }
  });
}

Deno.test("golden: encrypted volumes open with their own PIN alone", async () => {
  await using folder = await Folder.make();
  await using file = await AloeLite.open(await folder.copyOf("encrypted"));
  await assertCode("encryption_required", file.mount("convergent"));
  await assertCode("bad_key", file.mount("convergent", { pin: "wrong" }));
  await assertCode("encryption_required", file.mount("plain", { pin: "" }));
  await file.changePin("random", "", "new");
  await assertCode("bad_key", file.mount("random", { pin: "" }));
  await using mount = await file.mount("random", { pin: "new" });
  assert.deepEqual(await mount.readAll("/a/empty"), new Uint8Array());
});

Deno.test("golden: a mount that the reference left behind is still seen", async () => {
  await using folder = await Folder.make();
  await using file = await AloeLite.open(await folder.copyOf("plain"));
  const [left] = await file.mounts({ volume: "tree" });
  assert.equal(left.mountPath, "/");
  await assertCode("mount_conflict", file.mount("tree", { exclusive: true }));
  await assertCode("mount_conflict", file.removeVolume("tree"));
  await using again = await file.attach(left.id);
  assert.deepEqual(await again.readAll("/twice"), utf8("newer"));
  await file.unmount(left.id);
  await assertCode("mount_invalid", again.readAll("/twice"));
  await file.removeVolume("tree");
  assert.deepEqual((await file.volumes()).map((v) => v.name), ["history"]);
  assert.deepEqual(await file.health(), []);
});

/** Everything that the JSON beside a golden file tells of it. */
async function assertContent(file: AloeLite, golden: Golden): Promise<void> {
  assert.deepEqual(
    (await file.volumes()).map(({ id, name, chunkSize, encryption }) => ({
      id,
      name,
      chunkSize,
      encryption,
    })),
    golden.volumes.map(({ id, name, chunk_size, encryption }) => ({
      id,
      name,
      chunkSize: chunk_size,
      encryption,
    })),
  );
  for (const volume of golden.volumes) {
    await using mount = await file.mount(volume.id, {
      pin: volume.pin ?? undefined,
    });
    assert.deepEqual(await snapshotOurs(mount), volume.nodes.map(full));
    await assertSoundOurs(file, mount);
    for (const kept of golden.versions.filter((v) => v.volume === volume.id)) {
      const { path, version, data } = kept;
      assert.equal(
        hex(await mount.readAll(path, { version })),
        data,
        `${path} @${version}`,
      );
      const listed = (await mount.history(path)).find((v) => v.version === version);
      assert.equal(
        listed?.size,
        data.length / 2,
        `size of ${path} @${version}`,
      );
    }
    for (
      const { id, data } of golden.hidden.filter((h) => h.volume === volume.id)
    ) {
      assert.equal(hex(await mount.readAllById(id)), data);
    }
    const trash = await mount.trash();
    assert.deepEqual(
      trash.map(({ path, type }) => `${path} ${type}`).toSorted(),
      golden.removed.filter((r) => r.volume === volume.id)
        .map(({ path, type }) => `${path} ${type}`).toSorted(),
    );
  }
}

/** A change to everything that was there, and something new. */
async function writeOn(
  mount: Mount,
  golden: Golden,
  volume: string,
): Promise<void> {
  await mount.mkdir("/written/by", { parents: true });
  await mount.createEntry("/written/by/us", utf8("a line"));
  const { nodes } = golden.volumes.find((v) => v.id === volume)!;
  if (nodes.some(({ path }) => path?.endsWith("/.."))) {
    // The format takes such a name; a copy would make a new one.
    await assert.rejects(mount.copy("/", "/written/copy"), { code: "invalid" });
  } else {
    await mount.copy("/", "/written/copy");
  }
  for (
    const { path, data } of golden.versions.filter((v) => v.volume === volume)
  ) {
    await mount.append(path, utf8("appended"));
    assert.deepEqual((await mount.readAll(path)).slice(-8), utf8("appended"));
    await mount.writeAll(path, unhex(data));
  }
  for (const { path } of golden.removed.filter((r) => r.volume === volume)) {
    const item = (await mount.trash()).find((t) => t.path === path)!;
    await mount.restore(item.id, { to: "/written/restored" });
    await mount.rename("/written/restored", "was removed");
  }
}

/** Takes the content back to the last version that the JSON tells of. */
async function undo(
  mount: Mount,
  golden: Golden,
  volume: string,
): Promise<void> {
  const paths = new Set(
    golden.versions.filter((v) => v.volume === volume).map((v) => v.path),
  );
  for (const path of paths) {
    const known = golden.volumes.find((v) => v.id === volume)!.nodes
      .find((n) => n.path === path)!;
    await mount.restoreVersion(path, known.version!);
  }
}

/** A row of the JSON with what goes without saying. */
function full(row: Partial<Row>): Row {
  const known: Row = {
    path: "",
    id: "",
    edge: null,
    type: "",
    visible: true,
    size: null,
    version: null,
    metadata: {},
    created: "",
    modified: "",
    atime: null,
    ctime: null,
    // Era 1 keeps the permission bits in the metadata, where the reference's
    // `stat` leaves them and this library's looks for them.
    mode: row.metadata?.mode === undefined ? null : parseInt(row.metadata.mode, 8),
    uid: null,
    gid: null,
    nlink: 1,
    xattrs: row.visible === false ? null : {},
    data: null,
    ...row,
  };
  return known;
}

/** What of a row no write and undoing of it changes. */
function content(rows: Partial<Row>[]): unknown {
  return rows.map(full).map((
    { path, id, edge, type, visible, metadata, xattrs, data },
  ) => ({
    path,
    id,
    edge,
    type,
    visible,
    metadata,
    xattrs,
    data,
  }));
}

async function assertCode(
  code: string,
  promise: Promise<unknown>,
): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert(error instanceof AloeError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

async function digest(path: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(hash).toHex();
}

/** A folder of one test's own. */
class Folder implements AsyncDisposable {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  static async make(): Promise<Folder> {
    return new Folder(await Deno.makeTempDir({ prefix: "aloelite-golden-" }));
  }

  async copyOf(name: string): Promise<string> {
    const path = `${this.#path}/${name}.db`;
    await Deno.copyFile(new URL(`${name}.db`, FOLDER), path);
    return path;
  }

  async names(): Promise<string[]> {
    return (await Array.fromAsync(Deno.readDir(this.#path))).map((e) => e.name)
      .toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#path, { recursive: true });
  }
}
