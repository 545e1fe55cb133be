/** Content over HTTP: read, write, delete, and preconditions. */

import assert from "node:assert/strict";
import { request, TestManager } from "./support.ts";

const text = (value: string) => new TextEncoder().encode(value);

function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    bytes[i] = state >> 16;
  }
  return bytes;
}

Deno.test("a file is written, read, replaced, and moved to the trash", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("docs");
  const file = `/volumes/${id}/files/a.txt`;
  const made = await m.ask("PUT", file, { body: "one" });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.json.size, 3);
  assert.equal(made.json.version, 1);
  assert.equal(made.headers.get("location"), file);
  const read = await m.ask("GET", file);
  assert.equal(read.text, "one");
  assert.equal(read.headers.get("etag"), made.headers.get("etag"));
  assert.equal(read.headers.get("content-length"), "3");
  assert.equal(read.headers.get("x-content-type-options"), "nosniff");
  assert.equal(read.headers.get("content-type"), "text/plain; charset=utf-8");
  const again = await m.ask("PUT", file, { body: "two two" });
  assert.equal(again.status, 200);
  assert.equal(again.json.node, made.json.node);
  assert.notEqual(again.headers.get("etag"), made.headers.get("etag"));
  assert.equal((await m.ask("GET", `${file}?version=1`)).text, "one");
  assert.equal((await m.ask("GET", `${file}?version=9`)).status, 404);
  const byNode = `/volumes/${id}/files?node=${made.json.node}`;
  assert.equal((await m.ask("GET", byNode)).text, "two two");
  assert.equal((await m.ask("GET", `/volumes/${id}/files?path=/a.txt`)).text, "two two");
  const head = await m.ask("HEAD", file);
  assert.equal(head.headers.get("content-length"), "7");
  assert.equal(head.bytes.length, 0);
  assert.equal((await m.ask("DELETE", file)).status, 204);
  assert.equal((await m.ask("GET", file)).status, 404);
  assert.equal((await m.ask("DELETE", file)).status, 404);
});

Deno.test("large content is streamed both ways, and survives an aborted overwrite", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("large");
  const file = `/volumes/${id}/files/large.bin`;
  const content = noise(5 * 1024 * 1024 + 17);
  const made = await m.ask("PUT", file, { body: content });
  assert.equal(made.status, 201, made.text);
  const read = await m.ask("GET", file);
  assert.deepEqual(read.bytes, content);
  assert.equal(read.headers.get("content-length"), String(content.length));

  // A client that disconnects in the middle.
  const connection = await Deno.connect({ port: Number(new URL(m.url).port) });
  const head = `PUT ${file} HTTP/1.1\r\nhost: ${new URL(m.url).host}\r\n` +
    `content-length: 9000000\r\n\r\n`;
  await writeAll(connection, text(head));
  await writeAll(connection, noise(3 * 1024 * 1024, 2));
  connection.close();
  let left = 1;
  for (let tries = 0; tries < 100 && left > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    left = (await m.ask("GET", `/volumes/${id}/uploads`)).json?.uploads?.length ?? 0;
  }
  assert.deepEqual((await m.ask("GET", file)).bytes, content);
  assert.equal((await m.ask("GET", `/volumes/${id}/node?path=/large.bin`)).json.version, 1);
});

Deno.test("a write without a body is empty, of a directory or of a part is refused", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("edges");
  const at = `/volumes/${id}`;
  assert.equal((await m.ask("PUT", `${at}/files/empty`)).status, 201);
  const empty = await m.ask("GET", `${at}/files/empty`);
  assert.equal(empty.status, 200);
  assert.equal(empty.headers.get("content-length"), "0");
  const part = await m.ask("PUT", `${at}/files/empty`, {
    body: "x",
    headers: { "content-range": "bytes 0-0/1" },
  });
  assert.equal(part.status, 400);
  assert.equal((await m.ask("PUT", `${at}/files/no/dir/x`, { body: "x" })).status, 404);
  assert.equal((await m.ask("PUT", `${at}/files/no/dir/x?parents=1`, { body: "x" })).status, 201);
  assert.equal((await m.ask("GET", `${at}/files/no/dir`)).json.code, "not_an_entry");
  assert.equal((await m.ask("PUT", `${at}/files/no/dir`, { body: "x" })).status, 409);
  assert.equal((await m.ask("PUT", `${at}/files/empty/x`, { body: "x" })).status, 409);
  assert.equal((await m.ask("DELETE", `${at}/files/no`)).json.code, "not_empty");
  assert.equal((await m.ask("DELETE", `${at}/files/no?recursive=1`)).status, 204);
  assert.equal((await m.ask("DELETE", `${at}/files/?recursive=1`)).status, 400);
  assert.equal((await m.ask("GET", `/volumes/none/files/x`)).status, 404);
});

