/** The single binary: it can be built, and is complete. */

import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { bundle } from "../../cli/compile.ts";
import { canMount } from "../support/cli.ts";

const text = new TextDecoder();

/** Runs a program in a folder, without this machine's caches. */
async function output(
  folder: string,
  [program, ...args]: readonly string[],
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: folder,
    env: { DENO_DIR: `${folder}/cache`, NO_COLOR: "1", SECRET: "correct horse" },
  }).output();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

/** Mounts a volume, which starts a thread and the program itself again. */
async function mounts(ok: (...args: string[]) => Promise<string>, folder: string): Promise<void> {
  const directory = `${folder}/mnt`;
  Deno.mkdirSync(directory);
  const options = ["-v", "s", "--pin-env", "SECRET"];
  try {
    await ok("-f", "t.aloe", ...options, "mount", "--daemon", "mnt");
    assert.equal(Deno.readTextFileSync(`${directory}/a.txt`), "alpha");
    Deno.writeTextFileSync(`${directory}/b.txt`, "beta");
    await ok("unmount", "mnt");
  } finally {
    await new Deno.Command("umount", { args: ["-lq", directory], stderr: "null" }).output();
  }
  assert.equal(await ok("-f", "t.aloe", ...options, "cat", "/b.txt"), "beta");
}

/** Runs the manager: its threads, its page, and the process of a mount. */
async function serves(folder: string, program: readonly string[]): Promise<void> {
  const [command, ...args] = program;
  const child = new Deno.Command(command, {
    args: [...args, "--json", "serve", "--root", `${folder}/root`, "--port", "0"],
    cwd: folder,
    env: { DENO_DIR: `${folder}/cache`, NO_COLOR: "1" },
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    const { url } = JSON.parse((await reader.read()).value!);
    const ask = async (method: string, path: string, json?: unknown) => {
      const response = await fetch(`${url}${path}`, {
        method,
        ...(json === undefined
          ? {}
          : { headers: { "content-type": "application/json" }, body: JSON.stringify(json) }),
      });
      const body = await response.text();
      assert.ok(response.ok, `${method} ${path}: ${response.status} ${body}`);
      return body;
    };
    const page = await ask("GET", "/");
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(page)![1];
    assert.ok((await ask("GET", script)).length > 10_000);
    assert.match(await ask("GET", "/docs"), /swagger/);
    const wish = { name: "v", encrypted: true, pin: "correct horse" };
    const { id, fs_id } = JSON.parse(await ask("POST", "/volumes", wish));
    const volume = `/volumes/${id}`;
    await ask("POST", `${volume}/unlock`, { pin: "correct horse" });
    await ask("GET", `${volume}/export`);
    await ask("GET", `/filesystems/${fs_id}/health`);
    if (canMount()) await ask("POST", `${volume}/mount`, { pin: "correct horse" });
  } finally {
    child.kill("SIGTERM");
    await reader.cancel();
    assert.equal((await child.status).code, 0);
  }
}

/** Runs a session, from the version to a file that is read back unchanged. */
async function session(folder: string, program: readonly string[]): Promise<void> {
  const ok = async (...args: string[]): Promise<string> => {
    const { code, out, err } = await output(folder, [...program, ...args]);
    assert.equal(code, 0, `${args.join(" ")}: ${err}`);
    assert.equal(err, "");
    return out;
  };
  assert.equal(await ok("--version"), `aloelite ${manifest.version}\n`);
  Deno.mkdirSync(`${folder}/tree`);
  Deno.writeTextFileSync(`${folder}/tree/a.txt`, "alpha");
  await ok("-f", "t.aloe");
  await ok("-f", "t.aloe", "put", "-r", "tree", "/");
  assert.equal(await ok("-f", "t.aloe", "ls", "/tree"), "a.txt\n");
  await ok("-f", "t.aloe", "get", "-r", "/tree", "copy");
  assert.equal(Deno.readTextFileSync(`${folder}/copy/a.txt`), "alpha");
  // Lazily loaded modules are in the bundle too.
  assert.equal(await ok("-f", "t.aloe", "find", "*.txt"), "/tree/a.txt\n");
  await ok("-f", "t.aloe", "pack", "/tree");
  await ok("-f", "t.aloe", "volume", "create", "s", "--pin-env", "SECRET");
  await ok("-f", "t.aloe", "-v", "s", "--pin-env", "SECRET", "put", "tree/a.txt", "/");
  assert.equal(
    await ok("-f", "t.aloe", "-v", "s", "--pin-env", "SECRET", "cat", "/a.txt"),
    "alpha",
  );
  if (canMount()) await mounts(ok, folder);
  await serves(folder, program);
  const wrong = await output(folder, [...program, "lss"]);
  assert.match(wrong.err, /did you mean ls\?/);
}

Deno.test("cli: the bundle is complete", async () => {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-bundle-" });
  try {
    await bundle(`${folder}/bundle`);
    assert.ok([...Deno.readDirSync(`${folder}/bundle`)].some((e) => e.name.startsWith("bar-")));
    await session(folder, [
      ...[Deno.execPath(), "run", "--no-config", "--no-lock", "--no-remote", "--no-npm", "-A"],
      `${folder}/bundle/main.js`,
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("cli: the binary", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-binary-" });
  const binary = `${folder}/aloelite`;
  try {
    // Without a runtime for compilation, deno is used instead: the binary is built the same way,
    // but runs as deno instead of the program.
    const made = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", new URL("../../cli/compile.ts", import.meta.url).pathname, "-o", binary],
      cwd: folder,
      env: { DENORT_BIN: Deno.env.get("DENORT_BIN") ?? Deno.execPath() },
    }).output();
    assert.equal(made.code, 0, text.decode(made.stderr));
    assert.ok(Deno.statSync(binary).size > 10_000_000);
    const { out } = await output(folder, [binary, "--version"]);
    await t.step({
      name: "runs",
      ignore: out.startsWith("deno "),
      fn: () => session(folder, [binary]),
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
