/** Writing, moving, copying and restoring onto a taken name. */

import assert from "node:assert/strict";
import { TestManager } from "./support.ts";

const large = new Uint8Array(3_000_000).map((_, at) => at >> 8);
const tus = { "tus-resumable": "1.0.0" };

/** A volume with `/d/a.txt` and a directory `/d/dir`. */
async function ground(m: TestManager) {
  const id = await m.volume("main");
  const at = `/volumes/${id}`;
  assert.equal((await m.ask("PUT", `${at}/files/d/a.txt?parents=1`, { body: "old" })).status, 201);
  await m.ask("POST", `${at}/directories`, { json: { path: "/d/dir" } });
  const read = async (path: string) => (await m.ask("GET", `${at}/files${encodeURI(path)}`)).text;
  const names = async (path: string) =>
    (await m.ask("GET", `${at}/list?path=${path}`)).json.entries
      .filter((entry: { visible: boolean }) => entry.visible)
      .map((entry: { name: string }) => entry.name).sort();
  return { at, read, names };
}

Deno.test("a PUT reports what it replaced, or follows on_conflict", async () => {
  await using m = await TestManager.start();
  const { at, read, names } = await ground(m);
  for (const body of ["new", large]) {
    const put = (path: string, query = "") =>
      m.ask("PUT", `${at}/files${path}${query}`, { body: body as BodyInit });
    const name = body === "new" ? "small" : "large";
    const first = await put(`/d/${name}`);
    assert.deepEqual([first.status, first.json.outcome, first.json.replaced], [
      201,
      "created",
      null,
    ]);
    const second = await put(`/d/${name}`);
    assert.deepEqual([second.status, second.json.outcome, second.json.replaced], [
      200,
      "replaced",
      1,
    ]);
    assert.equal(second.json.version, 2);
    const skipped = await put("/d/a.txt", "?on_conflict=skip");
    assert.deepEqual([skipped.status, skipped.json.outcome], [200, "skipped"]);
    assert.equal(await read("/d/a.txt"), "old");
    const refused = await put("/d/a.txt", "?on_conflict=fail");
    assert.deepEqual([refused.status, refused.json.code], [409, "already_exists"]);
    const both = await put("/d/a.txt", "?on_conflict=rename");
    assert.equal(both.status, 201);
    assert.equal(both.json.outcome, "renamed");
    assert.equal(both.json.path, body === "new" ? "/d/a (2).txt" : "/d/a (3).txt");
    assert.equal(decodeURIComponent(both.headers.get("location")!), `${at}/files${both.json.path}`);
    assert.equal(await read("/d/a.txt"), "old");
    // A directory is not replaced by a file, but another name is possible.
    assert.equal((await put("/d/dir")).status, 409);
    assert.equal((await put("/d/dir", "?on_conflict=skip")).json.outcome, "skipped");
    assert.match((await put("/d/dir", "?on_conflict=rename")).json.path, /^\/d\/dir \(\d\)$/);
    assert.equal((await put("/d/a.txt", "?on_conflict=maybe")).status, 400);
  }
  assert.ok((await names("/d")).includes("dir (3)"));
  const long = "n".repeat(251) + ".txt";
  await m.ask("PUT", `${at}/files/${long}`, { body: "1" });
  const cut = await m.ask("PUT", `${at}/files/${long}?on_conflict=rename`, { body: "2" });
  assert.equal(cut.json.path, `/${"n".repeat(247)} (2).txt`);
  assert.equal((await m.ask("GET", `${at}/usage`)).status, 200);
});

Deno.test("concurrent PUTs with one name each keep their own file", async () => {
  await using m = await TestManager.start();
  const { at, read, names } = await ground(m);
  const bodies = Array.from({ length: 12 }, (_, i) => `content ${i}`);
  const all = await Promise.all(
    bodies.map((body) => m.ask("PUT", `${at}/files/d/x?on_conflict=rename`, { body })),
  );
  assert.equal(new Set(all.map(({ json }) => json.path)).size, 12);
  for (const [i, { json }] of all.entries()) assert.equal(await read(json.path), bodies[i]);
  const one = await Promise.all(
    bodies.map((body) => m.ask("PUT", `${at}/files/d/y?on_conflict=fail`, { body })),
  );
  assert.deepEqual(one.map(({ status }) => status).sort(), [201, ...Array(11).fill(409)]);
  assert.equal((await names("/d")).length, 15);
});