Deno.test("preconditions decide about reads and writes", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("conditional");
  const file = `/volumes/${id}/files/a.txt`;
  const once = { "if-none-match": "*" };
  const first = await m.ask("PUT", file, { body: "one", headers: once });
  assert.equal(first.status, 201);
  assert.equal((await m.ask("PUT", file, { body: "two", headers: once })).status, 412);
  const etag = first.headers.get("etag")!;
  const stale = { "if-match": '"0123"' };
  assert.equal((await m.ask("PUT", file, { body: "two", headers: stale })).status, 412);
  assert.equal((await m.ask("DELETE", file, { headers: stale })).status, 412);
  assert.equal((await m.ask("GET", file)).text, "one");
  const known = await m.ask("GET", file, { headers: { "if-none-match": etag } });
  assert.equal(known.status, 304);
  assert.equal(known.headers.get("etag"), etag);
  assert.equal((await m.ask("GET", file, { headers: stale })).status, 412);
  const since = { "if-modified-since": (await m.ask("GET", file)).headers.get("last-modified")! };
  assert.equal((await m.ask("GET", file, { headers: since })).status, 304);
  const second = await m.ask("PUT", file, { body: "two", headers: { "if-match": etag } });
  assert.equal(second.status, 200);
  const old = { "if-range": etag, range: "bytes=0-0" };
  assert.equal((await m.ask("GET", file, { headers: old })).text, "two");
  const now = { "if-range": second.headers.get("etag")!, range: "bytes=0-0" };
  assert.equal((await m.ask("GET", file, { headers: now })).text, "t");
  // Large writes are checked before their body arrives, and again afterwards.
  const large = `/volumes/${id}/files/large`;
  await m.ask("PUT", large, { body: noise(2_000_000) });
  const refused = await m.ask("PUT", large, { body: noise(2_000_000, 3), headers: stale });
  assert.equal(refused.status, 412);
});

Deno.test("displayable types are served safely, other types as downloads", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("types");
  const names = { "page.html": "inline", "a.png": "inline", "x.bin": "attachment" };
  for (const [name, how] of Object.entries(names)) {
    const file = `/volumes/${id}/files/${name}`;
    await m.ask("PUT", file, { body: "<script>alert(1)</script>" });
    const { headers } = await m.ask("GET", file);
    assert.ok(headers.get("content-disposition")!.startsWith(how), name);
    assert.match(headers.get("content-security-policy")!, /^sandbox; default-src 'none'/);
    assert.equal(/html|script/.test(headers.get("content-type")!), false, name);
    const saved = await m.ask("GET", `${file}?download=1`);
    assert.ok(saved.headers.get("content-disposition")!.startsWith("attachment"), name);
  }
  const name = `naïve "名" ‮.txt`;
  await m.ask("PUT", `/volumes/${id}/files/${encodeURIComponent(name)}`, { body: "x" });
  const { headers } = await m.ask("GET", `/volumes/${id}/files/${encodeURIComponent(name)}`);
  const star = /filename\*=UTF-8''([^;]+)/.exec(headers.get("content-disposition")!)!;
  assert.equal(decodeURIComponent(star[1]), name);
});

