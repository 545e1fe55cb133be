/** Holes: unwritten bytes read as zeros and cost next to nothing. */

import assert from "node:assert/strict";
import type { Mount } from "../../mod.ts";
import { MAX_CHUNKS } from "../../src/limits.ts";
import { type Backend, createVolume, onEachBackend, type Volume } from "./backends.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

interface Options {
  chunkSize?: number;
  encryption?: "none" | "convergent" | "random";
}

function create(backend: Backend, options: Options = {}): Promise<Volume> {
  const { chunkSize, encryption = "none" } = options;
  const sealed = encryption === "none" ? {} : { pin: "1", encryption };
  return createVolume(backend, { chunkSize, ...sealed });
}

const fails = (code: string, task: Promise<unknown>) =>
  assert.rejects(task, { name: "AloeError", code });

const isZero = (data: Uint8Array) => data.every((byte) => byte === 0);

/** Pseudo-random numbers from 0 up to `below`, equal at each run. */
function randomly(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}

onEachBackend("sparse: all holes share one chunk", async (backend) => {
  await using volume = await create(backend, { chunkSize: 8 });
  const { fs, mount } = volume;
  await mount.createEntry("/a");
  await mount.truncate("/a", 8000);
  assert.equal((await fs.info()).chunks, 1);
  await mount.createEntry("/b");
  await mount.truncate("/b", 200_000);
  await mount.truncate("/a", 80_000);
  await mount.createEntry("/c");
  await mount.writeRange("/c", 4000, bytes("12345678"));
  const { chunks, chunkBytes, contentBytes } = await fs.info();
  assert.deepEqual({ chunks, chunkBytes }, { chunks: 2, chunkBytes: 16 });
  assert.equal(contentBytes, 80_000 + 200_000 + 4008);
  assert.equal(isZero(await mount.readAll("/b")), true);
  // Written zeros cost no more than a hole.
  await mount.put("/d", new Uint8Array(800));
  assert.equal((await fs.info()).chunks, 2);
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
  assert.deepEqual(await fs.health(), []);
});

for (const encryption of ["none", "convergent", "random"] as const) {
  onEachBackend(
    `sparse: zeros that a stream skips equal written ones (${encryption})`,
    async (backend) => {
      const chunkSize = 64;
      await using volume = await create(backend, { chunkSize, encryption });
      const { mount } = volume;
      const random = randomly(7);
      for (let run = 0; run < 30; run++) {
        const wanted: number[] = [];
        if (run % 3 === 2) wanted.push(...await mount.readAll("/f"));
        {
          await using to = await mount.openWrite("/f", run % 3 === 2 ? "append" : "truncate");
          for (let step = random(6); step >= 0; step--) {
            const length = random(step % 2 === 0 ? 5 * chunkSize : 40);
            const data = new Uint8Array(length).fill(step % 2 === 0 ? 0 : 1 + run);
            wanted.push(...data);
            if (step % 2 === 0) await to.skip(length);
            else await to.write(data);
            assert.equal(to.tell(), wanted.length);
          }
        }
        assert.deepEqual([...await mount.readAll("/f")], wanted);
        await using from = await mount.openRead("/f");
        for (let at = 0; at < wanted.length; at += 1 + random(chunkSize)) {
          await from.seek(at);
          const hole = await from.hole();
          assert.ok(wanted.slice(at, at + hole).every((byte) => byte === 0));
          assert.equal(wanted.slice(at, at + hole).length, hole);
          const whole = wanted.slice(at - at % chunkSize, at - at % chunkSize + chunkSize);
          const known = whole.length === chunkSize && whole.every((byte) => byte === 0);
          assert.equal(hole > 0, known && encryption !== "random");
        }
      }
      assert.deepEqual((await mount.verify({ deep: true })).problems, []);
    },
  );
}

onEachBackend("sparse: a stream skips holes without storing them", async (backend) => {
  await using volume = await create(backend);
  const { fs, mount } = volume;
  const size = 64 * 2 ** 30;
  await using to = await mount.openWrite("/f");
  await to.write(bytes("start"));
  await to.skip(size);
  await fails("invalid", to.skip(-1));
  await fails("unsupported", to.skip(2 ** 50));
  await to.write(bytes("end"));
  await to.close();
  const { chunks, contentBytes } = await fs.info();
  assert.deepEqual({ chunks, contentBytes }, { chunks: 3, contentBytes: size + 8 });
  await using from = await mount.openRead("/f");
  await from.seek(2 ** 20);
  let hole = 0;
  for (let more = await from.hole(); more > 0; more = await from.hole()) {
    hole += more;
    await from.seek(more, "cur");
  }
  assert.equal(hole, size - 2 ** 20);
});

