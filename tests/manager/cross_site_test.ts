/**
 * Requests caused by another origin: another site, scheme, or port of this
 * host.
 */

import assert from "node:assert/strict";
import { raw } from "./raw.ts";
import { TestManager } from "./support.ts";

const TOKEN = "the-token-of-this-test";

interface Client {
  /** Creates a volume. @returns The status. */
  post(...lines: string[]): Promise<number>;
  cookie: string;
  port: string;
}

/** A manager called `nas.local`, and a browser that has logged in. */
async function client(m: TestManager): Promise<Client> {
  const { headers } = await m.ask("POST", "/login", { json: { token: TOKEN } });
  const cookie = `Cookie: ${headers.get("set-cookie")!.split(";")[0]}`;
  const post = async (...lines: string[]) => {
    const answer = await raw(m.url, [
      "POST /volumes HTTP/1.1",
      "Content-Type: application/json",
      "Content-Length: 12",
      ...lines,
    ], [{ bytes: '{"name":"x"}' }]);
    if (answer.status >= 400) assert.match(answer.text, /"code":"(forbidden|unauthorized)"/);
    return answer.status;
  };
  return { post, cookie, port: new URL(m.url).port };
}

Deno.test("an origin is scheme, host and port", async () => {
  await using m = await TestManager.start({ token: TOKEN, allowedHosts: ["nas.local"] });
  const { post, cookie, port } = await client(m);
  const host = `Host: nas.local:${port}`;
  const ask = (...lines: string[]) => post(host, cookie, ...lines);
  assert.equal(await ask(`Origin: http://nas.local:${port}`), 201);
  assert.equal(await ask(`Origin: HTTP://NAS.local:${port}`), 201);
  const foreign = [
    "http://nas.local:3099",
    "http://nas.local",
    "https://nas.local",
    `https://nas.local:${port}`,
    `http://nas.local:${port}0`,
    `http://127.0.0.1:${port}`,
    `http://localhost:${port}`,
    `http://nas.local:${port}@evil.example`,
    `http://evil.example/nas.local:${port}`,
    `http://x.nas.local:${port}`,
    "null",
    "",
    "file://",
  ];
  for (const origin of foreign) {
    assert.equal(await ask(`Origin: ${origin}`), 403, origin);
    assert.equal(await ask(`Origin: ${origin}`, "X-Requested-With: x"), 403, origin);
    // A request that authenticates itself needs no proof, but no page of
    // another origin can send one.
    assert.equal(await post(host, `Authorization: Bearer ${TOKEN}`, `Origin: ${origin}`), 403);
  }
  assert.equal(await ask(`Origin: http://nas.local:3099`, "Sec-Fetch-Site: same-origin"), 403);
  assert.equal(await ask(`Origin: http://nas.local:${port}`, "Sec-Fetch-Site: same-site"), 403);
});

Deno.test("a change by a cookie needs a proof that it comes from the page", async () => {
  await using m = await TestManager.start({ token: TOKEN });
  const { post, cookie } = await client(m);
  assert.equal(await post(cookie), 403);
  assert.equal(await post(cookie, "Sec-Fetch-Site: none"), 403);
  assert.equal(await post(cookie, "Authorization: Basic eDp5"), 403);
  assert.equal(await post(cookie, "Sec-Fetch-Site: same-origin"), 201);
  assert.equal(await post(cookie, `Origin: ${m.url}`), 201);
  assert.equal(await post(cookie, "X-Requested-With: script"), 201);
  assert.equal(await post(`Authorization: Bearer ${TOKEN}`), 201);
  assert.equal(await post(cookie, `Authorization: Bearer ${TOKEN}`), 201);
  // A read changes nothing.
  const list = ["GET /volumes HTTP/1.1", cookie];
  assert.equal((await raw(m.url, list)).status, 200);
  for (const origin of ["http://evil.example", "null", "http://127.0.0.1:1"]) {
    const { status, headers } = await raw(m.url, [...list, `Origin: ${origin}`]);
    assert.deepEqual([status, headers.get("access-control-allow-origin")], [403, null], origin);
    const events = ["GET /events HTTP/1.1", cookie, `Origin: ${origin}`];
    assert.equal((await raw(m.url, events)).status, 403);
  }
  const methods = ["DELETE", "PUT", "PATCH"];
  for (const method of methods) {
    const line = `${method} /volumes/x/files/y HTTP/1.1`;
    assert.equal((await raw(m.url, [line, cookie, "Content-Length: 0"])).status, 403, method);
  }
});

