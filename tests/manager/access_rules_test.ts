import assert from "node:assert/strict";
import { ACCESS_RULES, changesState, ruleOfPath } from "../../manager/http/access_rules.ts";
import { Auth } from "../../manager/http/auth.ts";
import { createApp } from "../../manager/routes/app.ts";
import type { Services } from "../../manager/routes/services.ts";
import { request, TestManager } from "./support.ts";

const TOKEN = "token-of-the-test";
const BEARER = { authorization: `Bearer ${TOKEN}` };

/** Route patterns of the app's middleware, which sends no answer by itself. */
const MIDDLEWARE = new Set(["/*", "/assets/*", "/docs/assets/*"]);

/** All routes of the app, as `METHOD pattern`. */
function routesOfApp(): Set<string> {
  const app = createApp({} as Services, new Auth(null, 5));
  const routes = new Set<string>();
  for (const { method, path } of app.routes) {
    if (method === "ALL") assert(MIDDLEWARE.has(path), `ALL ${path}`);
    else routes.add(`${method} ${path}`);
  }
  return routes;
}

/** Returns a path that matches a pattern. */
function pathOf(route: string, volume: string): string {
  return route.replace("/volumes/:id", `/volumes/${volume}`).replace(/:\w+/g, crypto.randomUUID())
    .replace("*", "x/y");
}

Deno.test("each route of the app has one rule, and each rule has a route", () => {
  const rules = ACCESS_RULES.map(({ method, route }) => `${method} ${route}`);
  assert.deepEqual([...new Set(rules)].sort(), [...rules].sort());
  assert.deepEqual([...rules].sort(), [...routesOfApp()].sort());
});

Deno.test("a path has the rule of its route, and an unknown path has none", () => {
  for (const rule of ACCESS_RULES) {
    assert.equal(ruleOfPath(rule.method, pathOf(rule.route, "v")), rule, rule.route);
  }
  assert.equal(ruleOfPath("HEAD", "/health")?.route, "/health");
  assert.equal(ruleOfPath("GET", "/volumes/v/files/")?.route, "/volumes/:id/files/*");
  const unknown = [
    ["PROPFIND", "/volumes/v/files/a"],
    ["GET", "/volumes/v/nothing"],
    ["GET", "/volumes/v/list/more"],
    ["POST", "/health"],
    ["GET", "/login"],
    ["get", "/health"],
    ["GET", "/:id"],
    ["GET", "/constructor"],
  ];
  for (const [method, path] of unknown) assert.equal(ruleOfPath(method, path), null, path);
});

Deno.test("an unknown method counts as a change; reading methods do not", () => {
  for (const method of ["GET", "HEAD", "OPTIONS"]) assert(!changesState(method, "/volumes"));
  for (const method of ["PUT", "POST", "PROPFIND", "get"]) assert(changesState(method, "/volumes"));
  for (const rule of ACCESS_RULES) assert.equal(changesState(rule.method, "/x"), rule.changesState);
});

Deno.test("without the token, or the PIN, a route answers only clients that its rule admits", async () => {
  await using manager = await TestManager.start({ token: TOKEN });
  const made = await manager.ask("POST", "/volumes", {
    json: { name: "sealed", encrypted: true, pin: "1234" },
    headers: BEARER,
  });
  assert.equal(made.status, 201);
  for (const { method, route, who } of ACCESS_RULES) {
    const path = pathOf(route, made.json.id);
    const stranger = await manager.ask(method, path);
    const isRefused = stranger.status === 401 && stranger.json?.code === "unauthorized";
    const mayAnswer = who === "anyone" && route !== "/login";
    if (who !== "anyone") assert(isRefused, `${method} ${path}: ${stranger.status}`);
    else if (mayAnswer) assert(!isRefused, `${method} ${path}`);
    if (who !== "reader" && who !== "writer") continue;
    // A schema error of the request is reported before a missing PIN.
    const answer = await manager.ask(method, path, { headers: BEARER });
    if (answer.status === 400 || answer.status === 412 || answer.status === 415) continue;
    assert.equal(answer.json?.code, "encryption_required", `${method} ${path}`);
    assert.equal(answer.status, 401);
  }
});

Deno.test("an unknown method and an unknown route are refused", async () => {
  await using manager = await TestManager.start({ token: TOKEN });
  const asks: [string, string, number][] = [
    ["PROPFIND", "/volumes", 405],
    ["DELETE", "/volumes", 405],
    ["PATCH", "/volumes/x/files/y", 405],
    ["GET", "/volumes/x/nothing", 404],
    ["PROPFIND", "/nothing", 404],
  ];
  for (const [method, path, status] of asks) {
    assert.equal((await manager.ask(method, path)).status, 401, path);
    assert.equal((await manager.ask(method, path, { headers: BEARER })).status, status, path);
    const cookie = { cookie: `aloelite_login=${"0".repeat(64)}` };
    if (method === "GET") continue;
    // A request without Origin and Sec-Fetch-Site, which the page's browser
    // would send.
    const { status: foreign } = await request(method, manager.url + path, { headers: cookie });
    assert.equal(foreign, 403, path);
  }
});
