/// <reference lib="dom" />
/** A page at another port of the same host can do nothing in a real browser. */

import assert from "node:assert/strict";
import { pageTest } from "./page_support.ts";

const TOKEN = "the-token-of-this-test";
const NAME = "nas.test";

/**
 * Serves a page of another origin; the requested path sets its referrer policy.
 */
function elsewhere(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ url }) => {
    const policy = new URL(url).searchParams.get("policy") ?? "unsafe-url";
    const headers = { "content-type": "text/html", "referrer-policy": policy };
    return new Response("<!doctype html><title>elsewhere</title><body></body>", { headers });
  });
}

pageTest(
  "another port of the same host is another site",
  async ({ manager, browser }) => {
    const { port } = new URL(manager.url);
    const home = `http://${NAME}:${port}`;
    const bearer = { authorization: `Bearer ${TOKEN}` };
    const made = await manager.ask("POST", "/volumes", { json: { name: "v" }, headers: bearer });
    const id: string = made.json.id;
    await using other = elsewhere();
    const context = await browser.newContext();
    const own = await context.newPage();
    await own.goto(home);
    /** Sends a request from the page itself. @returns Its status. */
    const ask = (method: string, path: string, json?: unknown) =>
      own.evaluate(async ([method, path, body]) => {
        const headers = { "content-type": "application/json" };
        return (await fetch(path, { method, body, ...(body === null ? {} : { headers }) })).status;
      }, [method, path, json === undefined ? null : JSON.stringify(json)] as const);
    assert.equal(await ask("POST", "/login", { token: TOKEN }), 204);

    const page = await context.newPage();
    const statuses: string[] = [];
    page.on("response", (response) => {
      const url = new URL(response.url());
      if (url.port === port) statuses.push(`${response.status()} ${url.pathname}`);
    });
    for (const policy of ["unsafe-url", "no-referrer"]) {
      await page.goto(`http://${NAME}:${other.addr.port}/?policy=${policy}`);
      // A form with the cookies of this host: browsers treat it as the same
      // site.
      const forms: [string, string, string, string][] = [
        [`/volumes/${id}/files?path=/`, "multipart/form-data", "x.txt", "written from elsewhere"],
        [`/volumes/${id}/mount`, "text/plain", '{"mode":"direct","x":"', '"}'],
        ["/volumes", "text/plain", '{"name":"made elsewhere","x":"', '"}'],
        ["/filesystems", "application/x-www-form-urlencoded", "SQLite", "format 3"],
      ];
      for (const [path, type, name, value] of forms) {
        await page.goto(`http://${NAME}:${other.addr.port}/?policy=${policy}`);
        const answered = page.waitForNavigation();
        await page.evaluate(([action, type, name, value]) => {
          const form = document.createElement("form");
          Object.assign(form, { action, method: "post", enctype: type });
          const field = document.createElement("input");
          if (type === "multipart/form-data") {
            const files = new DataTransfer();
            files.items.add(new File([value], name));
            Object.assign(field, { type: "file", name: "file" });
            field.files = files.files;
          } else Object.assign(field, { type: "hidden", name, value });
          form.append(field);
          document.body.append(form);
          form.submit();
        }, [`${home}${path}`, type, name, value] as const);
        const response = (await answered)!;
        const sent = await response.request().allHeaders();
        assert.match(sent.cookie ?? "", /aloelite_login=/, "the browser sends the cookie along");
        assert.equal(response.status(), 403, `${policy} ${path}`);
      }
      await page.goto(`http://${NAME}:${other.addr.port}/?policy=${policy}`);
      const seen = await page.evaluate(async ([home, id]) => {
        const tried = async (path: string, options: RequestInit) => {
          try {
            return (await fetch(home + path, { credentials: "include", ...options })).type;
          } catch {
            return "refused";
          }
        };
        navigator.sendBeacon(`${home}/volumes`, '{"name":"made elsewhere"}');
        const events = new EventSource(`${home}/events`, { withCredentials: true });
        const heard = await new Promise((resolve) => {
          events.onopen = () => resolve("open");
          events.onerror = () => resolve("refused");
        });
        events.close();
        const text = { method: "POST", mode: "no-cors" as const, body: '{"name":"elsewhere"}' };
        return [
          heard,
          await tried("/volumes", {}),
          await tried("/volumes", text),
          await tried(`/volumes/${id}`, { method: "DELETE" }),
          await tried(`/volumes/${id}/files/y`, { method: "PUT", body: "y" }),
        ];
      }, [home, id] as const);
      assert.deepEqual(seen, ["refused", "refused", "opaque", "refused", "refused"], policy);
    }
    assert.deepEqual(statuses.filter((line) => /^2/.test(line)), []);
    const files = await manager.ask("GET", `/volumes/${id}/list`, { headers: bearer });
    assert.deepEqual(files.json.entries, []);
    const { json: volumes } = await manager.ask("GET", "/volumes", { headers: bearer });
    assert.deepEqual(volumes.map(({ name }: { name: string }) => name), ["v"]);
    const mount = await manager.ask("GET", `/volumes/${id}/mount`, { headers: bearer });
    assert.equal(mount.json.mounted, false);

    // The page itself may do so with this cookie.
    assert.equal(await ask("PUT", `/volumes/${id}/files/mine.txt`), 201);
    assert.equal(await ask("POST", "/volumes", { name: "w" }), 201);
    assert.equal(await ask("DELETE", `/volumes/${id}/files/mine.txt`), 204);
    await context.close();
  },
  {
    manager: { token: TOKEN, allowedHosts: [NAME] },
    browser: [`--host-resolver-rules=MAP ${NAME} 127.0.0.1`],
  },
);