Deno.test("this holds for the cookie of an unlocked volume too", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("vault", { encrypted: true, pin: "2468" });
  const { headers } = await m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: "2468" } });
  const secret = headers.get("set-cookie")!.split(";")[0].split("=")[1];
  const put = async (...lines: string[]) =>
    (await raw(m.url, [`PUT /volumes/${id}/files/x HTTP/1.1`, "Content-Length: 1", ...lines], [
      { bytes: "x" },
    ])).status;
  const cookie = `Cookie: aloelite_session=${secret}`;
  assert.equal(await put(cookie), 403);
  assert.equal(await put(cookie, "Origin: http://127.0.0.1:1"), 403);
  assert.equal(await put(cookie, `Origin: ${m.url}`), 201);
  assert.equal(await put(`Aloelite-Session: ${secret}`), 200);
});

Deno.test("behind a proxy the origin is the proxy's", async () => {
  const named = ["https://files.example:8443", "nas.local"];
  await using m = await TestManager.start({ token: TOKEN, allowedHosts: named });
  const { post, cookie, port } = await client(m);
  const own = `Host: nas.local:${port}`;
  const said = ["X-Forwarded-Proto: https", "X-Forwarded-Host: files.example:8443"];
  // An origin that the operator has allowed.
  for (const host of ["files.example:8443", "files.example", `127.0.0.1:${port}`]) {
    const ask = (origin: string) => post(`Host: ${host}`, cookie, `Origin: ${origin}`);
    assert.equal(await ask("https://files.example:8443"), 201, host);
    assert.equal(await ask("http://files.example:9443"), 403, host);
    assert.equal(await ask("https://files.example:9443"), 403, host);
    assert.equal(await ask("https://x.files.example:8443"), 403, host);
  }
  // TLS ends at the proxy, and the browser has compared the origins.
  const same = "Sec-Fetch-Site: same-origin";
  assert.equal(await post("Host: nas.local", cookie, "Origin: https://nas.local", same), 201);
  assert.equal(await post("Host: nas.local", cookie, "Origin: https://nas.local"), 403);
  // Forwarding headers are believed only of named proxies.
  const elsewhere = "Origin: https://nas.local";
  assert.equal(await post(own, cookie, elsewhere, "X-Forwarded-Proto: https"), 403);
  assert.equal(await post(own, cookie, elsewhere, ...said), 403);
});

Deno.test("a proxy that the operator has named reports scheme, host and client", async () => {
  await using m = await TestManager.start({
    token: TOKEN,
    allowedHosts: ["nas.local"],
    trustedProxies: ["127.0.0.1"],
    limits: { pinGuesses: 2 },
  });
  const { post, cookie, port } = await client(m);
  const ask = (origin: string, ...said: string[]) =>
    post(`Host: 127.0.0.1:${port}`, cookie, `Origin: ${origin}`, ...said);
  const [proto, host] = ["X-Forwarded-Proto: https", "X-Forwarded-Host: nas.local:8443"];
  assert.equal(await ask("https://nas.local:8443", proto, host), 201);
  assert.equal(await ask("http://nas.local:8443", proto, host), 403);
  assert.equal(await ask("https://nas.local:9443", proto, host), 403);
  assert.equal(await ask("https://evil.example", proto, "X-Forwarded-Host: evil.example"), 421);
  assert.equal(await ask("https://evil.example", proto, host), 403);
  // Guesses are counted by the reported client, not by the proxy.
  const guess = async (address: string) =>
    (await raw(m.url, [
      "GET /volumes HTTP/1.1",
      "Authorization: Bearer wrong",
      `X-Forwarded-For: 198.51.100.1, ${address}`,
    ])).status;
  assert.deepEqual([await guess("192.0.2.1"), await guess("192.0.2.1")], [401, 401]);
  assert.equal(await guess("192.0.2.1"), 429);
  assert.equal(await guess("192.0.2.2"), 401);
  assert.ok(m.log.some((line) => line === "wrong token from 192.0.2.2"), m.log.join("\n"));
});

