/**
 * Listings and searches that come page by page while names are given and made:
 * each item that was there at the first page comes once, any other at most
 * once, and the end is reached, whatever is done between pages.
 */

import assert from "node:assert/strict";
import { AloeLite, type Mount } from "../../mod.ts";
import * as internal from "../../src/internal.ts";
import * as ops from "../../src/ops.ts";
import { members } from "../../manager/volumes/archive.ts";
import type { Access } from "../../manager/volumes/access.ts";
import { mountTest, withMount } from "../fuse/support.ts";
import { TestManager } from "../manager/support.ts";

const COUNT = 15;
const NAMES = Array.from({ length: COUNT }, (_, i) => `f${String(i).padStart(2, "0")}`);

/** An item of a page. */
interface Item {
  name: string;
  node: string;
}

/** What gives the page after a text, and what its own next one is after. */
type Pages = (after: string | null) => Promise<{ items: Item[]; next: string | null }>;

/** What somebody does when an item, or a page, has come. */
interface Change {
  seen?: (item: Item) => Promise<unknown>;
  page?: () => Promise<unknown>;
}

/** What may be done to files in a directory between its pages. */
interface Names {
  rename(from: string, to: string): Promise<unknown>;
  create(path: string): Promise<unknown>;
  remove(path: string): Promise<unknown>;
}

/** Changes in `/d`, which has {@linkcode NAMES}; `/out` is a directory too. */
function changes(names: Names): Record<string, Change> {
  let made = 0;
  const name = { now: new Map(NAMES.map((each) => [each, each])) };
  const renamed = async (first: string) => {
    const from = name.now.get(first)!;
    const to = `f${++made}-${first}`;
    await names.rename(`/d/${from}`, `/d/${to}`);
    name.now.set(first, to);
  };
  const own = (item: Item) => item.name.slice(-3);
  return {
    "nothing": {},
    "renamed when it was seen": { seen: (item) => renamed(own(item)) },
    "others renamed": {
      page: async () => {
        for (const each of NAMES) await renamed(each);
      },
    },
    "some renamed twice": {
      page: async () => {
        for (let i = 0; i < COUNT; i += 3) {
          await renamed(NAMES[i]);
          await renamed(NAMES[i]);
        }
      },
    },
    "made when one was seen": { seen: () => names.create(`/d/f-new${made++}`) },
    "renamed and made": {
      seen: async (item) => {
        if (NAMES.includes(own(item))) await renamed(own(item));
        await names.create(`/d/f-new${made++}`);
      },
    },
    "away and back": {
      page: async () => {
        for (const each of NAMES) {
          await names.rename(`/d/${each}`, `/out/${each}`);
          await names.rename(`/out/${each}`, `/d/${each}`);
        }
      },
    },
  };
}

/** Reads all pages of what there is, and checks what came. */
async function readAll(what: string, pages: Pages, start: Item[], change: Change): Promise<void> {
  const nodes = new Set(start.map((item) => item.node));
  const seen: Item[] = [];
  for (let after: string | null = null;;) {
    const { items, next } = await pages(after);
    for (const item of items) {
      seen.push(item);
      assert.ok(seen.length < 10 * COUNT, `${what}: no end`);
      if (nodes.has(item.node)) await change.seen?.(item);
    }
    await change.page?.();
    if (next === null) break;
    after = next;
  }
  const times = new Map<string, number>();
  for (const { node } of seen) times.set(node, (times.get(node) ?? 0) + 1);
  const twice = seen.filter(({ node }) => times.get(node)! > 1).map(({ name }) => name);
  assert.deepEqual(twice, [], `${what}: came twice`);
  const missing = start.filter(({ node }) => !times.has(node)).map(({ name }) => name);
  assert.deepEqual(missing, [], `${what}: never came`);
}