Deno.test("a resumable upload follows on_conflict, and reports the outcome", async () => {
  await using m = await TestManager.start();
  const { at, read } = await ground(m);
  const send = async (wish: Record<string, string>) => {
    const metadata = Object.entries({ path: "/d/a.txt", ...wish })
      .map(([key, value]) => `${key} ${btoa(value)}`).join(",");
    const begun = await m.ask("POST", `${at}/uploads`, {
      headers: { ...tus, "upload-length": "4", "upload-metadata": metadata },
    });
    if (begun.status !== 201) return begun;
    const url = begun.headers.get("location")!;
    const headers = { ...tus, "content-type": "application/offset+octet-stream" };
    const ended = await m.ask("PATCH", url, {
      headers: { ...headers, "upload-offset": "0" },
      body: "sent",
    });
    const again = await m.ask("HEAD", url, { headers: tus });
    assert.equal(again.headers.get("aloelite-outcome"), ended.headers.get("aloelite-outcome"));
    return ended;
  };
  const told = (
    { status, headers }: Awaited<ReturnType<typeof send>>,
  ) => [status, ...["outcome", "path", "replaced"].map((name) => headers.get(`aloelite-${name}`))];
  assert.deepEqual(told(await send({ on_conflict: "rename" })), [
    204,
    "renamed",
    "/d/a%20(2).txt",
    null,
  ]);
  assert.deepEqual(told(await send({ on_conflict: "skip" })), [204, "skipped", "/d/a.txt", null]);
  assert.equal(await read("/d/a.txt"), "old");
  assert.equal((await send({ on_conflict: "fail" })).status, 409);
  assert.equal((await send({ overwrite: "0" })).status, 409);
  assert.equal((await send({ on_conflict: "perhaps" })).status, 400);
  assert.deepEqual(told(await send({})), [204, "replaced", "/d/a.txt", "1"]);
  assert.equal(await read("/d/a.txt"), "sent");
  assert.deepEqual((await m.ask("GET", `${at}/uploads`)).json.uploads, []);
});

Deno.test("two files of one name in a form do not become versions of each other", async () => {
  await using m = await TestManager.start();
  const { at, read, names } = await ground(m);
  const post = (query: string, ...files: [string, BlobPart][]) => {
    const body = new FormData();
    for (const [name, content] of files) body.append("f", new Blob([content]), name);
    return m.ask("POST", `${at}/files?path=/d${query}`, { body });
  };
  const outcomes = ({ json }: Awaited<ReturnType<typeof post>>) =>
    json.files.map(({ path, outcome }: { path: string; outcome: string }) => `${path} ${outcome}`);
  const twice = await post("", ["x", "one"], ["x", "two"]);
  assert.deepEqual([twice.status, twice.json.code], [409, "already_exists"]);
  assert.equal(await read("/d/x"), "one");
  // Each name existed before, so both are replaced.
  assert.deepEqual(outcomes(await post("", ["x", "two"])), ["/d/x replaced"]);
  assert.equal((await m.ask("GET", `${at}/history?path=/d/x`)).json.versions.length, 2);
  assert.deepEqual(outcomes(await post("&on_conflict=rename", ["x", "3"], ["x", "4"])), [
    "/d/x (2) renamed",
    "/d/x (3) renamed",
  ]);
  assert.deepEqual(
    outcomes(await post("&on_conflict=skip", ["x", "5"], ["y", "6"], ["y", large])),
    [
      "/d/x skipped",
      "/d/y created",
      "/d/y skipped",
    ],
  );
  assert.equal(await read("/d/x"), "two");
  assert.equal(await read("/d/y"), "6");
  assert.equal((await post("&on_conflict=fail", ["x", "7"])).status, 409);
  assert.deepEqual(await names("/d"), ["a.txt", "dir", "x", "x (2)", "x (3)", "y"]);
});

Deno.test("moved, copied and restored items are skipped, replace, or are renamed", async () => {
  await using m = await TestManager.start();
  const { at, read, names } = await ground(m);
  const transfer = async (json: unknown) => {
    const { status, json: answer } = await m.ask("POST", `${at}/transfer`, { json });
    return status === 200 ? answer.items : answer.code;
  };
  for (const operation of ["copy", "move"]) {
    await m.ask("PUT", `${at}/files/a.txt`, { body: operation });
    const wish = { operation, from: ["/a.txt"], to: "/d" };
    assert.equal(await transfer(wish), "already_exists");
    const [left] = await transfer({ ...wish, on_conflict: "skip" });
    assert.deepEqual([left.outcome, left.to], ["skipped", "/d/a.txt"]);
    assert.equal(await read("/a.txt"), operation);
    const [put] = await transfer({ ...wish, on_conflict: "replace" });
    assert.deepEqual([put.outcome, put.replaced.length], ["replaced", 1]);
    assert.equal(await read("/d/a.txt"), operation);
  }
  assert.deepEqual(await names("/"), ["d"]);

  const { entries } = (await m.ask("GET", `${at}/trash`)).json;
  const old = entries.filter(({ path }: { path: string }) => path === "/d/a.txt");
  assert.equal(old.length, 2);
  const restore = async (id: string, on_conflict?: string) => {
    const { status, json } = await m.ask("POST", `${at}/trash/restore`, {
      json: { ids: [id], on_conflict },
    });
    return status === 200 ? json.items[0] : json.code;
  };
  const [second, first] = old;
  assert.equal(await restore(first.id), "already_exists");
  assert.equal((await restore(first.id, "skip")).outcome, "skipped");
  assert.equal((await restore(first.id, "rename")).path, "/d/a (2).txt");
  assert.equal(await read("/d/a (2).txt"), "old");
  const replaced = await restore(second.id, "replace");
  assert.deepEqual([replaced.path, replaced.replaced.length], ["/d/a.txt", 1]);
  assert.equal(await read("/d/a.txt"), "copy");
  // Of two items with one former name, the second does not move the first to
  // the trash.
  await m.ask("DELETE", `${at}/files/d/a.txt`);
  const ids = (await m.ask("GET", `${at}/trash`)).json.entries.map(({ id }: { id: string }) => id);
  assert.equal(ids.length, 2);
  const both = await m.ask("POST", `${at}/trash/restore`, {
    json: { ids, on_conflict: "replace" },
  });
  assert.deepEqual([both.status, both.json.code], [409, "already_exists"]);
});
