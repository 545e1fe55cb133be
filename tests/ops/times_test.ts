/** Times that a file cannot hold: limited wherever they come in, and in the way of nothing. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { encode } from "@msgpack/msgpack";
import { AloeLite } from "../../mod.ts";
import * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import { fromRfc3339, toRfc3339 } from "../../manager/volumes/times.ts";
import { parseMoment } from "../../cli/time.ts";
import { type Inode, S_IFREG } from "../../src/vfs/inode.ts";
import { VolumeFilesystem } from "../../src/vfs/volume_filesystem.ts";
import { Bench } from "../support/cli.ts";
import { TestManager } from "../manager/support.ts";
import { callerOf } from "../support/caller.ts";

const FIRST = -(2n ** 63n);
const LAST = 2n ** 63n - 1n;

/** Times that cannot be held, each with what becomes of it. */
const LIMITED: [bigint, bigint][] = [
  [LAST + 1n, LAST],
  [10_413_792_000_000_000_000n, LAST],
  [2n ** 90n, LAST],
  [FIRST - 1n, FIRST],
  [-11_676_096_000_000_000_000n, FIRST],
  [-(2n ** 90n), FIRST],
];

Deno.test("times: the library's setters limit them", async () => {
  await using fs = await AloeLite.open(":memory:");
  await fs.createVolume({ name: "main" });
  await using mount = await fs.mount();
  await mount.put("/f", "1");
  for (const [wish, limited] of LIMITED) {
    await mount.setMtime("/f", wish);
    await mount.setAtime("/f", wish);
    const { modifiedAt, atime } = await mount.stat("/f");
    assert.deepEqual([modifiedAt, atime], [limited, limited]);
    await internal.putFile(fs.db, mount.handle, "/new", Uint8Array.of(1), { modifiedAt: wish });
    assert.equal((await mount.stat("/new")).modifiedAt, limited);
    await mount.remove("/new");
  }
});

Deno.test("times: what a pack says is limited", async () => {
  await using fs = await AloeLite.open(":memory:");
  await fs.createVolume({ name: "main" });
  await using mount = await fs.mount();
  const last = 2n ** 64n - 1n;
  for (const ver of [1, 2]) {
    const nodes = [
      { p: -1, t: "container", n: "p", c: last, m: -(2n ** 63n) },
      { p: 0, t: "entry", n: "x", c: 1, m: last, d: Uint8Array.of(1) },
    ];
    await mount.put(`/${ver}`, encode({ fmt: "aloefs.pack", ver, nodes }, { useBigInt64: true }));
    await mount.unpack(`/${ver}`);
    const { createdAt, modifiedAt } = await mount.stat(`/${ver}`);
    assert.deepEqual([createdAt, modifiedAt], [LAST, FIRST]);
    assert.equal((await mount.stat(`/${ver}/x`)).modifiedAt, LAST);
  }
});

Deno.test("times: a commit of a mounted volume limits them, whatever is set", async () => {
  const path = await Deno.makeTempFile({ prefix: "aloelite-times-" });
  try {
    await using fs = await AloeLite.open(path, { durability: "normal" });
    await fs.createVolume({ name: "main" });
    const handle = await ops.mount(fs.db, (await fs.volume()).id, {});
    const vfs = await VolumeFilesystem.open(fs.db, handle, {
      uid: 0,
      gid: 0,
      readOnly: false,
      // A clock that is far off is limited as well.
      clock: () => ({ sec: 10_413_792_000, nsec: 5 }),
      log: (line) => assert.fail(line),
      invalidate: { inode() {}, entry() {}, grown() {} },
    });
    const caller = callerOf(0, 0);
    const split = (ns: bigint) => ({
      sec: Number((ns - (ns % 1_000_000_000n + 1_000_000_000n) % 1_000_000_000n) / 1_000_000_000n),
      nsec: Number((ns % 1_000_000_000n + 1_000_000_000n) % 1_000_000_000n),
    });
    const joined = (sec: number, nsec: number) => BigInt(sec) * 1_000_000_000n + BigInt(nsec);
    const moments: [bigint, bigint][] = [...LIMITED, [-1n, -1n], [FIRST, FIRST], [LAST, LAST]];
    const inodes: Inode[] = [];
    for (const [i, [wish]] of moments.entries()) {
      for (const [kind, which] of [["a", "atime"], ["m", "mtime"], ["c", "ctime"]] as const) {
        const inode = await vfs.mknod(vfs.root, `${kind}${i}`, S_IFREG | 0o644, 0, caller);
        vfs.remember(inode);
        await vfs.setattr(inode, { [which]: split(wish) }, caller);
        inodes.push(inode);
      }
    }
    await vfs.sync();
    await using mount = await fs.mount();
    for (const [i, [_, limited]] of moments.entries()) {
      assert.equal((await mount.stat(`/a${i}`)).atime, limited);
      assert.equal((await mount.stat(`/m${i}`)).modifiedAt, limited);
      assert.equal((await mount.stat(`/c${i}`)).ctime, limited);
      const inode = inodes[3 * i + 1];
      assert.equal(joined(inode.mtimeSec, inode.mtimeNsec), limited, "what the kernel is told");
    }
    await vfs.close();
    assert.deepEqual(await fs.health(), []);
  } finally {
    for (const each of [path, `${path}-wal`, `${path}-shm`]) {
      await Deno.remove(each).catch(() => {});
    }
  }
});

