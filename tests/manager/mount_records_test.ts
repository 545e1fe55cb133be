/** Mount rows in a file: abandoned rows can be ended, and none is left over. */

import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import { mountTest } from "../fuse/support.ts";
import { TestManager } from "./support.ts";

/** Mounts a volume of a manager like another program that then dies. */
async function leave(m: TestManager, volume: string, options: { ttl?: number } = {}) {
  const { json } = await m.ask("GET", `/volumes/${volume}`);
  const fs = await AloeLite.open(`${m.root}/filesystems/${json.fs_id}.aloe`);
  const mount = await fs.mount(volume, { principal: "somebody", ...options });
  const { id } = mount;
  await fs.close();
  return id;
}

Deno.test("an abandoned mount without an expiry can be ended over HTTP", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  const other = await m.volume("b");
  const mount = await leave(m, id);
  const refused = await m.ask("DELETE", `/volumes/${id}`);
  assert.deepEqual([refused.status, refused.json.code], [409, "mount_conflict"]);
  assert.ok(refused.text.includes(mount), refused.text);
  const { json } = await m.ask("GET", `/volumes/${id}/mounts`);
  const seen = json.mounts.map((row: Record<string, unknown>) => [row.id, row.expires_at]);
  assert.deepEqual(seen, [[mount, null]]);
  for (const path of [`${other}/mounts/${mount}`, `${id}/mounts/${other}`, `${id}/mounts/x`]) {
    assert.equal((await m.ask("DELETE", `/volumes/${path}`)).status, 404, path);
  }
  assert.equal((await m.ask("DELETE", `/volumes/${id}/mounts/${mount}`)).status, 204);
  assert.equal((await m.ask("DELETE", `/volumes/${id}/mounts/${mount}`)).status, 404);
  assert.deepEqual((await m.ask("GET", `/volumes/${id}/mounts`)).json.mounts, []);
  assert.equal((await m.ask("DELETE", `/volumes/${id}`)).status, 204);
});

Deno.test("a mount with an expiry, or of the manager, is not ended this way", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  const mount = await leave(m, id, { ttl: 60_000 });
  const at = `/volumes/${id}/mounts/${mount}`;
  assert.equal((await m.ask("DELETE", at)).status, 409);
  assert.equal((await m.ask("DELETE", `${at}?force=2`)).status, 400);
  assert.equal((await m.ask("DELETE", `${at}?force=1`)).status, 204);
  await m.ask("POST", `/volumes/${id}/mount`, { json: { mode: "direct" } });
  const [own] = (await m.ask("GET", `/volumes/${id}/mounts`)).json.mounts;
  const refused = await m.ask("DELETE", `/volumes/${id}/mounts/${own.id}?force=1`);
  assert.equal(refused.status, 409);
  assert.equal((await m.ask("DELETE", `/volumes/${id}/mount`)).status, 204);
  assert.deepEqual((await m.ask("GET", `/volumes/${id}/mounts`)).json.mounts, []);
});

Deno.test("a failed direct mount leaves no row", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("vault", { encrypted: true, pin: "2468" });
  for (const json of [{ pin: "1" }, {}, { pin: "2468", persist: true }]) {
    const wish = { mode: "direct", ...json };
    assert.equal((await m.ask("POST", `/volumes/${id}/mount`, { json: wish })).status, 400);
  }
  assert.deepEqual((await m.ask("GET", `/volumes/${id}/mounts`)).json.mounts, []);
  assert.equal((await m.ask("DELETE", `/volumes/${id}`)).status, 204);
});

mountTest("a mount that is not ready in time leaves no row", async () => {
  for (const readyMs of [1, 300, 600, 900]) {
    await using m = await TestManager.start({ fuse: { readyMs } });
    const id = await m.volume("a");
    const { status } = await m.ask("POST", `/volumes/${id}/mount`, { json: {} });
    if (status === 200) break;
    assert.equal(status, 503);
    assert.deepEqual((await m.ask("GET", `/volumes/${id}/mounts`)).json.mounts, []);
    assert.equal((await m.ask("DELETE", `/volumes/${id}`)).status, 204, `${readyMs} ms`);
  }
});
