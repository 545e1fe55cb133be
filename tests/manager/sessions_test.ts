/**
 * Sessions and logins: their secrets change, they expire, and they disclose
 * nothing to others.
 */

import assert from "node:assert/strict";
import { PinGuard } from "../../manager/http/pin_guard.ts";
import { type Answer, TestManager } from "./support.ts";

const PIN = "2468";
const TOKEN = "a-token-of-some-length";

/** The value of a cookie that an answer sets; empty if it is deleted. */
function cookieOf({ headers }: Answer, name: string): string | undefined {
  const all = headers.getSetCookie().map((line) => /^([^=]+)=([^;]*)/.exec(line)!);
  return all.find(([, own]) => own === name)?.[2];
}

const session = (secret: string) => ({ headers: { cookie: `aloelite_session=${secret}` } });

async function unlock(m: TestManager, id: string, secret?: string): Promise<string> {
  const answer = await m.ask("POST", `/volumes/${id}/unlock`, {
    json: { pin: PIN },
    ...(secret === undefined ? {} : session(secret)),
  });
  assert.equal(answer.status, 200, answer.text);
  return cookieOf(answer, "aloelite_session")!;
}

async function status(m: TestManager, id: string, secret: string): Promise<number> {
  return (await m.ask("GET", `/volumes/${id}/list`, session(secret))).status;
}

/** Runs a task while the clock shows another time. */
async function clockSet<T>(by: number, task: () => Promise<T>): Promise<T> {
  const now = Date.now;
  Date.now = () => now() + by;
  try {
    return await task();
  } finally {
    Date.now = now;
  }
}

/** How many requests the metrics say are worked on. */
function running(text: string): number {
  return Number(/^aloelite_http_requests_running (\d+)$/m.exec(text)![1]);
}

const YEAR = 365 * 24 * 60 * 60_000;

Deno.test("a session gets a new secret with each proved PIN", async () => {
  await using m = await TestManager.start();
  const ids = [
    await m.volume("one", { encrypted: true, pin: PIN }),
    await m.volume("two", { encrypted: true, pin: PIN }),
  ];
  const planted = await unlock(m, ids[0]);
  assert.equal(await status(m, ids[0], planted), 200);
  const mine = await unlock(m, ids[1], planted);
  assert.notEqual(mine, planted);
  for (const id of ids) {
    assert.equal(await status(m, id, planted), 401);
    assert.equal(await status(m, id, mine), 200);
  }
  // Proving the PIN a second time counts too.
  const again = await unlock(m, ids[0], mine);
  assert.equal(await status(m, ids[1], mine), 401);
  for (const id of ids) assert.equal(await status(m, id, again), 200);
});

Deno.test("a login renews the session and ends the previous login", async () => {
  await using m = await TestManager.start({ token: TOKEN });
  const bearer = { authorization: `Bearer ${TOKEN}` };
  const made = await m.ask("POST", "/volumes", {
    headers: bearer,
    json: { name: "v", encrypted: true, pin: PIN },
  });
  const at = `/volumes/${made.json.id}`;
  const login = async (cookie = "") => {
    const answer = await m.ask("POST", "/login", { json: { token: TOKEN }, headers: { cookie } });
    assert.equal(answer.status, 204);
    return answer;
  };
  const first = cookieOf(await login(), "aloelite_login")!;
  const origin = m.url;
  const opened = await m.ask("POST", `${at}/unlock`, {
    json: { pin: PIN },
    headers: { cookie: `aloelite_login=${first}`, origin },
  });
  const known = cookieOf(opened, "aloelite_session")!;
  const answer = await login(`aloelite_login=${first}; aloelite_session=${known}`);
  const [second, renewed] = ["aloelite_login", "aloelite_session"].map((name) =>
    cookieOf(answer, name)!
  );
  assert.notEqual(second, first);
  assert.notEqual(renewed, known);
  const list = async (login: string, session: string) =>
    (await m.ask("GET", `${at}/list`, {
      headers: { cookie: `aloelite_login=${login}; aloelite_session=${session}` },
    })).json.code ?? "open";
  assert.equal(await list(second, renewed), "open");
  assert.equal(await list(second, known), "encryption_required");
  assert.equal(await list(first, renewed), "unauthorized");
});

