/**
 * The manager's core over HTTP: volumes, filesystems, direct mounts, sessions,
 * and restarts.
 */

import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import { addFilesystem, listFilesystems, openRegistry } from "../../src/registry/mod.ts";
import { isLocked } from "../storage/crash/support.ts";
import { type Answer, TestManager } from "./support.ts";

const NOBODY = "019ad2c4-5b1e-7000-8000-000000000000";

/** Asserts that an answer is a valid problem document. */
function problem({ status, headers, json, text }: Answer, wanted: number, code?: string): void {
  assert.equal(status, wanted, text);
  assert.equal(headers.get("content-type"), "application/problem+json");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.deepEqual(Object.keys(json).sort(), [
    "code",
    "detail",
    "error",
    "status",
    "title",
    "type",
  ]);
  assert.equal(json.status, wanted);
  assert.equal(json.error, json.detail);
  assert.ok(json.title.length > 0 && json.type.endsWith(json.code), text);
  if (code !== undefined) assert.equal(json.code, code, text);
}

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test("volumes are created, listed, renamed and deleted like the reference does", async () => {
  await using m = await TestManager.start();
  assert.deepEqual((await m.ask("GET", "/volumes")).json, []);
  const made = await m.ask("POST", "/volumes", { json: { name: "one" } });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.headers.get("content-type"), "application/json");
  const { id, fs_id } = made.json;
  assert.deepEqual(made.json, { encrypted: false, id, mounted: false, name: "one", fs_id });
  const row = {
    attached: false,
    auto_mount: false,
    encrypted: false,
    frontend: null,
    fs_id,
    id,
    mounted: false,
    mountpoint: null,
    name: "one",
  };
  assert.deepEqual((await m.ask("GET", "/volumes")).json, [row]);
  assert.deepEqual((await m.ask("GET", `/volumes/${id}`)).json, row);

  // A second volume in the same file, and an encrypted one.
  const second = await m.ask("POST", "/volumes", { json: { name: "two", fs_id } });
  assert.equal(second.json.fs_id, fs_id);
  const vault = await m.ask("POST", "/volumes", {
    json: { name: "vault", encrypted: true, pin: "2468" },
  });
  assert.equal(vault.json.encrypted, true, vault.text);
  assert.notEqual(vault.json.fs_id, fs_id);

  const renamed = await m.ask("PATCH", `/volumes/${id}`, { json: { name: "uno" } });
  assert.equal(renamed.status, 200, renamed.text);
  assert.deepEqual(renamed.json, { ...row, name: "uno" });

  const file = `${m.root}/filesystems/${fs_id}.aloe`;
  assert.equal((await m.ask("DELETE", `/volumes/${id}`)).status, 204);
  problem(await m.ask("GET", `/volumes/${id}`), 404, "not_found");
  problem(await m.ask("DELETE", `/volumes/${id}`), 404, "not_found");
  assert.ok(await exists(file), "another volume is in it");
  assert.equal((await m.ask("DELETE", `/volumes/${second.json.id}`)).status, 204);
  for (const suffix of ["", "-wal", "-shm"]) assert.ok(!await exists(`${file}${suffix}`), suffix);
  const left = (await m.ask("GET", "/filesystems")).json;
  assert.deepEqual(left.map(({ id }: { id: string }) => id), [vault.json.fs_id]);
});

