/** Move, copy, versions, trash, search and usage. */

import assert from "node:assert/strict";
import { TestManager } from "./support.ts";

/** A volume with some files; each contains its own path. */
async function filled(m: TestManager, ...paths: string[]): Promise<string> {
  const id = await m.volume("main");
  for (const path of paths) {
    const { status } = await m.ask("PUT", `/volumes/${id}/files${path}?parents=1`, { body: path });
    assert.equal(status, 201);
  }
  return id;
}

Deno.test("transfer moves and copies all or nothing", async () => {
  await using m = await TestManager.start();
  const id = await filled(m, "/a/1", "/a/2", "/b/1");
  const at = `/volumes/${id}`;
  const transfer = (json: unknown) => m.ask("POST", `${at}/transfer`, { json });
  const read = async (path: string) => (await m.ask("GET", `${at}/files${path}`)).text;

  const taken = await transfer({ operation: "move", from: ["/a/2", "/a/1"], to: "/b" });
  assert.equal(taken.status, 409, taken.text);
  assert.equal(taken.json.code, "already_exists");
  assert.equal(await read("/a/2"), "/a/2");
  const renamed = await transfer({
    operation: "copy",
    from: ["/a/2", "/a/1"],
    to: "/b",
    on_conflict: "rename",
  });
  assert.equal(renamed.status, 200, renamed.text);
  assert.deepEqual(renamed.json.items.map(({ to }: { to: string }) => to), ["/b/2", "/b/1 (2)"]);
  assert.equal(await read("/b/1"), "/b/1");
  assert.equal(await read("/b/1%20(2)"), "/a/1");
  const replaced = await transfer({
    operation: "move",
    from: ["/a/1"],
    to: "/b",
    on_conflict: "replace",
  });
  assert.equal(replaced.status, 200);
  assert.equal(await read("/b/1"), "/a/1");
  const named = await transfer({ operation: "move", from: ["/a"], to: "/", name: "c" });
  assert.equal(named.json.items[0].to, "/c");
  assert.equal(await read("/c/2"), "/a/2");
  const wrong = [
    [404, { operation: "move", from: ["/none"], to: "/b" }],
    [404, { operation: "move", from: ["/c"], to: "/none" }],
    [409, { operation: "move", from: ["/c"], to: "/c" }],
    [409, { operation: "copy", from: ["/c"], to: "/b/1" }],
    [400, { operation: "link", from: ["/c"], to: "/b" }],
    [400, { operation: "move", from: [], to: "/b" }],
    [400, { operation: "move", from: ["/c"], to: "/b", name: ".." }],
    [400, { operation: "move", from: ["/c"], to: "/b", name: "a/b" }],
    [400, { operation: "move", from: ["/"], to: "/b" }],
  ] as const;
  for (const [status, wish] of wrong) {
    const answer = await transfer(wish);
    assert.equal(answer.status, status, `${JSON.stringify(wish)} ${answer.text}`);
  }
});

Deno.test("versions are listed, and an old one is restored as a new one", async () => {
  await using m = await TestManager.start();
  const id = await filled(m, "/a");
  const at = `/volumes/${id}`;
  await m.ask("PUT", `${at}/files/a`, { body: "second" });
  const { versions } = (await m.ask("GET", `${at}/history?path=/a`)).json;
  assert.deepEqual(
    versions.map((each: { version: number; size: number; current: boolean }) => [
      each.version,
      each.size,
      each.current,
    ]),
    [[2, 6, true], [1, 2, false]],
  );
  assert.match(versions[0].committed_at, /^\d{4}-.*\.\d{9}Z$/);
  const back = await m.ask("POST", `${at}/history/restore`, { json: { path: "/a", version: 1 } });
  assert.equal(back.status, 200, back.text);
  assert.equal(back.json.version, 3);
  assert.equal((await m.ask("GET", `${at}/files/a`)).text, "/a");
  const none = await m.ask("POST", `${at}/history/restore`, { json: { path: "/a", version: 9 } });
  assert.equal(none.status, 404);
  assert.equal((await m.ask("GET", `${at}/history?path=/`)).status, 409);
});

Deno.test("trash items are restored, all or nothing, and purged", async () => {
  await using m = await TestManager.start();
  const id = await filled(m, "/d/1", "/d/2", "/x", "/y");
  const at = `/volumes/${id}`;
  for (const path of ["/d?recursive=1", "/x", "/y"]) {
    assert.equal((await m.ask("DELETE", `${at}/files${path}`)).status, 204);
  }
  const list = async () => (await m.ask("GET", `${at}/trash`)).json.entries;
  const entries = await list();
  assert.deepEqual(entries.map(({ path }: { path: string }) => path), ["/y", "/x", "/d"]);
  const [y, x, d] = entries;
  assert.deepEqual([d.type, d.name, d.nodes, d.size], ["directory", "d", 3, 8]);
  await m.ask("PUT", `${at}/files/y`, { body: "new" });
  const restore = (json: unknown) => m.ask("POST", `${at}/trash/restore`, { json });
  assert.equal((await restore({ ids: [x.id, y.id] })).status, 409);
  assert.equal((await list()).length, 3);
  const both = await restore({ ids: [x.id, d.id] });
  assert.equal(both.status, 200, both.text);
  const plain = { outcome: "created", replaced: [] };
  assert.deepEqual(both.json.items, [
    { id: x.id, path: "/x", ...plain },
    { id: d.id, path: "/d", ...plain },
  ]);
  assert.equal((await m.ask("GET", `${at}/files/d/2`)).text, "/d/2");
  assert.equal((await restore({ ids: [y.id], to: "/d/y" })).json.items[0].path, "/d/y");
  assert.equal((await restore({ ids: [y.id] })).status, 404);
  assert.equal((await restore({ ids: [y.id, x.id], to: "/z" })).status, 400);

  for (const path of ["/x", "/y", "/d/1"]) await m.ask("DELETE", `${at}/files${path}`);
  const [, , gone] = await list();
  assert.equal((await m.ask("DELETE", `${at}/trash`)).status, 400);
  assert.equal((await m.ask("DELETE", `${at}/trash?id=${gone.id}&id=none`)).status, 404);
  assert.equal((await list()).length, 3);
  assert.equal((await m.ask("DELETE", `${at}/trash?id=${gone.id}`)).status, 204);
  assert.equal((await list()).length, 2);
  assert.equal((await m.ask("DELETE", `${at}/trash?all=1`)).status, 204);
  assert.deepEqual(await list(), []);
});