Deno.test("logging out locks the volumes that the session had unlocked, and no others", async () => {
  await using m = await TestManager.start();
  const ids = [
    await m.volume("one", { encrypted: true, pin: PIN }),
    await m.volume("two", { encrypted: true, pin: PIN }),
  ];
  const mine = await unlock(m, ids[1], await unlock(m, ids[0]));
  const theirs = await unlock(m, ids[0]);
  const out = await m.ask("DELETE", "/login", session(mine));
  assert.equal(out.status, 204);
  assert.equal(cookieOf(out, "aloelite_session"), "");
  for (const id of ids) assert.equal(await status(m, id, mine), 401);
  assert.equal(await status(m, ids[0], theirs), 200);
  // By the header that scripts use, too.
  const headers = { "aloelite-session": theirs };
  assert.equal((await m.ask("DELETE", "/login", { headers })).status, 204);
  assert.equal(await status(m, ids[0], theirs), 401);
});

Deno.test("setting the clock neither revives a session nor changes a pause", async () => {
  await using m = await TestManager.start({ limits: { sessionMs: 1500, pinGuesses: 2 } });
  const id = await m.volume("vault", { encrypted: true, pin: PIN });
  const secret = await unlock(m, id);
  // An unused session ends, whatever the clock shows.
  await clockSet(-YEAR, async () => {
    assert.equal(await status(m, id, secret), 200);
    await new Promise((resolve) => setTimeout(resolve, 1700));
    assert.equal(await status(m, id, secret), 401);
  });
  const other = await unlock(m, id);
  assert.equal(await clockSet(YEAR, () => status(m, id, other)), 200);

  const guess = (pin: string) => m.ask("POST", `/volumes/${id}/unlock`, { json: { pin } });
  for (let i = 0; i < 2; i++) assert.equal((await guess(`${i}`)).status, 400);
  for (const by of [-15 * YEAR, YEAR]) {
    await clockSet(by, async () => {
      const { status, headers } = await guess(PIN);
      assert.equal(status, 429);
      assert.ok(Number(headers.get("retry-after")) <= 2, headers.get("retry-after")!);
    });
  }
});

Deno.test("the pause after a wrong token is independent of the clock too", async () => {
  const guard = new PinGuard(1);
  guard.wrong("token", "192.0.2.1");
  const pause = () => {
    try {
      guard.admit("token", "192.0.2.1");
      return 0;
    } catch (error) {
      return Number((error as { headers: Record<string, string> }).headers["retry-after"]);
    }
  };
  for (const by of [0, -15 * YEAR, 15 * YEAR]) {
    assert.equal(await clockSet(by, () => Promise.resolve(pause())), 1);
  }
});