Deno.test("an invalid volume is refused with the reason, and leaves nothing", async () => {
  await using m = await TestManager.start();
  const bad: [unknown, number, string][] = [
    [{}, 400, "invalid"],
    [{ name: "" }, 400, "invalid"],
    [{ name: 7 }, 400, "invalid"],
    [{ name: "n".repeat(256) }, 400, "invalid"],
    [{ name: "x", encrypted: "yes" }, 400, "invalid"],
    [{ name: "x", encrypted: true }, 400, "encryption_required"],
    [{ name: "x", encrypted: true, pin: "" }, 400, "invalid"],
    [{ name: "x", pin: "2468" }, 400, "invalid"],
    [{ name: "x", fs_id: "0".repeat(32) }, 404, "not_found"],
    [{ name: "x", fs_id: "../x" }, 404, "not_found"],
    [[], 400, "invalid"],
    [null, 400, "invalid"],
    ["name", 400, "invalid"],
  ];
  for (const [json, status, code] of bad) {
    problem(await m.ask("POST", "/volumes", { json }), status, code);
  }
  const type = { "content-type": "application/json" };
  for (const body of ["{", '{"name":"x"', "\xff", "", '{"name":"x"}}']) {
    problem(await m.ask("POST", "/volumes", { body, headers: type }), 400, "invalid");
  }
  problem(
    await m.ask("POST", "/volumes", { body: new Uint8Array([34, 255, 34]), headers: type }),
    400,
  );
  const plain = { "content-type": "text/plain" };
  const other = await m.ask("POST", "/volumes", { body: '{"name":"x"}', headers: plain });
  assert.ok([400, 415].includes(other.status), other.text);
  problem(await m.ask("POST", "/volumes"), 400);
  assert.deepEqual((await m.ask("GET", "/volumes")).json, []);
  assert.deepEqual([...Deno.readDirSync(`${m.root}/filesystems`)], []);
  for (const name of ["", "n".repeat(256)]) {
    problem(await m.ask("PATCH", `/volumes/${await m.volume("x")}`, { json: { name } }), 400);
  }
});

Deno.test("an unknown volume or filesystem is 404 everywhere", async () => {
  await using m = await TestManager.start();
  const pins = { old_pin: "1", new_pin: "2" };
  const of: [string, string, unknown?][] = [
    ["GET", ""],
    ["PATCH", "", { name: "x" }],
    ["DELETE", ""],
    ["POST", "/unlock", { pin: "1" }],
    ["DELETE", "/unlock"],
    ["POST", "/pin", pins],
    ["POST", "/mount", { mode: "direct" }],
    ["GET", "/mount"],
    ["DELETE", "/mount"],
    ["GET", "/mounts"],
    ["GET", "/stat"],
    ["POST", "/checkpoint"],
    ["GET", "/export"],
    ["GET", "/health"],
    ["GET", "/list"],
    ["GET", "/usage"],
    ["GET", "/trash"],
  ];
  for (const id of [NOBODY, "nobody", "..%2f..%2fetc", "%00", "'; --"]) {
    for (const [method, rest, json] of of) {
      const answer = await m.ask(method, `/volumes/${id}${rest}`, json ? { json } : {});
      problem(answer, 404, "not_found");
    }
  }
  for (const id of ["0".repeat(32), "..%2fmanager"]) {
    for (
      const [method, rest] of [["GET", ""], ["DELETE", ""], ["GET", "/export"], ["GET", "/health"]]
    ) {
      problem(await m.ask(method, `/filesystems/${id}${rest}`), 404, "not_found");
    }
    problem(await m.ask("PATCH", `/filesystems/${id}`, { json: { name: "x" } }), 404, "not_found");
    problem(await m.ask("POST", `/filesystems/${id}/prune`), 404, "not_found");
  }
});

Deno.test("unknown paths and unsupported methods have different errors", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("one");
  for (const path of ["/nothing", "/volumes/", `/volumes/${id}/nothing`, "/Volumes", "/%ff"]) {
    problem(await m.ask("GET", path), 404, "not_found");
  }
  const wrong: [string, string, string][] = [
    ["PUT", "/volumes", "GET, POST, HEAD"],
    ["POST", `/volumes/${id}`, "GET, PATCH, DELETE, HEAD"],
    ["GET", `/volumes/${id}/checkpoint`, "POST"],
    ["POST", "/metrics", "GET, HEAD"],
    ["DELETE", "/health", "GET, HEAD"],
  ];
  for (const [method, path, allow] of wrong) {
    const answer = await m.ask(method, path);
    problem(answer, 405, "method_not_allowed");
    assert.equal(answer.headers.get("allow"), allow, path);
  }
  const head = await m.ask("HEAD", "/volumes");
  assert.equal(head.status, 200);
  assert.equal(head.bytes.length, 0);
});