onEachBackend(
  "sparse: a hole of 64 GiB takes little memory and reads as zeros",
  async (backend) => {
    const size = 64 * 2 ** 30;
    await using volume = await create(backend);
    const { fs, mount } = volume;
    const before = Deno.memoryUsage().rss;
    await mount.createEntry("/big");
    await mount.truncate("/big", size);
    assert.equal((await mount.stat("/big")).size, size);
    assert.equal((await fs.info()).chunks, 1);
    const random = randomly(1);
    for (let i = 0; i < 20; i++) {
      const offset = random(size - 1000);
      const part = await mount.readRange("/big", offset, 1000);
      assert.equal(part.length, 1000);
      assert.ok(isZero(part), `at ${offset}`);
    }
    const middle = size / 2 - 3;
    assert.equal(await mount.writeRange("/big", middle, bytes("island")), size);
    const around = await mount.readRange("/big", middle - 2, 10);
    assert.deepEqual(around, bytes("\0\0island\0\0"));
    assert.ok(isZero(await mount.readRange("/big", size - 10, 100)));
    {
      await using reader = await mount.openRead("/big");
      assert.equal(await reader.seek(-4, "end"), size - 4);
      assert.deepEqual(await reader.read(), new Uint8Array(4));
      await reader.seek(middle, "set");
      assert.deepEqual(await reader.read(6), bytes("island"));
    }
    await fails("unsupported", mount.readAll("/big"));
    assert.equal((await mount.history("/big")).length, 2);
    const growth = Deno.memoryUsage().rss - before;
    assert.ok(growth < 150 * 2 ** 20, `${Math.round(growth / 2 ** 20)} MiB more`);
  },
);

onEachBackend(
  "sparse: too many chunks are refused, and nothing changes",
  async (backend) => {
    const chunkSize = 2;
    await using volume = await create(backend, { chunkSize });
    const { fs, mount } = volume;
    await mount.put("/a", "abc");
    const { id } = await mount.stat("/a");
    const before = [await mount.stat("/a"), await mount.history("/a"), await fs.info()];
    const limit = MAX_CHUNKS * chunkSize;
    for (
      const task of [
        () => mount.truncate("/a", limit + 1),
        () => mount.truncate("/a", Number.MAX_SAFE_INTEGER),
        () => mount.truncateById(id, limit + 1),
        () => mount.writeRange("/a", limit, bytes("x")),
        () => mount.writeRange("/a", limit - 1, bytes("xy")),
        () => mount.writeRange("/a", Number.MAX_SAFE_INTEGER - 1, bytes("x")),
        () => mount.writeRangeById(id, limit, bytes("x")),
      ]
    ) {
      await fails("unsupported", task());
    }
    for (const size of [-1, 1.5, NaN, Infinity, 2 ** 53]) {
      await fails("invalid", mount.truncate("/a", size));
      await fails("invalid", mount.writeRange("/a", size, bytes("x")));
    }
    assert.deepEqual([await mount.stat("/a"), await mount.history("/a"), await fs.info()], before);
    assert.equal(await mount.path("/a").readText(), "abc");
  },
);

onEachBackend("sparse: a prune frees the chunks of a truncated file", async (backend) => {
  await using volume = await create(backend, { chunkSize: 4 });
  const { fs, mount } = volume;
  await mount.put("/a", "0000111122223333444455556666777788889999");
  assert.equal((await fs.info()).chunks, 10);
  await mount.setRetention("/a", 1);
  await mount.truncate("/a", 6);
  assert.equal(await mount.path("/a").readText(), "000011");
  assert.deepEqual(await fs.pruneContent(), { versions: 1, chunks: 9 });
  assert.equal((await fs.info()).chunks, 2);
  await mount.truncate("/a", 100_000);
  await fs.pruneContent();
  // The first chunk, the second one filled with zeros, and the hole.
  assert.equal((await fs.info()).chunks, 3);
  await mount.truncate("/a", 0);
  await fs.pruneContent();
  const { chunks, chunkBytes, contentBytes } = await fs.info();
  assert.deepEqual({ chunks, chunkBytes, contentBytes }, {
    chunks: 0,
    chunkBytes: 0,
    contentBytes: 0,
  });
  assert.equal((await mount.readAll("/a")).length, 0);
  await mount.append("/a", bytes("again"));
  assert.equal(await mount.path("/a").readText(), "again");
});