Deno.test("events name paths of an encrypted volume only to sessions with its PIN", async () => {
  await using m = await TestManager.start();
  const vault = await m.volume("vault", { encrypted: true, pin: PIN });
  const open = await m.volume("open");
  const mine = await unlock(m, vault);
  const gone = new AbortController();
  const hear = async (headers: Record<string, string>) => {
    const response = await fetch(`${m.url}/events`, { headers, signal: gone.signal });
    const told: { type: string; volume_id?: string; path?: string }[] = [];
    const first = Promise.withResolvers<void>();
    const ended = (async () => {
      for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
        first.resolve();
        for (const [, data] of text.matchAll(/^data: (.*)$/gm)) told.push(JSON.parse(data));
      }
    })().catch(() => {});
    await first.promise;
    return { told, ended };
  };
  const stranger = await hear({});
  const owner = await hear({ cookie: `aloelite_session=${mine}` });
  // The secret changes; the listener stays connected.
  const next = await unlock(m, vault, mine);
  const headers = { cookie: `aloelite_session=${next}`, origin: m.url };
  const put = (id: string, path: string) =>
    m.ask("PUT", `/volumes/${id}/files${path}`, { body: "x", headers });
  const make = await m.ask("POST", `/volumes/${vault}/directories`, {
    json: { path: "/secret-folder" },
    headers,
  });
  assert.equal(make.status, 201);
  assert.equal((await put(vault, "/secret-folder/secret-name")).status, 201);
  const info = (text: string) => btoa(text);
  const tus = await m.ask("POST", `/volumes/${vault}/uploads`, {
    body: "y",
    headers: {
      ...headers,
      "tus-resumable": "1.0.0",
      "upload-length": "1",
      "upload-metadata": `path ${info("/secret-upload")}`,
      "content-type": "application/offset+octet-stream",
    },
  });
  assert.equal(tus.status, 201, tus.text);
  assert.equal((await put(open, "/last")).status, 201);
  const late = await hear({ "last-event-id": "0badcafe-0" });
  for (const { told } of [owner, stranger]) {
    for (let i = 0; i < 200 && !told.some(({ path }) => path === "/last"); i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(told.some(({ path }) => path === "/last"), JSON.stringify(told));
  }
  const paths = owner.told.filter(({ volume_id }) => volume_id === vault).map(({ path }) => path);
  assert.deepEqual(paths, ["/secret-folder", "/secret-folder/secret-name", "/secret-upload"]);
  assert.equal(stranger.told.filter(({ volume_id }) => volume_id === vault).length, 3);
  assert.ok(!JSON.stringify([stranger.told, late.told]).includes("secret"));
  // After locking, the listener gets no more than others.
  const out = await m.ask("DELETE", "/login", { headers });
  assert.equal(out.status, 204);
  const again = await unlock(m, vault);
  const before = owner.told.length;
  await m.ask("PUT", `/volumes/${vault}/files/secret-later`, {
    body: "x",
    headers: { "aloelite-session": again },
  });
  for (let i = 0; i < 200 && owner.told.length === before; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(owner.told.slice(before).some(({ path }) => path !== undefined), false);
  gone.abort();
  await Promise.all([owner, stranger, late].map(({ ended }) => ended));
});

/** The filter of SECURITY.md, without fail2ban's own parts. */
const FILTER = new RegExp(
  /^ *failregex = \^%\(__prefix_line\)s(.*)$/m.exec(
    await Deno.readTextFile(new URL("../../docs/SECURITY.md", import.meta.url)),
  )![1].replace("aloelite: serve: ", "^").replace("<HOST>", "(\\S+)"),
);

Deno.test("wrong tokens and PINs are logged with the client's address", async () => {
  await using m = await TestManager.start({ token: TOKEN });
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const made = await m.ask("POST", "/volumes", {
    ...bearer(TOKEN),
    json: { name: "v", encrypted: true, pin: PIN },
  });
  const at = `/volumes/${made.json.id}`;
  await m.ask("POST", "/login", { json: { token: "wrong-1" } });
  await m.ask("GET", "/volumes", bearer("wrong-2"));
  await m.ask("POST", `${at}/unlock`, { ...bearer(TOKEN), json: { pin: "wrong-3" } });
  await m.ask("POST", `${at}/mount`, { ...bearer(TOKEN), json: { mode: "direct", pin: "w" } });
  await m.ask("POST", `${at}/pin`, {
    ...bearer(TOKEN),
    json: { old_pin: "wrong-4", new_pin: "x" },
  });
  const noted = m.log.filter((line) => FILTER.test(line));
  assert.deepEqual(noted.map((line) => FILTER.exec(line)![1]), Array(5).fill("127.0.0.1"));
  assert.equal(noted.filter((line) => line.includes(made.json.id)).length, 3);
  assert.ok(!/wrong-|2468/.test(m.log.join()));
});

Deno.test("a cookie that a neighbour has planted beside the own one is in nobody's way", async () => {
  await using m = await TestManager.start({ token: TOKEN });
  const bearer = { authorization: `Bearer ${TOKEN}` };
  const made = await m.ask("POST", "/volumes", {
    headers: bearer,
    json: { name: "v", encrypted: true, pin: PIN },
  });
  const at = `/volumes/${made.json.id}`;
  const login = await m.ask("POST", "/login", { json: { token: TOKEN } });
  const mine = `aloelite_login=${cookieOf(login, "aloelite_login")}`;
  const opened = await m.ask("POST", `${at}/unlock`, {
    json: { pin: PIN },
    headers: { cookie: mine, origin: m.url },
  });
  const session = `aloelite_session=${cookieOf(opened, "aloelite_session")}`;
  const junk = ["x", "", "0".repeat(64), "g".repeat(64), "0".repeat(63), '"'];
  for (const value of junk) {
    const planted = `aloelite_login=${value}; aloelite_session=${value}`;
    for (
      const cookie of [
        `${planted}; ${mine}; ${session}`,
        `${mine}; ${planted}; ${session}`,
        `${mine}; ${session}; ${planted}`,
        `a=aloelite_login=1;${planted};${mine};${session}`,
      ]
    ) {
      assert.equal((await m.ask("GET", `${at}/list`, { headers: { cookie } })).status, 200, cookie);
    }
    const wrong = { headers: { cookie: `${planted}; xaloelite_login=${mine.split("=")[1]}` } };
    assert.equal((await m.ask("GET", `${at}/list`, wrong)).status, 401);
  }
  // One that is somebody's: an unlock gives it another secret, which its owner does not know.
  const other = await m.ask("POST", `${at}/unlock`, { json: { pin: PIN }, headers: bearer });
  const theirs = cookieOf(other, "aloelite_session")!;
  const again = await m.ask("POST", `${at}/unlock`, {
    json: { pin: PIN },
    headers: { cookie: `aloelite_session=${theirs}; ${mine}` },
  });
  assert.equal(again.status, 200);
  const known = { ...bearer, "aloelite-session": theirs };
  assert.equal((await m.ask("GET", `${at}/list`, { headers: known })).status, 401);
  // To log out ends all that the browser sends.
  const out = `aloelite_session=${cookieOf(again, "aloelite_session")}; ${mine}; ${session}`;
  assert.equal((await m.ask("DELETE", "/login", { headers: { cookie: out } })).status, 204);
  const headers = { ...bearer, "aloelite-session": session.split("=")[1] };
  assert.equal((await m.ask("GET", `${at}/list`, { headers })).status, 401);
  assert.equal((await m.ask("GET", "/volumes", { headers: { cookie: mine } })).status, 401);
});

Deno.test("cookies keep to HTTPS where TLS ends at a proxy", async () => {
  const allowedHosts = ["https://files.example"];
  await using m = await TestManager.start({ token: TOKEN, allowedHosts });
  const log = async (headers: Record<string, string>) => {
    const { status, headers: got } = await m.ask("POST", "/login", {
      json: { token: TOKEN },
      headers,
    });
    assert.equal(status, 204);
    return got.get("set-cookie")!;
  };
  assert.match(await log({ origin: "https://files.example" }), /; Secure/);
  assert.match(await log({ "x-forwarded-proto": "https" }), /; Secure/);
  assert.match(await log({ "x-forwarded-proto": "http, https" }), /; Secure/);
  for (const headers of [{}, { origin: m.url }, { "x-forwarded-proto": "https, http" }]) {
    const set = await log(headers as Record<string, string>);
    assert.doesNotMatch(set, /; Secure/);
    assert.match(set, /Path=\/(?:;|$)/);
    assert.doesNotMatch(set, /Domain=/i);
  }
});

Deno.test("another PIN gives the session that proved the old one another secret", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("vault", { encrypted: true, pin: PIN });
  const [mine, theirs] = [await unlock(m, id), await unlock(m, id)];
  const changed = await m.ask("POST", `/volumes/${id}/pin`, {
    json: { old_pin: PIN, new_pin: "1357" },
    ...session(mine),
  });
  assert.equal(changed.status, 204, changed.text);
  const renewed = cookieOf(changed, "aloelite_session")!;
  assert.notEqual(renewed, mine);
  assert.equal(await status(m, id, renewed), 200);
  for (const old of [mine, theirs]) assert.equal(await status(m, id, old), 401);
});