Deno.test("facts, checkpoints and exports of a volume equal the reference's", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("facts");
  assert.equal((await m.ask("PUT", `/volumes/${id}/files/x`, { body: "x" })).status, 201);
  const stat = (await m.ask("GET", `/volumes/${id}/stat`)).json;
  assert.deepEqual(Object.keys(stat).sort(), ["id", "mounted", "mtime", "name", "size_bytes"]);
  assert.ok(Math.abs(stat.mtime - Date.now() / 1000) < 60);
  assert.ok(Number.isInteger(stat.size_bytes) && stat.size_bytes > 0);
  const point = await m.ask("POST", `/volumes/${id}/checkpoint`);
  assert.equal(point.status, 200, point.text);
  assert.deepEqual(Object.keys(point.json).sort(), [
    "id",
    "wal_frames_checkpointed",
    "wal_frames_remaining",
  ]);
  assert.equal(point.json.wal_frames_remaining, 0);
  const head = await m.ask("HEAD", `/volumes/${id}/export`);
  assert.equal(head.status, 200);
  const whole = await m.ask("GET", `/volumes/${id}/export`);
  assert.equal(whole.headers.get("content-type"), "application/octet-stream");
  assert.match(whole.headers.get("content-disposition")!, /^attachment/);
  assert.equal(new TextDecoder().decode(whole.bytes.subarray(0, 15)), "SQLite format 3");
});

Deno.test("a volume is mounted directly once, and has to be unmounted before it is deleted", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("direct");
  const at = `/volumes/${id}/mount`;
  const off = {
    frontend: null,
    id,
    mounted: false,
    mountpoint: null,
    ready: false,
    host_path: null,
    auto_mount: false,
  };
  assert.deepEqual((await m.ask("GET", at)).json, off);
  problem(await m.ask("DELETE", at), 404, "not_mounted");
  for (
    const json of [{ mode: "nfs" }, { mode: "direct", persist: true }, { mode: "direct", pin: "1" }]
  ) {
    problem(await m.ask("POST", at, { json }), 400);
  }
  const mounted = await m.ask("POST", at, { json: { mode: "direct" } });
  assert.equal(mounted.status, 200, mounted.text);
  assert.deepEqual(mounted.json, { frontend: "direct", id });
  problem(await m.ask("POST", at, { json: { mode: "direct" } }), 409, "already_mounted");
  assert.deepEqual((await m.ask("GET", at)).json, {
    ...off,
    frontend: "direct",
    mounted: true,
    ready: true,
  });
  const [row] = (await m.ask("GET", "/volumes")).json;
  assert.deepEqual([row.attached, row.mounted, row.frontend], [true, true, "direct"]);
  const { mounts } = (await m.ask("GET", `/volumes/${id}/mounts`)).json;
  assert.ok(mounts.length >= 1);
  for (const record of mounts) {
    assert.ok(typeof record.principal === "string" && record.created_at.endsWith("Z"));
  }
  assert.equal((await m.ask("DELETE", at)).status, 204);
  assert.deepEqual((await m.ask("GET", at)).json, off);
  assert.equal((await m.ask("POST", at, { json: { mode: "direct" } })).status, 200);
  assert.equal((await m.ask("DELETE", `/volumes/${id}`)).status, 204);

  const vault = await m.volume("vault", { encrypted: true, pin: "2468" });
  const there = `/volumes/${vault}/mount`;
  problem(await m.ask("POST", there, { json: { mode: "direct" } }), 400, "encryption_required");
  problem(await m.ask("POST", there, { json: { mode: "direct", pin: "1" } }), 400, "bad_key");
  const open = await m.ask("POST", there, { json: { mode: "direct", pin: "2468" } });
  assert.equal(open.status, 200, open.text);
  // A mount opens the volume to no other client.
  problem(await m.ask("GET", `/volumes/${vault}/list`), 401, "encryption_required");
});

