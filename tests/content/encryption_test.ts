/** Encrypted volumes: keys, tokens, PINs, and their traces in the file. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AloeLite, Mount, MountHandle } from "../../mod.ts";
import { MountSecrets } from "../../src/mount_secrets.ts";
import * as ops from "../../src/ops.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const PINS = { convergent: "Tr0ub4dor & 3, grün", random: "correct horse battery staple" };
const TEXT = "the quick brown fox jumps over the lazy dog";

type Name = "plain" | "convergent" | "random";

// A PIN takes a quarter of a second, so volumes are created once and their keys
// reused.
let folder = "";
let original: AloeLite;
const mounts = {} as Record<Name, Mount>;

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir();
  original = await AloeLite.open(join(folder, "original.aloe"));
  await original.createVolume({ name: "plain", chunkSize: 16 });
  mounts.plain = await original.mount("plain");
  for (const mode of ["convergent", "random"] as const) {
    const pin = PINS[mode];
    await original.createVolume({ name: mode, chunkSize: 16, pin, encryption: mode });
    mounts[mode] = await original.mount(mode, { pin });
  }
  await original.backup(join(folder, "empty.aloe"));
});

Deno.test.afterAll(async () => {
  await original.close();
  await Deno.remove(folder, { recursive: true });
});

let copies = 0;

/** A file with the three volumes, empty, and mounts with their keys. */
async function copy(): Promise<
  { fs: AloeLite; path: string; mounts: Record<Name, Mount> } & AsyncDisposable
> {
  const path = join(folder, `${copies++}.aloe`);
  await Deno.copyFile(join(folder, "empty.aloe"), path);
  const fs = await AloeLite.open(path);
  const again = (name: Name) => {
    const { id, volume, handle } = mounts[name];
    return new Mount(fs.db, new MountHandle(id, volume, MountHandle.cipherOf(handle), null));
  };
  return {
    fs,
    path,
    mounts: {
      plain: again("plain"),
      convergent: again("convergent"),
      random: again("random"),
    },
    [Symbol.asyncDispose]: () => fs.close(),
  };
}

const messages: string[] = [];

/** Expects an error, and records its message. */
async function fails(code: string, task: Promise<unknown>): Promise<void> {
  await assert.rejects(task, (error: Error & { code?: string }) => {
    messages.push(`${error} ${error.stack} ${error.cause} ${JSON.stringify(error)}`);
    assert.equal(error.name, "AloeError", error.stack);
    assert.equal(error.code, code, error.stack);
    return true;
  });
}

/** All bytes that SQLite stores for a file. */
function stored(path: string): Uint8Array<ArrayBuffer> {
  const parts = [path, `${path}-wal`].map((each) => {
    try {
      return Deno.readFileSync(each);
    } catch {
      return new Uint8Array(0);
    }
  });
  return new Uint8Array(Buffer.concat(parts));
}

function holds(data: Uint8Array, what: string | Uint8Array): boolean {
  return Buffer.from(data.buffer).includes(Buffer.from(what as Uint8Array));
}

Deno.test("encryption: two encrypted volumes and a plain one at once on one connection", async () => {
  const names = ["plain", "convergent", "random"] as const;
  await Promise.all(names.map(async (name) => {
    await mounts[name].put("/same", TEXT);
    await mounts[name].put(`/${name}`, name);
    await mounts[name].append(`/${name}`, bytes(", and more of it"));
    await using writer = await mounts[name].openWrite("/stream");
    for (let i = 0; i < 5; i++) await writer.write(bytes(`${name} ${i};`));
  }));
  for (const name of names) {
    assert.equal(await mounts[name].path("/same").readText(), TEXT);
    assert.equal(await mounts[name].path(`/${name}`).readText(), `${name}, and more of it`);
    assert.match(await mounts[name].path("/stream").readText(), new RegExp(`^(${name} \\d;){5}$`));
    assert.deepEqual((await mounts[name].verify({ deep: true })).problems, []);
  }
  await original.batch(async (tx) => {
    for (const name of names) await tx.use(mounts[name]).put("/batch", name);
  });
  for (const name of names) {
    assert.equal(await mounts[name].path("/batch").readText(), name);
    assert.equal(mounts[name].token?.length, name === "plain" ? undefined : 16);
  }
  assert.deepEqual(await original.health(), []);
});

