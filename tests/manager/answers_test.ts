/**
 * Cached answers are never older than the last change, and are given only to
 * clients with access.
 */

import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import { TestManager } from "./support.ts";

Deno.test("an answer is never older than the last change, by any client", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  const [{ fs_id }] = (await m.ask("GET", "/volumes")).json;
  const listed = async () =>
    (await m.ask("GET", `/volumes/${id}/list`)).json.entries
      .map(({ name, size }: { name: string; size: number }) => `${name} ${size}`);
  const size = async () => (await m.ask("GET", `/volumes/${id}/node?path=/x`)).json.size;
  await using fs = await AloeLite.open(`${m.root}/filesystems/${fs_id}.aloe`);
  await using mount = await fs.mount(id);
  for (let i = 0; i < 20; i++) {
    if (i % 2 === 0) await m.ask("PUT", `/volumes/${id}/files/x`, { body: "x".repeat(i) });
    else await mount.put("/x", "x".repeat(i));
    for (let again = 0; again < 2; again++) {
      assert.deepEqual(await listed(), [`x ${i}`]);
      assert.equal(await size(), i);
    }
    // Concurrent requests share one check of the file.
    const many = await Promise.all(Array.from({ length: 8 }, (_, n) => n % 2 ? size() : listed()));
    assert.deepEqual(many, Array.from({ length: 8 }, (_, n) => n % 2 ? i : [`x ${i}`]));
  }
  await mount.remove("/x");
  assert.equal((await m.ask("GET", `/volumes/${id}/node?path=/x`)).status, 404);
  assert.deepEqual(await listed(), []);
});

Deno.test("a cached answer equals the original, headers included", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  await m.ask("PUT", `/volumes/${id}/files/x`, { body: "x" });
  for (const path of [`/volumes/${id}/list`, `/volumes/${id}/node?path=/x`]) {
    const [first, second] = [await m.ask("GET", path), await m.ask("GET", path)];
    const headers = ({ headers }: typeof first) => [...headers].filter(([name]) => name !== "date");
    assert.deepEqual([first.status, first.text], [200, second.text]);
    assert.deepEqual(headers(first), headers(second));
    assert.equal(first.headers.get("x-content-type-options"), "nosniff");
    const head = await m.ask("HEAD", path);
    assert.deepEqual([head.status, head.text], [200, ""]);
  }
  const { text } = await m.ask("GET", "/metrics");
  for (const route of ["/volumes/:id/list", "/volumes/:id/node"]) {
    const line = `aloelite_http_requests_total{method="GET",route="${route}",status="200"} 2`;
    assert.ok(text.includes(line), route);
  }
});

Deno.test("no cached answer is given for a deleted volume", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("one");
  const [{ fs_id }] = (await m.ask("GET", "/volumes")).json;
  const other = await m.volume("other", { fs_id });
  for (const volume of [id, other]) {
    const path = `/volumes/${volume}/list`;
    assert.equal((await m.ask("GET", path)).status, 200);
    assert.equal((await m.ask("GET", path)).status, 200);
    assert.equal((await m.ask("DELETE", `/volumes/${volume}`)).status, 204);
    assert.equal((await m.ask("GET", path)).status, 404);
  }
});

Deno.test("a cached answer is given only to clients with access", async () => {
  await using m = await TestManager.start({ token: "a-given-token" });
  const headers = { authorization: "Bearer a-given-token" };
  const make = async (json: Record<string, unknown>): Promise<string> =>
    (await m.ask("POST", "/volumes", { headers, json })).json.id;
  const plain = `/volumes/${await make({ name: "plain" })}/list`;
  for (let i = 0; i < 2; i++) assert.equal((await m.ask("GET", plain, { headers })).status, 200);
  assert.equal((await m.ask("GET", plain)).status, 401);
  const foreign = { ...headers, "sec-fetch-site": "cross-site" };
  assert.equal((await m.ask("GET", plain, { headers: foreign })).status, 403);

  const id = await make({ name: "locked", encrypted: true, pin: "1" });
  const unlocked = await m.ask("POST", `/volumes/${id}/unlock`, { headers, json: { pin: "1" } });
  const cookie = unlocked.headers.get("set-cookie")!.split(";")[0];
  const session = { ...headers, cookie };
  const locked = `/volumes/${id}/list`;
  for (let i = 0; i < 2; i++) {
    assert.equal((await m.ask("GET", locked, { headers: session })).status, 200);
  }
  assert.equal((await m.ask("GET", locked, { headers })).status, 401);
});
