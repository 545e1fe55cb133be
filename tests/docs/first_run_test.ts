/** What the first command fetches on a new machine, and that later ones fetch nothing. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };

const REPO = fileURLToPath(new URL("../..", import.meta.url));

/** The bytes of all files below a folder. */
async function sizeOf(folder: string): Promise<number> {
  let sum = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    sum += isDirectory ? await sizeOf(path) : (await Deno.lstat(path)).size;
  }
  return sum;
}

Deno.test("the task aloelite fetches once what the command line needs, and says nothing of it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-first-" });
  try {
    const task = async (...args: string[]): Promise<string> => {
      const ran = await new Deno.Command(Deno.execPath(), {
        args: ["task", "--quiet", "aloelite", "-f", `${folder}/n.fs`, ...args],
        cwd: REPO,
        env: { DENO_DIR: `${folder}/cache`, NO_COLOR: "1" },
      }).output();
      const text = new TextDecoder();
      assert.equal(text.decode(ran.stderr), "");
      assert.ok(ran.success);
      return text.decode(ran.stdout);
    };
    assert.match(await task("put", "-rcl", "docs"), /^\/docs\/FORMAT\.md$/m);
    const packages = `${folder}/cache/npm`;
    const [registry] = [...Deno.readDirSync(packages)].map((e) => e.name);
    const fetched = new Set([...Deno.readDirSync(`${packages}/${registry}`)].map((e) => e.name));
    assert.ok(fetched.has("kysely"));
    for (const name of ["react", "react-aria", "pdfjs-dist", "playwright-core", "fast-check"]) {
      assert.ok(!fetched.has(name), `the command line fetches ${name}`);
    }
    assert.ok(await sizeOf(folder) < 64e6, `${await sizeOf(folder)} bytes`);

    // Nothing is asked of a registry any more: an address that is none does no harm.
    const again = await new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "aloelite", "-f", `${folder}/n.fs`, "ls", "/docs"],
      cwd: REPO,
      env: {
        ...{ DENO_DIR: `${folder}/cache`, NO_COLOR: "1" },
        ...{ HTTPS_PROXY: "http://127.0.0.1:9/", HTTP_PROXY: "http://127.0.0.1:9/" },
      },
    }).output();
    assert.equal(new TextDecoder().decode(again.stderr), "");
    assert.match(new TextDecoder().decode(again.stdout), /^FORMAT\.md$/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("every task pins the packages that it runs with", () => {
  const tasks = Object.entries(manifest.tasks as Record<string, string | { command: string }>);
  for (const [name, task] of tasks) {
    const command = typeof task === "string" ? task : task.command;
    for (const [part] of command.matchAll(/deno (?:run|test|check)\b[^&]*/g)) {
      assert.match(part, / --lock=(?:cli\/)?deno\.lock /, name);
    }
  }
});

Deno.test("the lock of the command line has all that it loads", async () => {
  const ran = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--lock=cli/deno.lock", "--frozen", "--entrypoint", "cli/main.ts"],
    cwd: REPO,
    env: { NO_COLOR: "1" },
    stdout: "null",
  }).output();
  assert.ok(ran.success, new TextDecoder().decode(ran.stderr));
});