Deno.test("encryption: without the key nothing is read or written", async () => {
  await using file = await copy();
  const { fs, path } = file;
  await file.mounts.plain.put("/f", TEXT);
  await file.mounts.convergent.put("/f", TEXT);
  await file.mounts.random.put("/f", TEXT);
  const state = async () => {
    // Everything that a connection wrote is in these two files.
    const data = await crypto.subtle.digest("SHA-256", stored(path));
    return [Buffer.from(data).toString("hex"), await fs.info(), await fs.mounts({ all: true })];
  };
  const before = await state();

  await fails("bad_key", fs.mount("convergent", { pin: PINS.random }));
  await fails("encryption_required", fs.mount("convergent"));
  await fails("encryption_required", fs.mount("plain", { pin: PINS.random }));
  await fails("encryption_required", fs.mount("plain", { pin: "" }));
  await fails("encryption_required", fs.attach(mounts.random.id));
  await fails("bad_key", fs.attach(mounts.random.id, { token: mounts.random.token! }));
  await fails("encryption_required", fs.attach(mounts.plain.id, { pin: PINS.random }));
  await fails("encryption_required", fs.checkPin("plain", PINS.random));
  await fails("encryption_required", fs.changePin("plain", PINS.random, "secret new one"));

  const { id, volume, handle } = mounts.random;
  const key = MountHandle.cipherOf(handle);
  const wrong: [string, ops.MountRef][] = [
    ["a bare id", id],
    ["no key", new MountHandle(id, volume, null, null)],
    ["the other volume's handle", new MountHandle(id, mounts.convergent.volume, key, null)],
    ["the plain one's", new MountHandle(id, mounts.plain.volume, null, null)],
    ["a key for the plain one", new MountHandle(mounts.plain.id, mounts.plain.volume, key, null)],
  ];
  for (const [what, mount] of wrong) {
    const tasks: Record<string, () => Promise<unknown>> = {
      readAll: () => ops.readAll(fs.db, mount, "/f"),
      readRange: () => ops.readRange(fs.db, mount, "/f", 1, 2),
      openRead: () => ops.openRead(fs.db, mount, "/f"),
      openWrite: () => ops.openWrite(fs.db, mount, "/f"),
      openToAppend: () => ops.openWrite(fs.db, mount, "/f", "append"),
      openNew: () => ops.openWrite(fs.db, mount, "/new"),
      writeAll: () => ops.writeAll(fs.db, mount, "/f", bytes("x")),
      writeRange: () => ops.writeRange(fs.db, mount, "/f", 1, bytes("x")),
      append: () => ops.append(fs.db, mount, "/f", bytes("x")),
      grow: () => ops.truncate(fs.db, mount, "/f", 100),
      cut: () => ops.truncate(fs.db, mount, "/f", 17),
      put: () => ops.put(fs.db, mount, "/f", "x"),
      putNew: () => ops.put(fs.db, mount, "/new", "x"),
      createEntry: () => ops.createEntry(fs.db, mount, "/new", bytes("x")),
      unpack: () => ops.unpack(fs.db, mount, "/f"),
      deepVerify: () => ops.verify(fs.db, mount, { deep: true }),
      fork: () => ops.forkVolume(fs.db, mount),
    };
    for (const [name, task] of Object.entries(tasks)) {
      await assert.rejects(
        task,
        { name: "AloeError", code: "encryption_required" },
        `${name} with ${what}`,
      );
    }
  }
  assert.deepEqual(await state(), before);
  for (const name of ["plain", "convergent", "random"] as const) {
    assert.equal(await file.mounts[name].path("/f").readText(), TEXT);
  }
});