Deno.test("filesystems are listed with their volumes, renamed, and deleted completely", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("one");
  const [{ fs_id }] = (await m.ask("GET", "/volumes")).json;
  const two = await m.volume("two", { fs_id });
  const [row] = (await m.ask("GET", "/filesystems")).json;
  assert.deepEqual(Object.keys(row).sort(), [
    "created_at",
    "free_bytes",
    "id",
    "missing",
    "mtime",
    "name",
    "size_bytes",
    "volumes",
  ]);
  assert.deepEqual(row.volumes, [{ id, name: "one" }, { id: two, name: "two" }]);
  assert.equal(row.missing, false);
  const at = `/filesystems/${fs_id}`;
  assert.equal((await m.ask("PATCH", at, { json: { name: "box" } })).json.name, "box");
  problem(await m.ask("PATCH", at, { json: { name: "" } }), 400, "invalid");
  assert.equal((await m.ask("GET", at)).json.name, "box");
  const health = await m.ask("GET", `${at}/health`);
  assert.deepEqual(health.json, { ok: true, anomalies: [] });
  const pruned = await m.ask("POST", `${at}/prune`, { json: { vacuum: true } });
  assert.equal(pruned.status, 200, pruned.text);
  // Another process has the file open.
  {
    await using fs = await AloeLite.open(`${m.root}/filesystems/${fs_id}.aloe`);
    await using _mount = await fs.mount(id);
    problem(await m.ask("DELETE", at), 409, "mount_conflict");
    problem(await m.ask("DELETE", `/volumes/${id}`), 409, "mount_conflict");
  }
  assert.equal((await m.ask("DELETE", at)).status, 204);
  problem(await m.ask("GET", at), 404, "not_found");
  assert.deepEqual((await m.ask("GET", "/volumes")).json, []);
  assert.deepEqual([...Deno.readDirSync(`${m.root}/filesystems`)], []);

  await m.volume("lost");
  const [lost] = (await m.ask("GET", "/filesystems")).json;
  await Deno.remove(`${m.root}/filesystems/${lost.id}.aloe`);
  const [missing] = (await m.ask("GET", "/filesystems")).json;
  assert.deepEqual([missing.missing, missing.size_bytes, missing.mtime], [true, 0, null]);
  assert.equal((await m.ask("DELETE", `/filesystems/${lost.id}`)).status, 204);
  assert.deepEqual((await m.ask("GET", "/filesystems")).json, []);
});

Deno.test("a session unlocks a volume only for itself, until it is locked", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("vault", { encrypted: true, pin: "2468" });
  const other = await m.volume("other", { encrypted: true, pin: "1357" });
  const list = (volume: string, headers: Record<string, string>) =>
    m.ask("GET", `/volumes/${volume}/list`, { headers });
  problem(await m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: "0" } }), 400, "bad_key");
  problem(await m.ask("POST", `/volumes/${id}/unlock`, { json: {} }), 400, "invalid");
  const open = await m.volume("open");
  problem(await m.ask("POST", `/volumes/${open}/unlock`, { json: { pin: "2468" } }), 400);

  const before = Date.now();
  const unlocked = await m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: "2468" } });
  assert.equal(unlocked.status, 200, unlocked.text);
  assert.deepEqual(Object.keys(unlocked.json), ["expires_at"]);
  assert.ok(Date.parse(unlocked.json.expires_at) > before + 60_000);
  const cookie = unlocked.headers.get("set-cookie")!;
  const [, secret] = /^aloelite_session=([0-9a-f]{64});/.exec(cookie)!;
  assert.match(cookie, /HttpOnly/i);
  assert.match(cookie, /SameSite=Strict/i);
  const mine = { cookie: `aloelite_session=${secret}` };
  assert.equal((await list(id, mine)).status, 200);
  assert.equal((await list(id, { "aloelite-session": secret })).status, 200);
  problem(await list(id, {}), 401, "encryption_required");
  problem(await list(id, { "aloelite-session": "0".repeat(64) }), 401);
  problem(await list(id, { "aloelite-session": `${secret} ` + "x" }), 401);
  problem(await list(other, mine), 401, "encryption_required");

  // The session also unlocks another volume.
  const more = await m.ask("POST", `/volumes/${other}/unlock`, {
    json: { pin: "1357" },
    headers: mine,
  });
  const [, next] = /^aloelite_session=([0-9a-f]{64});/.exec(more.headers.get("set-cookie")!)!;
  // With a new secret: the previous one is worthless.
  assert.notEqual(next, secret);
  problem(await list(id, mine), 401, "encryption_required");
  mine.cookie = `aloelite_session=${next}`;
  for (const volume of [id, other]) assert.equal((await list(volume, mine)).status, 200);
  // An invented session is not accepted: it gets a new one.
  const wished = "ab".repeat(32);
  const fixed = await m.ask("POST", `/volumes/${id}/unlock`, {
    json: { pin: "2468" },
    headers: { "aloelite-session": wished },
  });
  assert.equal(fixed.headers.get("set-cookie")!.includes(wished), false);
  problem(await list(id, { "aloelite-session": wished }), 401);

  assert.equal((await m.ask("DELETE", `/volumes/${id}/unlock`, { headers: mine })).status, 204);
  problem(await list(id, mine), 401, "encryption_required");
  assert.equal((await list(other, mine)).status, 200);
  assert.equal((await m.ask("DELETE", `/volumes/${id}/unlock`)).status, 204);
});

