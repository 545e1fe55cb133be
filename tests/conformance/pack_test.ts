/** Packs: round trips, and invalid packs. */

import assert from "node:assert/strict";
import { encode } from "@msgpack/msgpack";
import { AloeError } from "../../mod.ts";
import { MsgPackDepth } from "../../src/msgpack_depth.ts";
import { BACKENDS, createVolume, onEachBackend } from "./backends.ts";

/** A pack of a directory with one file, modified by a test. */
function packOf(file: Record<string, unknown>, ver = 2): Uint8Array {
  const nodes = [
    { p: -1, t: "container", n: "p", c: 1, m: 1 },
    { p: 0, t: "entry", n: "x", c: 1, m: 1, d: Uint8Array.of(1), ...file },
  ];
  return encode({ fmt: "aloefs.pack", ver, nodes }, { useBigInt64: true });
}

/** Keys that JavaScript objects have already, or reorder. */
const ODD_KEYS = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "__defineGetter__",
  "2",
  "1",
  "\ufeffk",
  "k".repeat(300),
];

onEachBackend(
  "a pack keeps attributes and metadata with any key",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 1024 });
    const { mount } = volume;
    await mount.mkdir("/d");
    await mount.put("/d/x", "1");
    const metadata = Object.fromEntries(ODD_KEYS.map((key) => [key, `of ${key}`]));
    await mount.setMetadata("/d/x", metadata);
    await mount.setMetadata("/d", metadata);
    for (const key of ODD_KEYS) {
      await mount.setXattr("/d/x", key, new TextEncoder().encode(key));
    }
    await mount.pack("/d");
    await mount.unpack("/d");
    const sorted = (map: object) => Object.entries(map).sort(([a], [b]) => a < b ? -1 : 1);
    for (const path of ["/d", "/d/x"]) {
      assert.deepEqual(sorted((await mount.stat(path)).metadata), sorted(metadata));
    }
    assert.deepEqual((await mount.listXattrs("/d/x")).toSorted(), ODD_KEYS.toSorted());
    for (const key of ODD_KEYS) {
      assert.deepEqual(await mount.getXattr("/d/x", key), new TextEncoder().encode(key));
    }
  },
);

onEachBackend("a pack with keys that are not text is corrupt", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 1024 });
  const { mount } = volume;
  const good = packOf({ x: { k: "v" } });
  // The key is the number 7 instead of "k".
  const at = good.findLastIndex((byte, i) => byte === 0xa1 && good[i + 1] === 0x6b);
  const bad = Uint8Array.from([...good.subarray(0, at), 7, ...good.subarray(at + 2)]);
  await mount.put("/p", bad);
  await assert.rejects(mount.unpack("/p"), { code: "corrupt" });
});

onEachBackend(
  "unpack: keeps a retention of null, as the reference writes it",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 1024 });
    const { mount } = volume;
    await mount.put("/p", packOf({ rk: 0 }));
    await mount.unpack("/p");
    assert.equal((await mount.stat("/p/x")).retention, 0);
  },
);

const WRONG: Record<string, Record<string, unknown>> = {
  "a name with a slash": { n: "../../x" },
  "a name with a NUL": { n: "a\0b" },
  "a time that is text": { c: "yesterday" },
  "a mode that is none": { o: 2 ** 40 },
  "a negative mode": { o: -1 },
  "a mode that is text": { o: "755" },
  "a negative owner": { u: -7 },
  "a group past 32 bits": { g: 2 ** 40 },
  "an attribute without a name": { xa: { "": Uint8Array.of(1) } },
};

for (const [what, file] of Object.entries(WRONG)) {
  onEachBackend(`unpack: ${what} is corrupt and changes nothing`, async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 1024 });
    const { fs, mount } = volume;
    await mount.put("/p", packOf(file));
    const before = await fs.info();
    await assert.rejects(
      mount.unpack("/p"),
      (error) => error instanceof AloeError && error.code === "corrupt",
    );
    assert.equal((await mount.stat("/p")).type, "entry");
    assert.deepEqual(await fs.info(), before);
  });
}

onEachBackend(
  "unpack: limits milliseconds of version 1 to 64 bits of nanoseconds",
  async (backend) => {
    await using volume = await createVolume(backend, { chunkSize: 1024 });
    const { mount } = volume;
    await mount.put("/p", packOf({ c: 2n ** 62n }, 1));
    await mount.unpack("/p");
    assert.equal((await mount.stat("/p/x")).createdAt, 2n ** 63n - 1n);
  },
);