Deno.test("no name leads out of a volume", async () => {
  await using m = await TestManager.start();
  const one = await m.volume("one");
  const two = await m.volume("two");
  await m.ask("PUT", `/volumes/${two}/files/secret`, { body: "secret" });
  const port = Number(new URL(m.url).port);
  const bad = [
    "../secret",
    "..",
    "%2e%2e",
    "%2e%2e/secret",
    `../../${two}/files/secret`,
    `%2e%2e/%2e%2e/${two}/files/secret`,
    "..%2fsecret",
    "a%2Fb",
    "a%00b",
    "%ff%fe",
    "%c3%28",
    "%zz",
    "n".repeat(256),
    "%E5%90%8D".repeat(86),
  ];
  for (const path of bad) {
    for (const method of ["PUT", "GET", "DELETE"]) {
      const { status, body } = await raw(port, method, `/volumes/${one}/files/${path}`);
      assert.ok(status >= 400 && status < 500, `${method} ${path}: ${status}`);
      assert.equal(body.includes("secret\r\n"), false);
    }
  }
  for (const path of ["n".repeat(255), "a%25b", "...", "a%5Cb", "%E5%90%8D".repeat(85)]) {
    assert.equal((await raw(port, "PUT", `/volumes/${one}/files/${path}`)).status, 201, path);
    assert.equal((await raw(port, "GET", `/volumes/${one}/files/${path}`)).status, 200, path);
  }
  assert.equal((await m.ask("GET", `/volumes/${two}/files/secret`)).text, "secret");
});

Deno.test("an encrypted volume is read only by the session that proved its PIN", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("vault", { encrypted: true, pin: "1234" });
  const file = `/volumes/${id}/files/a.txt`;
  for (const method of ["GET", "PUT", "DELETE"]) {
    const { status, json } = await m.ask(method, file);
    assert.equal(status, 401);
    assert.equal(json.code, "encryption_required");
  }
  assert.equal((await m.ask("GET", `/volumes/${id}/list`)).status, 401);
  const unlocked = await m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: "1234" } });
  assert.equal(unlocked.status, 200);
  const cookie = unlocked.headers.get("set-cookie")!.split(";")[0];
  const mine = { headers: { cookie } };
  const content = noise(3_000_000);
  assert.equal((await m.ask("PUT", file, { ...mine, body: content })).status, 201);
  assert.deepEqual((await m.ask("GET", file, mine)).bytes, content);
  assert.equal((await m.ask("GET", `/volumes/${id}/list`, mine)).json.entries[0].name, "a.txt");
  assert.equal((await m.ask("GET", file)).status, 401);
  const other = { headers: { cookie: `aloelite_session=${"0".repeat(64)}` } };
  assert.equal((await m.ask("GET", file, other)).status, 401);
  // The file contains no content in the clear.
  const [{ fs_id }] = (await m.ask("GET", "/volumes")).json;
  const piece = new TextDecoder("latin1").decode(content.subarray(1000, 1064));
  for (const suffix of ["", "-wal"]) {
    const stored = await Deno.readFile(`${m.root}/filesystems/${fs_id}.aloe${suffix}`);
    assert.equal(new TextDecoder("latin1").decode(stored).includes(piece), false);
  }
  // A second session has to prove the PIN too, and ends independently.
  const second = await m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: "1234" } });
  const theirs = { headers: { cookie: second.headers.get("set-cookie")!.split(";")[0] } };
  assert.deepEqual((await m.ask("GET", file, theirs)).bytes, content);
  assert.equal((await m.ask("DELETE", `/volumes/${id}/unlock`, theirs)).status, 204);
  for (const method of ["GET", "PUT", "DELETE"]) {
    assert.equal((await m.ask(method, file, theirs)).json.code, "encryption_required", method);
  }
  assert.equal((await m.ask("PUT", file, { ...mine, body: "short" })).status, 200);
  assert.equal((await m.ask("GET", file, mine)).text, "short");
  assert.equal((await m.ask("DELETE", file, mine)).status, 204);
  assert.equal((await m.ask("GET", file, mine)).status, 404);
});

