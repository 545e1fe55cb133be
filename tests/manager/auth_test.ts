/** Access control: the token, logins, other sites, and guesses. */

import assert from "node:assert/strict";
import { raw } from "./raw.ts";
import { request, TestManager } from "./support.ts";

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

/** Returns the value of a metric. */
function counted(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)![1]);
}

/** Returns all files below a folder as one text. */
async function allBytes(folder: string): Promise<string> {
  const parts: string[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) parts.push(await allBytes(path));
    if (isFile) parts.push(new TextDecoder("latin1").decode(await Deno.readFile(path)));
  }
  return parts.join("\n");
}

Deno.test("on loopback no token is required, and other clients are refused", async () => {
  await using m = await TestManager.start();
  assert.equal(m.manager.newToken, null);
  assert.equal((await m.ask("GET", "/volumes")).status, 200);
  const far = { transport: "tcp" as const, hostname: "192.0.2.7", port: 4000 };
  for (const name of ["forwarded", "x-forwarded-for"]) {
    const headers = { [name]: "for=192.0.2.1" };
    assert.equal((await m.ask("GET", "/volumes", { headers })).status, 403, name);
  }
  const answer = await m.manager.fetch(new Request(`${m.url}/volumes`), { remoteAddr: far });
  assert.equal(answer.status, 403);
  assert.equal((await answer.json()).code, "forbidden");
});