/** The pages of each way in, of so many items. */
function ways(fs: AloeLite, mount: Mount, limit: number): Record<string, Pages> {
  const { handle } = mount;
  return {
    "list": async (after) => {
      const items = await mount.list("/d", { limit, ...(after === null ? {} : { after }) });
      return { items, next: items.length < limit ? null : items[items.length - 1].edge };
    },
    "listDetails": async (after) => {
      const page = { limit, ...(after === null ? {} : { after }) };
      const { entries, next } = await internal.listDetails(fs.db, handle, { path: "/d" }, page);
      return { items: entries, next };
    },
    "search": async (after) => {
      const page = { limit, ...(after === null ? {} : { after }) };
      const { entries, next } = await ops.searchNames(fs.db, handle, { path: "/" }, "f", page);
      return { items: entries.map(({ name, id }) => ({ name, node: id })), next };
    },
  };
}

async function fill(mount: Mount): Promise<Item[]> {
  await mount.mkdir("/d");
  await mount.mkdir("/out");
  for (const name of NAMES) await mount.put(`/d/${name}`, name);
  return (await mount.list("/d")).map(({ name, node }) => ({ name, node }));
}

function inLibrary(mount: Mount): Names {
  return {
    rename: (from, to) => mount.move(from, to),
    create: (path) => mount.put(path, ""),
    remove: (path) => mount.remove(path),
  };
}

Deno.test("pages end while names change", async () => {
  for (const limit of [1, 7, COUNT]) {
    for (const way of ["list", "listDetails", "search"]) {
      await using fs = await AloeLite.open(":memory:");
      await fs.createVolume();
      await using mount = await fs.mount();
      let start = await fill(mount);
      // One after the other in one directory: what is behind stays behind.
      for (const name of Object.keys(changes(inLibrary(mount)))) {
        await mount.removeRecursive("/d");
        await mount.removeRecursive("/out");
        start = await fill(mount);
        const what = `${way}, ${limit} a page: ${name}`;
        await readAll(
          what,
          ways(fs, mount, limit)[way],
          start,
          changes(inLibrary(mount))[name],
        );
      }
    }
  }
});

Deno.test("a name that is replaced, or removed and made again, comes once", async () => {
  for (const by of ["replaced", "again", "a put"]) {
    await using fs = await AloeLite.open(":memory:");
    await fs.createVolume();
    await using mount = await fs.mount();
    await fill(mount);
    for (const way of ["list", "listDetails"]) {
      const seen: string[] = [];
      for (let after: string | null = null;;) {
        const { items, next } = await ways(fs, mount, 4)[way](after);
        seen.push(...items.map((item) => item.name));
        assert.ok(seen.length < 10 * COUNT, `${by}: no end`);
        for (const name of NAMES) {
          if (by === "again") await mount.remove(`/d/${name}`);
          if (by !== "replaced") await mount.put(`/d/${name}`, by);
          else {
            await mount.put("/out/new", by);
            await mount.remove(`/d/${name}`);
            await mount.move("/out/new", `/d/${name}`);
          }
        }
        if (next === null) break;
        after = next;
      }
      assert.deepEqual(seen.sort(), NAMES, `${way}: ${by}`);
    }
  }
});

Deno.test("names of one file in one directory come once each", async () => {
  await using fs = await AloeLite.open(":memory:");
  await fs.createVolume();
  await using mount = await fs.mount();
  await mount.mkdir("/d");
  await mount.put("/d/a0", "x");
  for (let i = 1; i < 10; i++) await mount.link("/d/a0", `/d/a${i}`);
  // A name that it had long ago.
  await mount.link("/d/a0", "/d/old");
  await mount.remove("/d/old");
  for (const limit of [1, 3]) {
    const all = (await mount.list("/d")).map(({ name }) => name);
    for (const way of ["list", "listDetails"]) {
      const seen: string[] = [];
      for (let after: string | null = null;;) {
        const { items, next } = await ways(fs, mount, limit)[way](after);
        for (const { name } of items) {
          seen.push(name.slice(0, 2));
          assert.ok(seen.length < 40, "no end");
          await mount.move(`/d/${name}`, `/d/${name}x`);
        }
        if (next === null) break;
        after = next;
      }
      assert.deepEqual(seen.sort(), all.map((name) => name.slice(0, 2)).sort(), way);
    }
  }
});