Deno.test("times: a file of era 1 with times past all limits is read and upgraded", async () => {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-times-" });
  try {
    const path = `${folder}/old.db`;
    await Deno.copyFile(new URL("../golden/era1.db", import.meta.url), path);
    {
      using db = new DatabaseSync(path);
      db.exec(`UPDATE node SET created_at = 9e15, modified_at = -9e15 WHERE type = 'entry';
        UPDATE volume SET created_at = ${2n ** 62n}`);
    }
    for (const readOnly of [true, false]) {
      await using fs = await AloeLite.open(path, { readOnly });
      const volume = (await fs.volumes()).find(({ name }) => name === "main")!;
      assert.equal(volume.createdAt / 1_000_000_000n, LAST / 1_000_000_000n);
      await using mount = await fs.mount(volume.id);
      const info = await mount.stat("/d/versions");
      assert.equal(info.createdAt / 1_000_000_000n, LAST / 1_000_000_000n);
      assert.equal(info.modifiedAt / 1_000_000_000n, FIRST / 1_000_000_000n);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("times: dates in requests are of the calendar", () => {
  const good: [string, string][] = [
    ["2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000000000Z"],
    ["2000-02-29t12:00:00.5z", "2000-02-29T12:00:00.500000000Z"],
    ["2016-12-31 23:59:60Z", "2017-01-01T00:00:00.000000000Z"],
    ["2001-01-01T00:00:00.0000000019+23:59", "2000-12-31T00:01:00.000000001Z"],
    ["1969-12-31T23:59:59.999999999-00:00", "1969-12-31T23:59:59.999999999Z"],
    ["0050-01-01T00:00:00Z", toRfc3339(FIRST)],
    ["1600-01-01T00:00:00Z", toRfc3339(FIRST)],
    ["2300-01-01T00:00:00Z", toRfc3339(LAST)],
    ["9999-12-31T23:59:59-23:59", toRfc3339(LAST)],
  ];
  for (const [text, means] of good) assert.equal(toRfc3339(fromRfc3339(text)!), means, text);
  for (
    const text of [
      "2024-02-30T00:00:00Z",
      "2023-02-29T00:00:00Z",
      "1900-02-29T00:00:00Z",
      "2024-04-31T00:00:00Z",
      "2024-00-10T00:00:00Z",
      "2024-13-10T00:00:00Z",
      "2024-01-00T00:00:00Z",
      "2024-01-32T00:00:00Z",
      "2024-01-01T24:00:00Z",
      "2024-01-01T00:60:00Z",
      "2024-01-01T00:00:61Z",
      "2024-01-01T00:00:00+24:00",
      "2024-01-01T00:00:00-00:60",
      "2024-01-01",
      "2024-01-01T00:00:00",
      "12024-01-01T00:00:00Z",
    ]
  ) assert.equal(fromRfc3339(text), null, text);
  assert.throws(() => parseMoment("2024-02-30"), /not an age: 2024-02-30/);
  assert.throws(() => parseMoment("2023-02-29T10:00:00"), /not an age/);
  assert.equal(parseMoment("2024-02-29"), 1_709_164_800_000_000_000n);
});

Deno.test("times: a wish over HTTP is limited, and refused when it is no date", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("times");
  const at = `/volumes/${id}`;
  for (const [wish, limited] of [["2300-01-01", LAST], ["1600-01-01", FIRST]] as const) {
    const query = `modified_at=${wish}T00:00:00Z`;
    const put = await m.ask("PUT", `${at}/files/${wish}?${query}`, { body: "x" });
    assert.equal(put.status, 201, put.text);
    const large = await m.ask("PUT", `${at}/files/l${wish}?${query}`, {
      body: new Uint8Array(3_000_000),
    });
    assert.equal(large.status, 201, large.text);
    const metadata = Object.entries({ path: `/t${wish}`, modified_at: `${wish}T00:00:00Z` })
      .map(([key, value]) => `${key} ${btoa(value)}`).join(",");
    const tus = await m.ask("POST", `${at}/uploads`, {
      headers: { "tus-resumable": "1.0.0", "upload-length": "0", "upload-metadata": metadata },
    });
    assert.equal(tus.status, 201, tus.text);
    await m.ask("PUT", `${at}/files/p${wish}`, { body: "x" });
    const patched = await m.ask("PATCH", `${at}/node?path=/p${wish}`, {
      json: { modified_at: `${wish}T00:00:00Z` },
    });
    assert.equal(patched.status, 200, patched.text);
    for (const name of [wish, `l${wish}`, `t${wish}`, `p${wish}`]) {
      const node = await m.ask("GET", `${at}/node?path=/${name}`);
      assert.equal(node.json.modified_at, toRfc3339(limited), name);
    }
  }
  for (const wish of ["2024-02-30T00:00:00Z", "yesterday", "2024-01-01T25:00:00Z", "@1e99"]) {
    const put = await m.ask("PUT", `${at}/files/bad?modified_at=${wish}`, { body: "x" });
    assert.equal(put.status, 400, put.text);
    const patched = await m.ask("PATCH", `${at}/node?path=/p2300-01-01`, {
      json: { modified_at: wish },
    });
    assert.equal(patched.status, 400, patched.text);
  }
  assert.equal((await m.ask("GET", `${at}/node?path=/bad`)).status, 404);
});

Deno.test("times: put keeps local files whatever their times are", async () => {
  using bench = new Bench();
  await bench.ok([]);
  // The memory filesystem holds times that no other one does.
  const memory = Deno.statSync("/dev/shm").isDirectory ? "/dev/shm" : bench.folder;
  const folder = Deno.makeTempDirSync({ dir: memory, prefix: "aloelite-times-" });
  try {
    const tree = `${folder}/tree`;
    Deno.mkdirSync(tree);
    const wishes = { "2300": LAST, "@99999999999999": LAST, "2200": 7_258_118_400_000_000_000n };
    for (const [wish] of Object.entries(wishes)) {
      const name = `${tree}/${wish.replace("@", "")}`;
      Deno.writeTextFileSync(name, wish);
      const date = wish.startsWith("@") ? wish : `${wish}-01-01 UTC`;
      assert(new Deno.Command("touch", { args: ["-d", date, name] }).outputSync().success);
    }
    Deno.symlinkSync("x", `${tree}/link`);
    new Deno.Command("touch", { args: ["-h", "-d", "2400-01-01", `${tree}/link`] }).outputSync();
    new Deno.Command("touch", { args: ["-d", "2400-01-01", tree] }).outputSync();
    await bench.ok(["put", "--recursive", "--owner", tree, "/tree"]);
    for (const [wish, limited] of Object.entries(wishes)) {
      const name = wish.replace("@", "");
      assert.equal(await bench.ok(["cat", `/tree/${name}`]), wish);
      const info = await bench.json(["stat", `/tree/${name}`]);
      assert.equal(info.modifiedAt, toRfc3339(limited), wish);
    }
    for (const path of ["/tree", "/tree/link"]) {
      assert.equal((await bench.json(["stat", path])).modifiedAt, toRfc3339(LAST));
    }
    await bench.ok(["put", `${tree}/2300`, "/alone"]);
    assert.equal((await bench.json(["stat", "/alone"])).modifiedAt, toRfc3339(LAST));
    await bench.ok(["get", "-r", "/tree", `${folder}/back`]);
    assert.equal(Deno.readTextFileSync(`${folder}/back/2300`), "2300");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
