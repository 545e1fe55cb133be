import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import type { FeedEvent } from "../../manager/api/events.ts";
import type { Publisher } from "../../manager/volumes/feed_events.ts";
import { OpenVolume } from "../../manager/volumes/volume_service.ts";

/** A volume of a new file, as a protocol gets it, with its feed events. */
async function fresh() {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-service-" });
  const fs = await AloeLite.open(`${folder}/a.fs`);
  const { id, chunkSize, createdAt } = await fs.createVolume({ name: "v" });
  const mount = await fs.mount(id);
  const told: FeedEvent[] = [];
  const feed: Publisher = {
    publish: (event) => told.push(event),
    publishAt: (type, volume, path) =>
      told.push({ type, fs_id: volume.fsId, volume_id: volume.id, path }),
  };
  const encryption = "none" as const;
  const volume = {
    ...{ id, fsId: "f", name: "v", encrypted: false },
    ...{ encryption, chunkSize, createdAt },
  };
  const close = async () => {
    await fs.close();
    await Deno.remove(folder, { recursive: true });
  };
  const access = { fs, mount, volume, [Symbol.asyncDispose]: close };
  return { volume: new OpenVolume(access, feed), told };
}

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new TextEncoder().encode(text));
}

const text = async (volume: OpenVolume, path: string) =>
  new TextDecoder().decode((await volume.read({ path })).bytes!);

const paths = (told: FeedEvent[]) => told.map(({ type, path }) => `${type} ${path ?? ""}`.trim());

Deno.test("a write has to meet its preconditions before its content is read", async () => {
  const { volume, told } = await fresh();
  await using _closed = volume;
  const first = await volume.write({ path: "/a" }, pieces("one"), {
    conditions: { match: null, none: "*" },
  });
  assert.equal(first.outcome, "created");
  let asked = false;
  // deno-lint-ignore require-yield -- nobody is to ask for a piece
  const unwanted = async function* (): AsyncGenerator<Uint8Array> {
    asked = true;
    await Promise.resolve();
  };
  for (
    const conditions of [
      { match: null, none: "*" as const },
      { match: ['"another"'], none: null },
      { match: null, none: [`"${first.tag}"`] },
    ]
  ) {
    await assert.rejects(volume.write({ path: "/a" }, unwanted(), { conditions }), {
      code: "precondition_failed",
      status: 412,
    });
  }
  assert(!asked);
  const second = await volume.write({ node: first.node }, pieces("two"), {
    conditions: { match: [`"${first.tag}"`], none: null },
  });
  assert.equal(second.replaced, first.version);
  assert.notEqual(second.tag, first.tag);
  await assert.rejects(
    volume.remove({ path: "/a" }, { conditions: { match: [`"${first.tag}"`], none: null } }),
    { code: "precondition_failed" },
  );
  assert.equal(await text(volume, "/a"), "two");
  assert.deepEqual(paths(told), ["changed /a", "changed /a"]);
});

Deno.test("a taken name is handled as the client asks, for each operation", async () => {
  const { volume, told } = await fresh();
  await using _closed = volume;
  await volume.write({ path: "/a" }, pieces("one"));
  const skipped = await volume.write({ path: "/a" }, pieces("two"), { onConflict: "skip" });
  assert.equal(skipped.outcome, "skipped");
  const renamed = await volume.write({ path: "/a" }, pieces("two"), { onConflict: "rename" });
  assert.notEqual(renamed.path, "/a");
  await assert.rejects(volume.write({ path: "/a" }, pieces("two"), { onConflict: "fail" }), {
    code: "already_exists",
  });
  assert.deepEqual(await volume.mkdir("/d/e", { parents: true }).then(({ path }) => path), "/d/e");
  await volume.copy({ from: ["/a"], to: "/d" });
  await assert.rejects(volume.move({ from: ["/a"], to: "/d" }), { code: "already_exists" });
  const [moved] = await volume.move({ from: ["/a"], to: "/d", onConflict: "replace" });
  assert.equal(moved.outcome, "replaced");
  const [{ id }] = await volume.trash();
  await assert.rejects(volume.restore([id]), { code: "already_exists" });
  const [restored] = await volume.restore([id], { onConflict: "rename" });
  assert.equal(restored.outcome, "renamed");
  const write = await volume.writerInto("/d", "replace");
  await write("new", pieces("1"));
  await assert.rejects(write("new", pieces("2")), { code: "already_exists" });
  assert.deepEqual(paths(told).slice(0, 4), [
    "changed /a",
    `changed ${renamed.path}`,
    "created /d/e",
    "created",
  ]);
});

Deno.test("forbidden names are refused by each operation", async () => {
  const { volume } = await fresh();
  await using _closed = volume;
  await volume.write({ path: "/a" }, pieces("one"));
  const invalid = { status: 400 };
  for (const name of ["..", ".", "x".repeat(256)]) {
    await assert.rejects(volume.write({ path: `/${name}` }, pieces("")), invalid);
    await assert.rejects(volume.mkdir(`/${name}`), invalid);
    await assert.rejects(volume.copy({ from: ["/a"], to: "/", name }), invalid);
    await assert.rejects(volume.move({ from: ["/a"], to: "/", name }), invalid);
    const write = await volume.writerInto("/", "fail");
    await assert.rejects(write(name, pieces("")), invalid);
  }
  await assert.rejects(volume.remove({ path: "/" }), invalid);
});

Deno.test("facts of a node are read and changed by path and by id", async () => {
  const { volume } = await fresh();
  await using _closed = volume;
  const { node } = await volume.write({ path: "/a" }, pieces("one"), { modifiedAt: 5n });
  assert.equal((await volume.stat({ path: "//a/" })).path, "/a");
  assert.equal((await volume.stat({ node })).info.modifiedAt, 5n);
  await volume.change({ node }, { metadata: { k: "v" }, mode: 0o600, modifiedAt: 7n });
  const { info } = await volume.stat({ path: "/a" });
  assert.deepEqual([info.metadata, info.mode, info.modifiedAt], [{ k: "v" }, 0o600, 7n]);
  await assert.rejects(volume.change({ path: "/a" }, { mode: 0o644, retention: 0 }), {
    code: "invalid",
  });
  assert.equal((await volume.stat({ path: "/a" })).info.mode, 0o600);
  const page = await volume.list({ path: "/" }, { limit: 10 });
  assert.deepEqual(page.entries.map(({ name }) => name), ["a"]);
  await volume.remove({ node });
  assert.equal((await volume.stat({ node })).path, null);
});
