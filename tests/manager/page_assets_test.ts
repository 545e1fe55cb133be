/**
 * The built page: loaded from a folder, from the address of the sources, and
 * published.
 */

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPage } from "../../manager/build_page.ts";
import { PACKED, PAGE_DIST, PageAssets } from "../../manager/page_assets.ts";

const REPO = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

Deno.test("the page is the same from a folder and from an address", async () => {
  await buildPage();
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    const file = await Deno.readFile(`${PAGE_DIST}${pathname}`).catch(() => null);
    return new Response(file, { status: file === null ? 404 : 200 });
  });
  try {
    const near = new PageAssets();
    const far = new PageAssets(`http://127.0.0.1:${server.addr.port}`);
    const manifest = (await near.manifest())!;
    assert.deepEqual(await far.manifest(), manifest);
    const { script, style, icon } = manifest;
    for (const name of [`assets/${script}`, `assets/${style}`, `assets/${icon}`, "docs/LICENSE"]) {
      const [here, there] = [await near.get(name), await far.get(name)];
      assert.ok(here !== null && here.content.length > 100, name);
      assert.deepEqual(there, here, name);
      await far.get(name);
      assert.equal(asked.filter((path) => path === `/${name}${PACKED}`).length, 1, name);
    }
    assert.equal(await far.get("assets/none.js"), null);
    assert.equal(await near.get("assets/none.js"), null);
    assert.equal(await new PageAssets(`${PAGE_DIST}/none`).manifest(), null);
  } finally {
    await server.shutdown();
  }
});

Deno.test("the package has the whole page", async () => {
  await buildPage();
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: REPO,
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).output();
  const published = [...new TextDecoder().decode(stderr).matchAll(/^ +(file:\S+) \(/gm)]
    .map(([, url]) => fileURLToPath(url).slice(REPO.length + 1));
  const built: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(`${REPO}/${folder}`)) {
      if (isDirectory) await walk(`${folder}/${name}`);
      else built.push(`${folder}/${name}`);
    }
  };
  await walk("manager/page_dist");
  assert.ok(built.length > 100);
  const isBuilt = (path: string) => path.startsWith("manager/page_dist");
  assert.deepEqual(published.filter(isBuilt).sort(), built.sort());
  for (const path of ["mod.ts", "manager/mod.ts", "LICENSE"]) assert.ok(published.includes(path));
});