Deno.test("what locks a volume locks it for those too who prove the PIN meanwhile", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("vault", { encrypted: true, pin: PIN });
  let pins = [PIN, "1357"];
  for (let round = 0; round < 2; round++) {
    const [old, next] = pins;
    const before = await m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: old } });
    const mine = cookieOf(before, "aloelite_session")!;
    const under = Array.from(
      { length: 2 },
      () => m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: old } }),
    );
    const change = await m.ask("POST", `/volumes/${id}/pin`, {
      json: { old_pin: old, new_pin: next },
      ...session(mine),
    });
    assert.equal(change.status, 204, change.text);
    const ahead = await m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: next } });
    assert.equal(ahead.status, 200);
    for (const answer of await Promise.all(under)) {
      const secret = cookieOf(answer, "aloelite_session");
      if (secret !== undefined) assert.equal(await status(m, id, secret), 401);
    }
    pins = [next, old];
  }
});

Deno.test("a logout ends what the session proves meanwhile", async () => {
  await using m = await TestManager.start();
  const ids = [
    await m.volume("one", { encrypted: true, pin: PIN }),
    await m.volume("two", { encrypted: true, pin: PIN }),
  ];
  for (let tries = 0;; tries++) {
    const mine = await unlock(m, ids[0]);
    const under = m.ask("POST", `/volumes/${ids[1]}/unlock`, {
      json: { pin: PIN },
      ...session(mine),
    });
    // It is at work when it is counted, as the key takes longer.
    let done = false;
    void under.then(() => done = true);
    while (!done && running((await m.ask("GET", "/metrics")).text) < 2);
    assert.equal((await m.ask("DELETE", "/login", session(mine))).status, 204);
    const answer = await under;
    if (answer.status === 401) {
      assert.equal(cookieOf(answer, "aloelite_session"), undefined);
      break;
    }
    // It was done before the logout.
    assert.equal(answer.status, 200);
    assert.ok(tries < 20, "it is not ended");
  }
  // Two at once add to one session.
  const first = await unlock(m, ids[0]);
  const both = await Promise.all(
    ids.map((id) =>
      m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: PIN }, ...session(first) })
    ),
  );
  const secrets = both.map((answer) => cookieOf(answer, "aloelite_session")!);
  const open = await Promise.all(
    secrets.map((secret) => Promise.all(ids.map((id) => status(m, id, secret)))),
  );
  assert.deepEqual(open.map(String).sort(), ["200,200", "401,401"]);
});