onEachBackend(
  "sparse: truncated bytes do not reappear when the file grows",
  async (backend) => {
    await using volume = await create(backend, { chunkSize: 4 });
    const { mount } = volume;
    await mount.put("/a", "0123456789abcdef");
    for (const size of [13, 12, 11, 5, 4, 3]) {
      await mount.truncate("/a", size);
      await mount.truncate("/a", 16);
      const data = await mount.readAll("/a");
      assert.deepEqual(data.subarray(0, size), bytes("0123456789abcdef").subarray(0, size));
      assert.ok(isZero(data.subarray(size)), `cut at ${size}`);
    }
  },
);

/** Writes at random, and compares each time with a plain byte array. */
async function checkAgainstArray(mount: Mount, seed: number): Promise<void> {
  const random = randomly(seed);
  const path = `/${seed}`;
  await mount.createEntry(path);
  let model = new Uint8Array(0);
  const grown = (size: number) => {
    const next = new Uint8Array(size);
    next.set(model.subarray(0, size));
    return next;
  };
  for (let step = 0; step < 25; step++) {
    const data = Uint8Array.from({ length: 1 + random(12) }, () => random(3));
    const offset = random(120);
    const kind = random(4);
    if (kind === 0) {
      await mount.truncate(path, offset);
      model = grown(offset);
    } else if (kind === 1) {
      const size = await mount.append(path, data);
      assert.equal(size, model.length + data.length);
      model = grown(size);
      model.set(data, size - data.length);
    } else {
      const size = await mount.writeRange(path, offset, data);
      assert.equal(size, Math.max(model.length, offset + data.length));
      model = grown(size);
      model.set(data, offset);
    }
    assert.deepEqual(await mount.readAll(path), model, `step ${step}`);
    const from = random(130);
    const length = random(40);
    assert.deepEqual(
      await mount.readRange(path, from, length),
      model.slice(from, from + length),
      `step ${step}: ${length} bytes from ${from}`,
    );
  }
}

for (const encryption of ["none", "convergent", "random"] as const) {
  onEachBackend(
    `sparse: writes into and beyond holes equal a byte array (${encryption})`,
    async (backend) => {
      await using volume = await create(backend, { encryption, chunkSize: 3 });
      const { fs, mount } = volume;
      await mount.createEntry("/holes");
      await mount.writeRange("/holes", 20, bytes("after"));
      await mount.writeRange("/holes", 10, bytes("into"));
      await mount.truncate("/holes", 40);
      await mount.writeRange("/holes", 50, bytes("!"));
      const expected = new Uint8Array(51);
      expected.set(bytes("into"), 10);
      expected.set(bytes("after"), 20);
      expected.set(bytes("!"), 50);
      assert.deepEqual(await mount.readAll("/holes"), expected);

      const { chunks } = await fs.info();
      await mount.createEntry("/long");
      await mount.truncate("/long", 9_000);
      const more = (await fs.info()).chunks - chunks;
      // In random mode a hole has a chunk of its own, but only one.
      assert.ok(encryption === "random" ? more === 1 : more <= 1, `${more} chunks`);
      assert.ok(isZero(await mount.readAll("/long")));

      await mount.batch(async (tx) => {
        for (const seed of [1, 2, 3]) await checkAgainstArray(tx, seed);
      });
      assert.deepEqual((await mount.verify({ deep: true })).problems, []);
    },
  );
}

for (const chunkSize of [1, 2, 5, 64]) {
  onEachBackend(`sparse: chunks of ${chunkSize} bytes`, async (backend) => {
    await using volume = await create(backend, { chunkSize });
    const { fs, mount } = volume;
    await mount.batch(async (tx) => {
      for (const seed of [4, 5, 6]) await checkAgainstArray(tx, seed);
    });
    assert.deepEqual((await mount.verify({ deep: true })).problems, []);
    assert.deepEqual(await fs.health(), []);
  });
}