Deno.test("encryption: a token opens a mount again until the mount ends", async () => {
  const mount = await original.mount("random", { pin: PINS.random });
  const token = mount.token!;
  assert.equal(token.length, 16);
  assert.ok(token.some((byte) => byte !== 0));
  await mount.put("/token", "kept");
  const again = await original.attach(mount.id, { token: token.slice() });
  assert.equal(again.id, mount.id);
  assert.equal(await again.path("/token").readText(), "kept");
  await again.append("/token", bytes(" safe"));
  assert.equal(await mount.path("/token").readText(), "kept safe");
  const wrong = token.slice();
  wrong[15] ^= 1;
  for (const bad of [wrong, new Uint8Array(0), new Uint8Array(16), mounts.convergent.token!]) {
    await fails("bad_key", original.attach(mount.id, { token: bad }));
  }

  const reader = await mount.openRead("/token");
  const writer = await mount.openWrite("/other");
  await writer.write(bytes("x".repeat(40)));
  const sealed = original.db.extension(MountSecrets).get(mount.id)!;
  const kept = token.slice();
  await mount.unmount();
  assert.ok(token.every((byte) => byte === 0));
  assert.ok(sealed.every((byte) => byte === 0));
  assert.equal(original.db.extension(MountSecrets).has(mount.id), false);
  for (const ended of [mount, again]) {
    await fails("mount_invalid", ended.readAll("/token"));
    await fails("mount_invalid", ended.put("/token", "x"));
    await fails("mount_invalid", ended.put("/new", "x"));
    await fails("mount_invalid", ended.append("/token", bytes("x")));
    await fails("mount_invalid", ended.openRead("/token"));
    await fails("mount_invalid", ended.verify({ deep: true }));
  }
  await fails("mount_invalid", reader.read());
  await fails("lock_invalid", writer.close());
  await writer.abort();
  await fails("mount_invalid", original.attach(mount.id, { token: kept }));
  await again.unmount();
  // The other mounts stay usable.
  assert.equal(await mounts.random.path("/token").readText(), "kept safe");
  assert.equal((await mounts.random.stat("/other")).size, 0);
});

Deno.test("encryption: a volume gets another PIN, which may be empty", async () => {
  await using file = await copy();
  const { fs } = file;
  const { random, convergent } = file.mounts;
  await random.put("/f", TEXT);
  const chunks = (await fs.info()).chunks;
  await fs.changePin("random", PINS.random, "");
  assert.equal((await fs.info()).chunks, chunks);
  // Live mounts and the other volumes are unchanged.
  assert.equal(await random.path("/f").readText(), TEXT);
  await random.put("/g", "after");
  await convergent.put("/h", "beside");
  await fails("bad_key", fs.mount("random", { pin: PINS.random }));
  await fails("encryption_required", fs.mount("random"));
  const opened = await fs.mount("random", { pin: "" });
  assert.equal(await opened.path("/f").readText(), TEXT);
  assert.equal(await opened.path("/g").readText(), "after");
  await opened.unmount();
});

for (const name of ["plain", "convergent", "random"] as const) {
  Deno.test(`encryption: a file for each value of one byte (${name})`, async () => {
    await using file = await copy();
    const mount = file.mounts[name];
    await mount.batch(async (tx) => {
      for (let byte = 0; byte < 256; byte++) await tx.put(`/${byte}`, Uint8Array.of(byte));
    });
    for (let byte = 0; byte < 256; byte++) {
      assert.deepEqual(await mount.readAll(`/${byte}`), Uint8Array.of(byte));
    }
    // Again in another order, at the end of longer content.
    await mount.batch(async (tx) => {
      for (let byte = 255; byte >= 0; byte -= 15) {
        await tx.writeRange(`/${byte}`, 16, Uint8Array.of(byte));
      }
    });
    for (let byte = 0; byte < 256; byte += 15) {
      const data = await mount.readAll(`/${byte}`);
      assert.deepEqual([data.length, data[0], data[16]], [17, byte, byte]);
    }
    assert.deepEqual((await mount.verify({ deep: true })).problems, []);
    assert.deepEqual(await file.fs.health(), []);
  });
}