Deno.test("directories are created and listed by pages; a node is changed completely or not", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("tree");
  const at = `/volumes/${id}`;
  const made = await m.ask("POST", `${at}/directories`, { json: { path: "/a/b", parents: true } });
  assert.equal(made.status, 201, made.text);
  assert.equal((await m.ask("POST", `${at}/directories`, { json: { path: "/a/b" } })).status, 409);
  assert.equal((await m.ask("POST", `${at}/directories`, { json: { path: "/x/y" } })).status, 404);
  assert.equal((await m.ask("POST", `${at}/directories`, { json: { path: "/.." } })).status, 400);
  for (let i = 0; i < 7; i++) await m.ask("PUT", `${at}/files/a/${i}`, { body: `${i}` });
  const seen: string[] = [];
  let next = "";
  do {
    const page = await m.ask("GET", `${at}/list?path=/a&limit=3${next && `&after=${next}`}`);
    assert.equal(page.status, 200, page.text);
    assert.equal(page.json.path, "/a");
    seen.push(...page.json.entries.map((entry: { name: string }) => entry.name));
    next = page.json.next;
  } while (next);
  assert.deepEqual(seen, ["b", "0", "1", "2", "3", "4", "5", "6"]);
  for (const query of ["limit=0", "limit=x", "after='", "path=/&node=x", "node=x"]) {
    assert.equal((await m.ask("GET", `${at}/list?${query}`)).status, 400, query);
  }
  const change = {
    metadata: { colour: "green" },
    mode: 0o640,
    modified_at: "2001-02-03T04:05:06.000000007Z",
    retention: 3,
  };
  const changed = await m.ask("PATCH", `${at}/node?path=/a/0`, { json: change });
  assert.equal(changed.status, 200, changed.text);
  for (const [key, value] of Object.entries(change)) {
    assert.deepEqual(changed.json[key], value, key);
  }
  const byId = await m.ask("GET", `${at}/node?node=${changed.json.id}`);
  assert.deepEqual(byId.json, changed.json);
  // One invalid part leaves everything unchanged.
  const bad = { metadata: { colour: "red" }, retention: 3 };
  assert.equal((await m.ask("PATCH", `${at}/node?path=/a`, { json: bad })).status, 409);
  assert.deepEqual((await m.ask("GET", `${at}/node?path=/a`)).json.metadata, {});
});

Deno.test("metadata keeps keys that JavaScript objects have already", async () => {
  await using m = await TestManager.start();
  const at = `/volumes/${await m.volume("keys")}`;
  const text = '{"2":"b","__defineGetter__":"g","__proto__":"p","constructor":"c",' +
    '"hasOwnProperty":"h","prototype":"q","toString":"t"}';
  const changed = await m.ask("PATCH", `${at}/node?path=/`, {
    body: `{"__proto__":{"mode":1},"metadata":${text}}`,
    headers: { "content-type": "application/json" },
  });
  assert.equal(changed.status, 200, changed.text);
  const found = await m.ask("GET", `${at}/node?path=/`);
  assert.equal(JSON.stringify(found.json.metadata), text);
  assert.equal(found.json.mode, null);
  for (const bad of ['{"__proto__":1}', '{"constructor":{}}', '["a"]', '"a"', "null", "1"]) {
    const refused = await m.ask("PATCH", `${at}/node?path=/`, {
      body: `{"metadata":${bad}}`,
      headers: { "content-type": "application/json" },
    });
    assert.equal(refused.status, 400, bad);
  }
  assert.deepEqual((await m.ask("GET", `${at}/node?path=/`)).json, found.json);
});

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Sends a request with its path unchanged. */
async function raw(
  port: number,
  method: string,
  path: string,
): Promise<{ status: number; body: string }> {
  const connection = await Deno.connect({ port });
  const body = method === "PUT" ? "content-length: 1\r\n\r\nx" : "\r\n";
  await writeAll(
    connection,
    text(`${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n${body}`),
  );
  const answer = await new Response(connection.readable).text();
  return { status: Number(answer.slice(9, 12)), body: `${answer}\r\n` };
}

Deno.test("a disconnected reader releases the file at once", async () => {
  await using m = await TestManager.start({ limits: { idleFilesystemMs: 200 } });
  const id = await m.volume("gone");
  const file = `/volumes/${id}/files/large`;
  await request("PUT", `${m.url}${file}`, { body: noise(12_000_000) });
  const response = await fetch(`${m.url}${file}`);
  const reader = response.body!.getReader();
  await reader.read();
  await reader.cancel();
  // Deletion does not wait for disconnected readers.
  const removed = await m.ask("DELETE", `/volumes/${id}`);
  assert.equal(removed.status, 204, removed.text);
});