onEachBackend("unpack: any bytes after the pack are corrupt", async (backend) => {
  for (const rest of [[0xc4], [0x81], [0xdb, 0xff], [0xc0]]) {
    await using volume = await createVolume(backend, { chunkSize: 1024 });
    const { mount } = volume;
    await mount.put("/p", packOf({}));
    await mount.append("/p", Uint8Array.from(rest));
    await assert.rejects(mount.unpack("/p"), { code: "corrupt" });
  }
});

Deno.test("unpack takes time in proportion to the pack", async () => {
  await using volume = await createVolume(BACKENDS[0], { chunkSize: 1024 });
  const { mount } = volume;
  const time = async (size: number) => {
    const path = `/${size}`;
    await mount.mkdir(path);
    await mount.put(`${path}/x`, new Uint8Array(size));
    await mount.pack(path);
    const start = performance.now();
    await mount.unpack(path);
    return performance.now() - start;
  };
  await time(1 << 20);
  // The minimum of several runs is the time without other load.
  const least = async (size: number) => {
    let best = Infinity;
    for (let i = 0; i < 5; i++) best = Math.min(best, await time(size + i));
    return best;
  };
  const ratio = await least(5 << 20) / await least((1 << 20) + 1);
  assert.ok(ratio < 12, `five times the bytes took ${ratio.toFixed(1)} times as long`);
});

Deno.test(
  "the depth of MsgPack values is tracked for all types and all splits of the input",
  () => {
    const long = (length: number) => "x".repeat(length);
    const values: unknown[] = [
      [0, -1, 127, 128, 65_535, 65_536, 2 ** 40, -33, -129, -40_000, -(2 ** 40), 1.5],
      [null, true, false, new Date(0), new Date(2 ** 45), [], {}],
      [long(3), long(40), long(300), long(70_000)],
      [new Uint8Array(3), new Uint8Array(300), new Uint8Array(70_000)],
      [Array(20).fill([]), Array(70_000).fill(1)],
      [Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}`, [i]]))],
      { a: { b: { c: [[1]] } } },
    ];
    const bytes = values.map((value) => encode(value));
    const all = new Uint8Array(bytes.reduce((sum, each) => sum + each.length, 0));
    let end = 0;
    for (const each of bytes) {
      all.set(each, end);
      end += each.length;
    }
    for (const piece of [1, 7, 1000, all.length]) {
      const depth = new MsgPackDepth(5);
      for (let at = 0; at < all.length; at += piece) depth.take(all.subarray(at, at + piece));
      // All levels are closed: five more fit, six do not.
      depth.take(encode([[[[[1]]]]]));
      assert.throws(() => depth.take(encode([[[[[[1]]]]]])), RangeError);
    }
  },
);

for (const [kind, head] of [["arrays", [0x91]], ["maps", [0x81, 0xa1, 0x6b]]] as const) {
  for (const where of ["k", "x", "d", "n"]) {
    onEachBackend(
      `a pack with ${kind} nested in "${where}" is refused before it takes memory`,
      async (backend) => {
        await using volume = await createVolume(backend, { chunkSize: 1 << 20 });
        const { mount } = volume;
        const whole = packOf({ [where]: "MARK" });
        const mark = encode("MARK");
        const at = whole.findIndex((_, i) => mark.every((byte, j) => byte === whole[i + j]));
        const deep = new Uint8Array(3 << 20).map((_, i) => head[i % head.length]);
        await mount.put("/p", new Uint8Array([...whole.subarray(0, at), ...deep]));
        await assert.rejects(
          mount.unpack("/p"),
          (error) =>
            error instanceof AloeError && error.code === "corrupt" && /nested/.test(error.message),
        );
        assert.equal((await mount.stat("/p")).type, "entry");
      },
    );
  }
}

onEachBackend("an array in a pack with an excessive length takes no memory", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 1 << 20 });
  const { mount } = volume;
  const whole = packOf({ k: "MARK" });
  const mark = encode("MARK");
  const at = whole.findIndex((_, i) => mark.every((byte, j) => byte === whole[i + j]));
  const pack = [...whole.subarray(0, at), 0xdd, 0x01, 0xff, 0xff, 0xff, 1];
  await mount.put("/p", Uint8Array.from(pack));
  await assert.rejects(mount.unpack("/p"), { code: "corrupt" });
});