Deno.test("an unused session ends", async () => {
  await using m = await TestManager.start({ limits: { sessionMs: 3000 } });
  const id = await m.volume("vault", { encrypted: true, pin: "2468" });
  const { headers } = await m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: "2468" } });
  const mine = { headers: { cookie: headers.get("set-cookie")!.split(";")[0] } };
  for (let i = 0; i < 8; i++) {
    await sleep(500);
    assert.equal((await m.ask("GET", `/volumes/${id}/list`, mine)).status, 200, "it is used");
  }
  await sleep(3500);
  problem(await m.ask("GET", `/volumes/${id}/list`, mine), 401, "encryption_required");
});

Deno.test("a new PIN locks the volume for all but the session that set it", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("vault", { encrypted: true, pin: "2468" });
  const session = async (pin: string) => {
    const { status, headers } = await m.ask("POST", `/volumes/${id}/unlock`, { json: { pin } });
    assert.equal(status, 200);
    return { cookie: headers.get("set-cookie")!.split(";")[0] };
  };
  const list = (headers: Record<string, string>) =>
    m.ask("GET", `/volumes/${id}/list`, { headers });
  const [one, two] = [await session("2468"), await session("2468")];
  const file = `/volumes/${id}/files/x`;
  assert.equal((await m.ask("PUT", file, { body: "x", headers: two })).status, 201);
  const wrong = { old_pin: "1", new_pin: "1357" };
  problem(await m.ask("POST", `/volumes/${id}/pin`, { json: wrong, headers: one }), 400, "bad_key");
  assert.equal((await list(two)).status, 200);
  const right = { old_pin: "2468", new_pin: "1357" };
  const changed = await m.ask("POST", `/volumes/${id}/pin`, { json: right, headers: one });
  assert.equal(changed.status, 204, changed.text);
  // The session that set it goes on under a new secret.
  const renewed = { cookie: changed.headers.get("set-cookie")!.split(";")[0] };
  assert.notEqual(renewed.cookie, one.cookie);
  assert.equal((await list(renewed)).status, 200);
  problem(await list(one), 401, "encryption_required");
  problem(await list(two), 401, "encryption_required");
  problem(await m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: "2468" } }), 400, "bad_key");
  assert.equal((await m.ask("GET", file, { headers: await session("1357") })).text, "x");
  const open = await m.volume("open");
  problem(await m.ask("POST", `/volumes/${open}/pin`, { json: right }), 400);
});