Deno.test("beyond loopback a token is created, shown once, and stored as its hash", async () => {
  const root = await Deno.makeTempDir({ prefix: "aloelite-manager-" });
  try {
    let token: string;
    {
      await using m = await TestManager.start({ root, host: "0.0.0.0" });
      token = m.manager.newToken!;
      assert.match(token, /^[0-9a-f]{64}$/);
      const bare = await m.ask("GET", "/volumes");
      assert.equal(bare.status, 401);
      assert.equal(bare.json.code, "unauthorized");
      assert.match(bare.headers.get("www-authenticate")!, /^Bearer/);
      assert.equal((await m.ask("GET", "/volumes", bearer(token))).status, 200);
      assert.equal((await m.ask("GET", "/volumes", bearer(`${token}0`))).status, 401);
      for (const text of [token, `Basic ${token}`, "Bearer", `Bearer ${token} ${token}`]) {
        const headers = { authorization: text };
        assert.equal((await m.ask("GET", "/volumes", { headers })).status, 401, text.slice(0, 12));
      }
      assert.equal(m.log.join("\n").includes(token), false);
    }
    {
      await using m = await TestManager.start({ root, host: "0.0.0.0" });
      assert.equal(m.manager.newToken, null);
      assert.equal((await m.ask("GET", "/volumes", bearer(token))).status, 200);
    }
    {
      await using m = await TestManager.start({ root, host: "0.0.0.0", newToken: true });
      assert.notEqual(m.manager.newToken, token);
      assert.equal((await m.ask("GET", "/volumes", bearer(token))).status, 401);
      assert.equal((await m.ask("GET", "/volumes", bearer(m.manager.newToken!))).status, 200);
    }
    assert.equal((await allBytes(root)).includes(token), false);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("without the token there is the page, the login, and a short health answer", async () => {
  await using m = await TestManager.start({ token: "a given token" });
  const health = await m.ask("GET", "/health");
  assert.deepEqual(Object.keys(health.json), ["status"]);
  assert.notEqual((await m.ask("GET", "/")).status, 401);
  assert.notEqual((await m.ask("GET", "/assets/x.js")).status, 401);
  const closed = [
    ["GET", "/volumes"],
    ["GET", "/metrics"],
    ["GET", "/openapi.json"],
    ["GET", "/docs"],
    ["GET", "/events"],
    ["POST", "/health"],
    ["GET", "/login"],
    ["GET", "/nothing"],
    ["GET", "/assets/..%2f..%2fvolumes"],
    ["OPTIONS", "/volumes/x/uploads"],
    ["GET", "//volumes"],
  ];
  for (const [method, path] of closed) {
    assert.equal((await m.ask(method, path)).status, 401, path);
  }
  for (const line of ["GET /assets/../volumes HTTP/1.1", "GET /health/../volumes HTTP/1.1"]) {
    const { status, text } = await raw(m.url, [line]);
    assert.ok(status === 401 || status === 404, `${line}: ${status}`);
    assert.equal(text.includes("fs_id"), false);
  }
  const known = { headers: { authorization: "Bearer a" } };
  assert.equal((await m.ask("GET", "/volumes", known)).status, 401);
});

Deno.test("a browser logs in for a cookie that is not the token, and logs out", async () => {
  await using m = await TestManager.start({ token: "s3cret-and-long-token" });
  const wrong = await m.ask("POST", "/login", { json: { token: "x" } });
  assert.equal(wrong.status, 401);
  assert.equal(wrong.headers.get("set-cookie"), null);
  for (const json of [{}, { token: "" }, { token: 5 }, []]) {
    assert.equal((await m.ask("POST", "/login", { json })).status, 400);
  }
  const right = await m.ask("POST", "/login", { json: { token: "s3cret-and-long-token" } });
  assert.equal(right.status, 204, right.text);
  const set = right.headers.get("set-cookie")!;
  assert.match(set, /HttpOnly/i);
  assert.match(set, /SameSite=Strict/i);
  assert.equal(set.includes("s3cret"), false);
  const headers = { cookie: set.split(";")[0] };
  assert.equal((await m.ask("GET", "/volumes", { headers })).status, 200);
  assert.ok((await m.ask("GET", "/health", { headers })).json.checks.length > 0);
  const proxied = { ...headers, authorization: "Basic eDp5" };
  assert.equal((await m.ask("GET", "/volumes", { headers: proxied })).status, 200);
  const forged = { cookie: `aloelite_login=${"0".repeat(64)}` };
  assert.equal((await m.ask("GET", "/volumes", { headers: forged })).status, 401);
  // A login cookie unlocks no volume.
  const id = (await m.ask("POST", "/volumes", {
    json: { name: "vault", encrypted: true, pin: "2468" },
    headers,
  })).json.id;
  assert.equal((await m.ask("GET", `/volumes/${id}/list`, { headers })).status, 401);
  const out = await m.ask("DELETE", "/login", { headers });
  assert.equal(out.status, 204);
  assert.match(out.headers.get("set-cookie")!, /aloelite_login=;/);
  assert.equal((await m.ask("GET", "/volumes", { headers })).status, 401);
});

Deno.test("a client that guesses tokens has to wait, in parallel too; a login still works", async () => {
  await using m = await TestManager.start({ token: "the-right-one", limits: { pinGuesses: 3 } });
  const login = await m.ask("POST", "/login", { json: { token: "the-right-one" } });
  const headers = { cookie: login.headers.get("set-cookie")!.split(";")[0] };
  const tries = await Promise.all(
    Array.from({ length: 12 }, (_, i) => m.ask("GET", "/volumes", bearer(`guess${i}`))),
  );
  const statuses = tries.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [...Array(3).fill(401), ...Array(9).fill(429)]);
  const slow = tries.find(({ status }) => status === 429)!;
  assert.equal(slow.json.code, "rate_limited");
  assert.ok(Number(slow.headers.get("retry-after")) >= 1);
  // The right token has to wait too; otherwise the wait would reveal which one
  // is right.
  assert.equal((await m.ask("GET", "/volumes", bearer("the-right-one"))).status, 429);
  assert.equal((await m.ask("POST", "/login", { json: { token: "the-right-one" } })).status, 429);
  assert.equal((await m.ask("GET", "/volumes", { headers })).status, 200);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.equal((await m.ask("GET", "/volumes", bearer("the-right-one"))).status, 200);
  assert.equal((await m.ask("GET", "/volumes", bearer("guess"))).status, 401);
});

Deno.test("an unknown Host, and requests of other sites, are refused", async () => {
  await using m = await TestManager.start({ allowedHosts: ["box.example"] });
  const { port } = new URL(m.url);
  const get = (...lines: string[]) => raw(m.url, ["GET /volumes HTTP/1.1", ...lines]);
  for (
    const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "10.0.0.1"]
  ) {
    const { status, text } = await get(`Host: ${host}`);
    assert.equal(status, 421, host);
    assert.match(text, /"code":"forbidden"/);
  }
  for (const host of ["", "a b", "127.0.0.1:x", "localhost:80@evil.example"]) {
    const { status } = await get(`Host: ${host}`);
    assert.ok(status === 421 || status === 400, `${host}: ${status}`);
  }
  const ours = ["localhost", `LOCALHOST:${port}`, "127.0.0.1", "[::1]:80", "box.example:443"];
  for (const host of ours) assert.equal((await get(`Host: ${host}`)).status, 200, host);

  const own = `Origin: ${m.url}`;
  const post = (...lines: string[]) =>
    raw(m.url, [
      "POST /volumes HTTP/1.1",
      "Content-Type: application/json",
      "Content-Length: 12",
      ...lines,
    ], [{ bytes: '{"name":"x"}' }]);
  const foreign = [
    ["Origin: http://evil.example"],
    ["Origin: null"],
    ["Origin: http://127.0.0.1:1"],
    ["Origin: http://localhost"],
    ["Origin: file://"],
    ["Sec-Fetch-Site: cross-site"],
    ["Sec-Fetch-Site: same-site"],
    [own, "Sec-Fetch-Site: cross-site"],
    ["Origin: http://evil.example", "Sec-Fetch-Site: same-origin"],
  ];
  for (const lines of foreign) assert.equal((await post(...lines)).status, 403, lines.join());
  assert.equal((await get()).text.includes('"name":"x"'), false);
  for (const lines of [[], [own], [own, "Sec-Fetch-Site: same-origin"], ["Sec-Fetch-Site: none"]]) {
    assert.equal((await post(...lines)).status, 201, lines.join());
  }
  // Behind a proxy that sets its own Host, by an allowed name.
  assert.equal((await post("Origin: https://box.example")).status, 201);

  assert.equal((await get("Sec-Fetch-Site: cross-site")).status, 403);
  assert.equal((await get("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors")).status, 403);
  const visit = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"];
  const page = (...lines: string[]) => raw(m.url, ["GET / HTTP/1.1", ...lines]);
  assert.notEqual((await page(...visit, "Sec-Fetch-Dest: document")).status, 403);
  assert.equal((await page(...visit, "Sec-Fetch-Dest: iframe")).status, 403);
  assert.equal((await get(...visit, "Sec-Fetch-Dest: document")).status, 403);
  assert.equal((await get("Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate")).status, 200);
});

Deno.test("no PIN and no token is written to a file or the log", async () => {
  const root = await Deno.makeTempDir({ prefix: "aloelite-manager-" });
  const [token, pin, next] = ["token-4711-nobody", "pin-7391-nobody", "pin-8402-nobody"];
  try {
    const m = await TestManager.start({ root, token });
    const ask = (method: string, path: string, json?: unknown) =>
      m.ask(method, path, { ...bearer(token), ...(json === undefined ? {} : { json }) });
    const { id } = (await ask("POST", "/volumes", { name: "v", encrypted: true, pin })).json;
    const at = `/volumes/${id}`;
    const answers = [
      await ask("POST", `${at}/unlock`, { pin: `${pin}!` }),
      await ask("POST", `${at}/unlock`, { pin }),
      await ask("POST", `${at}/mount`, { mode: "direct", pin }),
      await ask("DELETE", `${at}/mount`),
      await ask("POST", `${at}/mount`, { mode: "fuse", persist: true, pin }),
      await ask("POST", `${at}/mount`, { mode: "direct", pin, pin_file: 5 }),
      await ask("POST", `${at}/pin`, { old_pin: pin, new_pin: next }),
      await ask("POST", "/volumes", { name: "v", pin }),
      await m.ask("POST", "/login", { json: { token } }),
      await m.ask("POST", "/login", { json: { token: `${token}!` } }),
      await ask("GET", "/metrics"),
      await ask("GET", "/health"),
      await ask("GET", "/nothing"),
    ];
    assert.equal(answers[1].status, 200);
    const running = await allBytes(root);
    await m.stop();
    const said = answers.map(({ text, headers }) => text + JSON.stringify([...headers])).join("\n");
    const places = { running, stopped: await allBytes(root), log: m.log.join("\n"), said };
    for (const [place, text] of Object.entries(places)) {
      for (const secret of [token, pin, next]) {
        assert.equal(text.includes(secret), false, `${secret} in ${place}`);
      }
    }
    assert.ok(places.stopped.length > 10_000, "there were files to look at");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("wrong PINs are counted by client and volume, across routes", async () => {
  await using m = await TestManager.start({ limits: { pinGuesses: 3 } });
  const id = await m.volume("vault", { encrypted: true, pin: "2468" });
  const other = await m.volume("other", { encrypted: true, pin: "2468" });
  const routes: [string, unknown][] = [
    ["unlock", { pin: "0" }],
    ["mount", { mode: "direct", pin: "0" }],
    ["pin", { old_pin: "0", new_pin: "1" }],
  ];
  for (const [route, json] of routes) {
    const { status, json: { code } } = await m.ask("POST", `/volumes/${id}/${route}`, { json });
    assert.deepEqual([status, code], [400, "bad_key"], route);
  }
  // The pause is one second.
  const wrongSince = performance.now();
  for (const [route, json] of routes) {
    const { status, json: body, headers } = await m.ask("POST", `/volumes/${id}/${route}`, {
      json,
    });
    assert.deepEqual([status, body.code], [429, "rate_limited"], route);
    assert.ok(Number(headers.get("retry-after")) >= 1);
  }
  const unlock = (volume: string, pin = "2468") =>
    m.ask("POST", `/volumes/${volume}/unlock`, { json: { pin } });
  assert.equal((await unlock(other)).status, 200, "another volume");
  if (Deno.build.os === "linux") {
    using client = Deno.createHttpClient({ localAddress: "127.0.0.2" });
    const elsewhere = await fetch(`${m.url}/volumes/${id}/unlock`, {
      method: "POST",
      client,
      headers: { "content-type": "application/json" },
      body: '{"pin":"2468"}',
    });
    await elsewhere.body?.cancel();
    assert.equal(elsewhere.status, 200, "another client");
  }
  if (performance.now() - wrongSince < 900) {
    assert.equal((await unlock(id)).status, 429, "what another knows does not help this one");
  }
  // A refused attempt does not count; only checked ones do.
  assert.equal(counted((await m.ask("GET", "/metrics")).text, "aloelite_wrong_pins_total"), 3);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  assert.equal((await unlock(id)).status, 200);
  for (let i = 0; i < 2; i++) assert.equal((await unlock(id, "0")).status, 400);
  assert.equal((await unlock(id)).status, 200, "the-right-one begins anew");
  for (let i = 0; i < 2; i++) assert.equal((await unlock(id, "0")).status, 400);
  assert.equal((await unlock(id)).status, 200);
});

Deno.test("parallel guesses count as if each were wrong; the pause grows", async () => {
  await using m = await TestManager.start({ limits: { pinGuesses: 2 } });
  const id = await m.volume("vault", { encrypted: true, pin: "2468" });
  const guess = (pin: string) =>
    request("POST", `${m.url}/volumes/${id}/unlock`, { json: { pin } });
  const all = await Promise.all(Array.from({ length: 10 }, (_, i) => guess(`${i}`)));
  const looked = all.filter(({ status }) => status === 400).length;
  assert.ok(looked <= 2, `${looked} were looked at`);
  assert.equal(all.filter(({ status }) => status === 429).length, 10 - looked);
  let longest = 0;
  for (let i = 0; i < 2; i++) {
    const { status, headers } = await guess("x");
    const wait = Number(headers.get("retry-after") ?? 0);
    if (status === 429) await new Promise((resolve) => setTimeout(resolve, wait * 1000 + 50));
    await guess("x");
    longest = Math.max(longest, Number((await guess("x")).headers.get("retry-after")));
  }
  assert.ok(longest >= 2, `${longest} s`);
});