Deno.test("names are compared as browsers write them", async () => {
  const allowedHosts = [
    "Müller.local",
    "nas.local:8080",
    "fd00:0:0::1",
    "https://Bücher.example:8443",
    "dotted.local.",
  ];
  await using m = await TestManager.start({ token: TOKEN, allowedHosts });
  const { post, cookie, port } = await client(m);
  const ours: [host: string, origin: string][] = [
    [`xn--mller-kva.local:${port}`, `http://xn--mller-kva.local:${port}`],
    [`XN--mller-kva.LOCAL:${port}`, `http://xn--mller-kva.local:${port}`],
    [`nas.local:${port}`, `http://nas.local:${port}`],
    [`nas.local.:${port}`, `http://nas.local.:${port}`],
    [`NAS.local.:${port}`, `http://nas.local:${port}`],
    [`dotted.local:${port}`, `http://dotted.local:${port}`],
    ["nas.local", "http://nas.local:80"],
    ["nas.local:80", "http://nas.local"],
    [`[fd00::1]:${port}`, `http://[fd00::1]:${port}`],
    [`[FD00:0:0:0::1]:${port}`, `http://[fd00::1]:${port}`],
    [`[0:0:0:0:0:0:0:1]:${port}`, `http://[::1]:${port}`],
    [`localhost.:${port}`, `http://localhost:${port}`],
    [`127.0.0.1:${port}`, "https://xn--bcher-kva.example:8443"],
  ];
  for (const [host, origin] of ours) {
    assert.equal(await post(`Host: ${host}`, cookie, `Origin: ${origin}`), 201, host);
  }
  const foreign: [host: string, origin: string][] = [
    [`xn--mller-kva.local:${port}`, `http://xn--mller-kva.local:${port}1`],
    [`nas.local:${port}`, `http://nas.local..:${port}`],
    [`nas.local:${port}`, `https://nas.local:${port}`],
    [`[fd00::1]:${port}`, `http://[fd00::2]:${port}`],
    [`127.0.0.1:${port}`, `http://[::ffff:127.0.0.1]:${port}`],
    [`127.0.0.1:${port}`, `http://0x7f000001:${port}`],
    [`127.0.0.1:${port}`, "https://xn--bcher-kva.example"],
    [`127.0.0.1:${port}`, `http://user@127.0.0.1:${port}`],
    [`127.0.0.1:${port}`, `http://127.0.0.1:${port}, http://evil.example`],
  ];
  for (const [host, origin] of foreign) {
    assert.equal(await post(`Host: ${host}`, cookie, `Origin: ${origin}`), 403, origin);
  }
  const others = ["nas.local.evil.example", "nas.local..", "xn--mller-kva.local@evil", "[fd00::2]"];
  for (const host of others) {
    assert.equal(await post(`Host: ${host}`, cookie, `Origin: http://${host}`), 421, host);
  }
});

Deno.test("what is no name of a host is not allowed as one", async () => {
  for (const name of ["https://files.example/path", "a b", "http://", "x/y", ""]) {
    const started = TestManager.start({ allowedHosts: [name] });
    await assert.rejects(started, { code: "invalid" }, name);
  }
});

Deno.test("where a browser tells the page alone (Referer), that is its origin", async () => {
  for (const token of [undefined, TOKEN]) {
    await using m = await TestManager.start(token === undefined ? {} : { token });
    const { post, cookie, port } = await client(m);
    const own = token === undefined ? [] : [cookie];
    for (
      const referer of [
        "http://evil.example/page",
        `http://127.0.0.1:${port}0/page`,
        `https://127.0.0.1:${port}/`,
        `http://127.0.0.1:${port}@evil.example/`,
        "about:blank",
        "android-app://com.example",
        "file:///home/x.html",
        "data:text/html,x",
      ]
    ) {
      assert.equal(await post(...own, `Referer: ${referer}`), 403, referer);
    }
    assert.equal(await post(...own, `Referer: ${m.url}/`), 201);
    assert.equal(await post(...own, `Referer: ${m.url}`), 201);
    assert.equal(await post(...own, `Referer: ${m.url}/x?y=http://evil.example/#z`), 201);
    // Origin is what counts where there is one.
    const both = [...own, `Referer: ${m.url}/`, "Origin: http://evil.example"];
    assert.equal(await post(...both), 403);
    assert.equal(await post(...own, "Origin: null", `Referer: ${m.url}/`), 403);
  }
});

Deno.test("no form of another page makes a change, whatever type it has", async () => {
  await using m = await TestManager.start({ allowedHosts: ["nas.local"] });
  const volume = await m.volume("v");
  const { port } = new URL(m.url);
  const types = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "application/json",
    "application/octet-stream",
  ];
  const places = [
    "POST /volumes",
    `POST /volumes/${volume}/mount`,
    `POST /volumes/${volume}/files?path=/`,
    `POST /volumes/${volume}/tasks`,
    `POST /volumes/${volume}/uploads`,
    `POST /volumes/${volume}/unlock`,
    "POST /filesystems",
    "POST /login",
    "DELETE /login",
    `DELETE /volumes/${volume}`,
  ];
  const body = '{"name":"x"}';
  for (const place of places) {
    for (const type of types) {
      for (
        const told of [
          ["Origin: http://nas.local:1"],
          ["Origin: null"],
          ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"],
          ["Sec-Fetch-Site: same-site"],
          ["Referer: http://nas.local:1/"],
        ]
      ) {
        const lines = [`${place} HTTP/1.1`, `Host: nas.local:${port}`, `Content-Type: ${type}`];
        const { status } = await raw(m.url, [...lines, ...told, `Content-Length: ${body.length}`], [
          { bytes: body },
        ]);
        assert.equal(status, 403, `${place} ${type} ${told}`);
      }
    }
  }
  assert.equal((await m.ask("GET", "/volumes")).json.length, 1);
});