Deno.test("encryption: many files of one equal byte, then one of another byte", async () => {
  await using file = await copy();
  const { random } = file.mounts;
  await random.batch(async (tx) => {
    for (let i = 0; i < 2000; i++) await tx.put(`/${i}`, "a");
  });
  await random.put("/b", "b");
  await random.put("/ab", "ab");
  assert.equal(await random.path("/b").readText(), "b");
  assert.equal(await random.path("/ab").readText(), "ab");
  for (let i = 0; i < 2000; i += 97) assert.equal(await random.path(`/${i}`).readText(), "a");
  assert.deepEqual((await random.verify({ deep: true })).problems, []);
});

Deno.test("encryption: equal content is one chunk in convergent mode, several in random mode", async () => {
  await using file = await copy();
  const chunks = async (mount: Mount) => {
    const { chunks } = await file.fs.info();
    for (const path of ["/1", "/2", "/3"]) await mount.put(path, "0123456789abcdef");
    return (await file.fs.info()).chunks - chunks;
  };
  assert.equal(await chunks(file.mounts.plain), 1);
  assert.equal(await chunks(file.mounts.convergent), 1);
  assert.equal(await chunks(file.mounts.random), 3);
});

Deno.test("encryption: the file contains no content, PIN or key in the clear", async () => {
  await using file = await copy();
  const chunk = TEXT.slice(16, 32);
  for (const name of ["convergent", "random"] as const) {
    await file.mounts[name].put("/f", TEXT);
    await file.mounts[name].symlink("/link", "a target nobody is to know");
    await file.mounts[name].mkdir("/d");
    await file.mounts[name].put("/d/f", TEXT);
    await file.mounts[name].pack("/d");
    await using writer = await file.mounts[name].openWrite("/stream");
    await writer.write(bytes(TEXT));
  }
  await file.mounts.plain.put("/f", "this one is not encrypted");
  for (const path of [file.path, original.path]) {
    const data = stored(path);
    assert.ok(data.length > 50_000);
    for (const pin of Object.values(PINS)) assert.equal(holds(data, pin), false);
    for (const mount of [mounts.convergent, mounts.random]) {
      assert.equal(holds(data, mount.token!), false);
    }
  }
  const data = stored(file.path);
  for (const part of [TEXT, chunk, TEXT.slice(0, 16), "nobody is", "brown fox"]) {
    assert.equal(holds(data, part), false, part);
  }
  // The search finds a text that is in the clear.
  assert.equal(holds(data, "encrypted"), true);
});

Deno.test("encryption: a flipped bit is detected when it is read", async () => {
  for (const column of ["data", "N_c", "enc_tag"]) {
    await using file = await copy();
    const { convergent, random } = file.mounts;
    for (const mount of [convergent, random]) await mount.put("/f", TEXT);
    {
      using database = new DatabaseSync(file.path);
      const rows = database.prepare(`SELECT chunk_hash, ${column} AS bytes FROM content_chunk`)
        .all() as unknown as { chunk_hash: string; bytes: Uint8Array }[];
      const change = database.prepare(
        `UPDATE content_chunk SET ${column} = ? WHERE chunk_hash = ?`,
      );
      for (const { chunk_hash, bytes } of rows) {
        bytes[bytes.length - 1] ^= 0x10;
        change.run(bytes, chunk_hash);
      }
    }
    for (const mount of [convergent, random]) {
      await fails("corrupt", mount.readAll("/f"));
      await fails("corrupt", mount.readRange("/f", 20, 1));
      await fails("corrupt", mount.append("/f", bytes("x")));
      await using reader = await mount.openRead("/f");
      await fails("corrupt", reader.read());
      assert.ok((await mount.verify({ deep: true })).problems.length > 0, column);
      // New content can be read.
      await mount.put("/f", "another text, longer than a chunk of it");
      assert.equal(
        await mount.path("/f").readText(),
        "another text, longer than a chunk of it",
      );
    }
  }
});

Deno.test("encryption: no error message contains a PIN", () => {
  assert.ok(messages.length > 20);
  for (const message of messages) {
    for (const pin of [...Object.values(PINS), "secret new one"]) {
      assert.ok(!message.includes(pin), message);
    }
  }
});