Deno.test("over HTTP: pages of a listing and of a search end while names change", async () => {
  await using m = await TestManager.start();
  for (const way of ["list", "search"]) {
    let number = 0;
    for (const name of Object.keys(changes({} as Names))) {
      const id = await m.volume(`${way}-${++number}`);
      const at = `/volumes/${id}`;
      const task = async (method: string, url: string, json?: unknown) => {
        const { status, text } = await m.ask(method, url, json === undefined ? {} : { json });
        assert.ok(status < 300, `${method} ${url}: ${status} ${text}`);
      };
      const names: Names = {
        rename: (from, to) => {
          const [, folder, name] = to.split("/");
          const move = { operation: "move", from: [from], to: `/${folder}`, name };
          return task("POST", `${at}/transfer`, move);
        },
        create: (path) => task("PUT", `${at}/files${path}`),
        remove: (path) => task("DELETE", `${at}/files${path}`),
      };
      await task("POST", `${at}/directories`, { path: "/d" });
      await task("POST", `${at}/directories`, { path: "/out" });
      for (const each of NAMES) await names.create(`/d/${each}`);
      const pages: Pages = async (after) => {
        const query = way === "list" ? "list?path=/d" : "search?path=/&q=f";
        const more = after === null ? "" : `&after=${encodeURIComponent(after)}`;
        const { status, text, json } = await m.ask("GET", `${at}/${query}&limit=8${more}`);
        assert.equal(status, 200, text);
        const items = json.entries.map((each: { name: string; id: string; node: string }) => ({
          name: each.name,
          node: each.id ?? each.node,
        }));
        return { items, next: json.next };
      };
      const { json } = await m.ask("GET", `${at}/list?path=/d`);
      const start = json.entries.map((each: { name: string; id: string; node: string }) => ({
        name: each.name,
        node: each.id ?? each.node,
      }));
      await readAll(`HTTP ${way}: ${name}`, pages, start, changes(names)[name]);
    }
  }
});

Deno.test("an archive has each file once while names change", async () => {
  await using fs = await AloeLite.open(":memory:");
  await fs.createVolume();
  await using mount = await fs.mount();
  await mount.mkdir("/d");
  await mount.batch(async (tx) => {
    for (let i = 0; i < 1200; i++) await tx.put(`/d/f${i}`, `${i}`);
  });
  const held = { fs, mount } as unknown as Access;
  const contents: string[] = [];
  let made = 0;
  for await (const { content, path } of members(held, ["/d"], new AbortController().signal)) {
    if (!(content instanceof Uint8Array) || content.length === 0) continue;
    contents.push(new TextDecoder().decode(content));
    assert.ok(contents.length < 5000, "no end");
    const name = new TextDecoder().decode(path).slice(2);
    await mount.move(`/d/${name}`, `/d/${name}-x`);
    await mount.put(`/d/new${made++}`, "new");
  }
  const first = contents.filter((each) => each !== "new").map(Number).sort((a, b) => a - b);
  assert.deepEqual(first, Array.from({ length: 1200 }, (_, i) => i));
});

mountTest("pages of the library while a mount gives names anew", async () => {
  await withMount({}, async (dir, { file }) => {
    Deno.mkdirSync(`${dir}/d`);
    for (const name of NAMES) Deno.writeTextFileSync(`${dir}/d/${name}`, name);
    const sync = async () => {
      using top = await Deno.open(`${dir}/d`);
      await top.sync();
    };
    await sync();
    await using fs = await AloeLite.open(file);
    await using mount = await fs.mount();
    let made = 0;
    for (const way of ["list", "listDetails", "search"]) {
      const start = (await mount.list("/d")).map(({ name, node }) => ({ name, node }));
      await readAll(way, ways(fs, mount, 4)[way], start, {
        seen: async ({ name }) => {
          Deno.renameSync(`${dir}/d/${name}`, `${dir}/d/f${made++}${name.slice(-3)}`);
          Deno.writeTextFileSync(`${dir}/d/f-new-${way}-${made}`, "");
          await sync();
        },
      });
    }
  });
});