Deno.test("a second source of one name is refused, and none is lost", async () => {
  await using m = await TestManager.start();
  const id = await filled(m, "/x/same", "/y/same", "/to/old", "/z/old");
  const at = `/volumes/${id}`;
  const read = async (path: string) => (await m.ask("GET", `${at}/files${path}`)).text;
  const transfer = (operation: string, from: string[], on_conflict: string) =>
    m.ask("POST", `${at}/transfer`, { json: { operation, from, to: "/to/", on_conflict } });
  for (const operation of ["move", "copy"]) {
    for (const how of ["replace", "fail"]) {
      for (const from of [["/x/same", "/y/same"], ["/x//same", "y/same/"]]) {
        const { status, json } = await transfer(operation, from, how);
        assert.equal(status, 409, how);
        assert.equal(json.code, "already_exists");
      }
    }
    // An item that is itself to be moved or copied is not replaced before.
    assert.equal((await transfer(operation, ["/z/old", "/to/old"], "replace")).status, 409);
  }
  assert.equal((await transfer("move", ["/to/old", "/z/old"], "replace")).status, 409);
  for (const path of ["/x/same", "/y/same", "/to/old", "/z/old"]) {
    assert.equal(await read(path), path);
  }
  const trash = async () => (await m.ask("GET", `${at}/trash`)).json.entries.length;
  assert.equal(await trash(), 0);
  const both = await transfer("copy", ["/x/same", "/y/same"], "rename");
  assert.equal(both.status, 200);
  assert.equal(await read("/to/same") + await read("/to/same%20(2)"), "/x/same/y/same");
});

Deno.test("search finds names below a directory and reports when there are more", async () => {
  await using m = await TestManager.start();
  const id = await filled(m, "/Docs/Report.txt", "/Docs/old/report-2.txt", "/other/REPORT", "/z");
  const at = `/volumes/${id}`;
  const search = async (query: string) => await m.ask("GET", `${at}/search?${query}`);
  const paths = async (query: string) =>
    (await search(query)).json.entries.map(({ path }: { path: string }) => path);
  assert.deepEqual(await paths("q=report"), [
    "/Docs/Report.txt",
    "/Docs/old/report-2.txt",
    "/other/REPORT",
  ]);
  assert.deepEqual(await paths("q=report&path=/Docs/old"), ["/Docs/old/report-2.txt"]);
  const two = await search("q=report&limit=2");
  assert.equal(two.json.entries.length, 2);
  assert.equal(two.json.truncated, true);
  assert.equal((await search("q=report&limit=3")).json.truncated, false);
  assert.equal((await search("q=")).status, 400);
  assert.equal((await search("q=x&path=/none")).status, 404);
  assert.equal((await search("q=x&limit=0")).status, 400);

  const glob = (pattern: string) => paths(`glob=${encodeURIComponent(pattern)}`);
  assert.deepEqual(await glob("{R,r}eport*"), ["/Docs/Report.txt", "/Docs/old/report-2.txt"]);
  assert.deepEqual(await glob("*.txt"), ["/Docs/Report.txt", "/Docs/old/report-2.txt"]);
  assert.deepEqual(await glob("/Docs/*.txt"), ["/Docs/Report.txt"]);
  assert.deepEqual(await glob("{Docs,other}/**/*[0-9T]*"), [
    "/Docs/old/report-2.txt",
    "/other/REPORT",
  ]);
  assert.deepEqual(await paths("glob=*.txt&path=/Docs/old"), ["/Docs/old/report-2.txt"]);
  assert.deepEqual(await glob("\\*.txt"), []);
  assert.deepEqual(await glob("*-\\2.txt"), ["/Docs/old/report-2.txt"]);
  assert.deepEqual(await glob("\\Docs/\\[R]*"), []);
  assert.deepEqual(await glob(`${"*a".repeat(500)}*b`), []);
  assert.equal((await search("glob=")).status, 400);
  assert.equal((await search("glob=/")).status, 400);
  assert.equal((await search("glob=a&q=a")).status, 400);
});

Deno.test("usage counts files, shared content, and the trash", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("usage");
  const at = `/volumes/${id}`;
  const same = new Uint8Array(1000).fill(7);
  for (const name of ["a", "b", "c"]) await m.ask("PUT", `${at}/files/${name}`, { body: same });
  await m.ask("DELETE", `${at}/files/c`);
  const { json } = await m.ask("GET", `${at}/usage`);
  assert.deepEqual(json, {
    content_bytes: 2000,
    stored_bytes: 1000,
    saved_bytes: 2000,
    trash_bytes: 1000,
    nodes: 3,
    files: 2,
    directories: 1,
    trash_nodes: 1,
    chunks: 1,
  });
});