Deno.test("the next manager finishes or undoes the work of a killed one", async () => {
  const root = await Deno.makeTempDir({ prefix: "aloelite-manager-" });
  try {
    const ids = { made: "1", empty: "2", absent: "3", torn: "4", deleted: "5" };
    const idOf = (digit: string) => digit.repeat(32);
    await Deno.mkdir(`${root}/filesystems`);
    const pathOf = (digit: string) => `${root}/filesystems/${idOf(digit)}.aloe`;
    const registry = await openRegistry(`${root}/manager.db`);
    for (const digit of Object.values(ids)) {
      await addFilesystem(registry, {
        id: idOf(digit),
        fileName: `${idOf(digit)}.aloe`,
        name: digit,
        createdAt: BigInt(digit),
        state: digit === ids.deleted ? "deleting" : "creating",
      });
    }
    await registry.close();
    for (const digit of [ids.made, ids.deleted]) {
      await using fs = await AloeLite.open(pathOf(digit));
      await fs.createVolume({ name: "v" });
    }
    await (await AloeLite.open(pathOf(ids.empty))).close();
    await Deno.writeTextFile(pathOf(ids.torn), "SQLite format 3\0 and no more");
    {
      await using m = await TestManager.start({ root });
      const all = (await m.ask("GET", "/filesystems")).json;
      assert.deepEqual(all.map(({ id }: { id: string }) => id), [idOf(ids.made)]);
      assert.equal((await m.ask("GET", "/volumes")).json.length, 1);
    }
    const left = [...Deno.readDirSync(`${root}/filesystems`)].map(({ name }) => name)
      .filter((name) => name.endsWith(".aloe"));
    assert.deepEqual(left, [`${idOf(ids.made)}.aloe`]);
    const again = await openRegistry(`${root}/manager.db`);
    const records = await listFilesystems(again);
    await again.close();
    assert.deepEqual(records.map(({ state }) => state), ["ready"]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("after a restart volumes, names and PINs are kept, and sessions are not", async () => {
  const root = await Deno.makeTempDir({ prefix: "aloelite-manager-" });
  try {
    let id: string;
    let cookie: string;
    {
      await using m = await TestManager.start({ root });
      id = await m.volume("vault", { encrypted: true, pin: "2468" });
      const { headers } = await m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: "2468" } });
      cookie = headers.get("set-cookie")!.split(";")[0];
      await assert.rejects(TestManager.start({ root }), { code: "lock_held" });
    }
    await using m = await TestManager.start({ root });
    const [row] = (await m.ask("GET", "/volumes")).json;
    assert.deepEqual([row.id, row.name, row.encrypted], [id, "vault", true]);
    problem(await m.ask("GET", `/volumes/${id}/list`, { headers: { cookie } }), 401);
    assert.equal(
      (await m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: "2468" } })).status,
      200,
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("health, metrics and the description are served; metrics contain route patterns, not ids", async () => {
  await using m = await TestManager.start();
  const health = await m.ask("GET", "/health");
  assert.equal(health.status, 200, health.text);
  assert.ok(["ok", "degraded"].includes(health.json.status));
  for (const check of health.json.checks) {
    assert.deepEqual(Object.keys(check).sort(), ["detail", "fatal", "name", "ok", "remedy"]);
  }
  const name = "a-name-that-is-nobodys-business";
  const id = await m.volume(name, { encrypted: true, pin: "2468" });
  const [{ fs_id }] = (await m.ask("GET", "/volumes")).json;
  const paths = [
    `/volumes/${id}`,
    `/volumes/${id}/mount`,
    `/volumes/${id}/files/deep/${name}`,
    `/volumes/${id}/list?path=/${name}`,
    `/volumes/${NOBODY}`,
    `/filesystems/${fs_id}`,
    `/nowhere/${name}`,
    "/assets/none.js",
  ];
  for (const path of paths) await m.ask("GET", path);
  await m.ask("POST", `/volumes/${id}`);
  await m.ask("GET", "/volumes", {
    headers: { origin: "http://x", "sec-fetch-site": "cross-site" },
  });
  const { headers, text } = await m.ask("GET", "/metrics");
  assert.match(headers.get("content-type")!, /^text\/plain/);
  for (const secret of [id, fs_id, name, NOBODY, "2468", "127.0.0.1"]) {
    assert.equal(text.includes(secret), false, secret);
  }
  const routes = new Set([...text.matchAll(/route="([^"]*)"/g)].map(([, route]) => route));
  const { paths: described } = (await m.ask("GET", "/openapi.json")).json;
  const patterns = new Set(
    Object.keys(described).map((path) =>
      path.replace(/\{path\}$/, "*").replace(/\{(\w+)\}/g, ":$1")
    ),
  );
  // The page's own routes are not part of the API.
  patterns.add("/assets/*").add("none");
  for (const route of routes) assert.ok(patterns.has(route), route);
  assert.match(text, /requests_total\{method="GET",route="\/volumes\/:id",status="404"\} 1\n/);
  assert.match(
    text,
    /requests_total\{method="GET",route="\/volumes\/:id\/list",status="401"\} 1\n/,
  );
  assert.match(text, /requests_total\{method="GET",route="none",status="403"\} 1\n/);
  assert.match(text, /aloelite_http_requests_running 1\n/);
});

Deno.test({
  name: "listing filesystems keeps the manager's locks on their files",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using m = await TestManager.start();
    const id = await m.volume("main");
    const [{ id: fsId }] = (await m.ask("GET", "/filesystems")).json;
    const file = `${m.root}/filesystems/${fsId}.aloe`;
    assert.equal((await m.ask("PUT", `/volumes/${id}/files/a`, { body: "1" })).status, 201);
    assert.ok(isLocked(file));
    assert.ok((await m.ask("GET", `/filesystems/${fsId}`)).json.free_bytes >= 0);
    assert.equal((await m.ask("GET", "/filesystems")).json.length, 1);
    assert.ok(isLocked(file));
  },
});
