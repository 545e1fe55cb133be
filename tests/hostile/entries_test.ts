/**
 * Hostile files at every entry that opens files: the command line, mounts, and
 * a manager's imports and folder. Nothing hangs, crashes or changes.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { MAIN, RUN } from "../support/cli.ts";
import { canMount, detach } from "../fuse/support.ts";
import type { CommandEnd } from "./commands.ts";
import { makeEndless, NARROW } from "./endless_table.ts";
import { HOSTILE_FILES, makeGoodFile, makeHostile } from "./files.ts";
import { TestProcess } from "../manager/processes.ts";
import { request } from "../manager/support.ts";

/** Time limit of one call, ms; ten times what a busy machine takes. */
const HANGS = 30_000;

/** Tables that every opening reads: the file is refused. */
const LISTED = ["volume", "mount"];

/** Tables that only checks read completely. */
const CHECKED = ["node", "edge", "content", "content_version", "content_chunk"];

interface Ground extends AsyncDisposable {
  folder: string;
  good: string;
  /** Hostile files by kind; each is refused with a code. */
  refused: Map<string, { path: string; code: "corrupt" | "unsupported" }>;
  /** Files by their endless table. */
  endless: Map<string, string>;
  /** Asserts that a file has not changed. */
  unchanged(): void;
}

async function ground(): Promise<Ground> {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-hostile-" });
  Deno.mkdirSync(`${folder}/files`);
  const good = `${folder}/good.aloe`;
  await makeGoodFile(good);
  const refused: Ground["refused"] = new Map();
  for (const file of HOSTILE_FILES) {
    const path = `${folder}/files/${file.kind}.aloe`;
    makeHostile(good, path, file);
    refused.set(file.kind, { path, code: file.code });
  }
  const endless = new Map<string, string>();
  for (const table of [...LISTED, ...CHECKED]) {
    const path = `${folder}/${LISTED.includes(table) ? "files/" : ""}endless-${table}.aloe`;
    Deno.copyFileSync(good, path);
    makeEndless(path, table, ["mount", "edge"].includes(table) ? NARROW : undefined);
    if (LISTED.includes(table)) refused.set(`endless-${table}`, { path, code: "corrupt" });
    else endless.set(table, path);
  }
  const before = contents(`${folder}/files`);
  return {
    folder,
    good,
    refused,
    endless,
    unchanged: () => assert.deepEqual(contents(`${folder}/files`), before),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function contents(folder: string): Map<string, Uint8Array> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  return new Map(names.map((name) => [name, Deno.readFileSync(`${folder}/${name}`)]));
}

/** Runs command lines in one process, with a time limit. */
async function runAll(lines: string[][], cwd: string): Promise<CommandEnd[]> {
  const module = fileURLToPath(new URL("./commands.ts", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: [...RUN.slice(0, RUN.indexOf(MAIN)), module],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(
    new TextEncoder().encode(lines.map((line) => JSON.stringify(line)).join("\n")),
  );
  await writer.close();
  const ends: CommandEnd[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => child.kill("SIGKILL"), HANGS);
  };
  wait();
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const parts = `${rest}${text}`.split("\n");
    rest = parts.pop()!;
    for (const part of parts) ends.push(JSON.parse(part));
    wait();
  }
  clearTimeout(timer);
  await child.status;
  assert.equal(ends.length, lines.length, `it hangs: ${lines[ends.length]?.join(" ")}`);
  return ends;
}

/** Asserts that a command line failed with one line of explanation. */
function assertRefused({ args, code, err }: CommandEnd): void {
  const what = `${args.join(" ")}: ${err}`;
  assert.equal(code, 1, what);
  assert.match(err, /^aloelite: [^\n]+\n$/, what);
  assert.doesNotMatch(err, /internal|TypeError|Error:/, what);
}

Deno.test("hostile files: no command hangs, crashes, or changes one", async () => {
  await using at = await ground();
  const { folder, good } = at;
  Deno.mkdirSync(`${folder}/mnt`);
  Deno.mkdirSync(`${folder}/out`);
  const commands = (file: string): string[][] =>
    [
      ["ls"],
      ["cat", "/a.txt"],
      ["get", "/a.txt", `${folder}/out/a.txt`],
      ["health"],
      ["verify", "--deep"],
      ["info"],
      ["volume", "ls"],
      ["prune"],
      ["put", good, "/b"],
      ["mount", `${folder}/mnt`],
      ["mount", "--daemon", `${folder}/mnt`],
    ].map((words) => ["--file", file, ...words]);
  const ends = await runAll(
    [...at.refused.values()].flatMap(({ path }) => commands(path)),
    folder,
  );
  ends.forEach(assertRefused);
  assert.deepEqual([...Deno.readDirSync(`${folder}/out`)], []);
  at.unchanged();
});

Deno.test("hostile files: readable parts of a file with an endless table are read, and checks name the table", async () => {
  await using at = await ground();
  const { folder, good } = at;
  const ends = await runAll(
    [...at.endless].flatMap(([table, file]) =>
      [
        ["health"],
        ["verify"],
        ["verify", "--deep"],
        ["prune"],
        ["ls"],
        ["cat", "/a.txt"],
        ["get", "/a.txt", `${folder}/${table}.txt`],
        ["put", good, "/b"],
      ].map((words) => ["--file", file, ...words])
    ),
    folder,
  );
  for (const end of ends) {
    const [, file, command] = end.args;
    const table = [...at.endless].find(([, path]) => path === file)![0];
    const what = `${end.args.join(" ")}: ${end.out}${end.err}`;
    if (command === "health" || command === "verify") {
      assert.equal(end.code, 1, what);
      assert.match(end.out, new RegExp(`damaged[-_]pages.*\\b${table}\\b`), what);
    } else if (command === "prune" || end.code !== 0) assertRefused(end);
    else if (command === "ls") assert.equal(end.out, "a.txt\n", what);
    else if (command === "cat") assert.equal(end.out, "kept", what);
  }
});

/** Bytes that claim to be a pack. */
const PACKS: [string, Uint8Array<ArrayBuffer>][] = [
  ["nothing", new Uint8Array()],
  ["noise", Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256)],
  ["deep", new Uint8Array(100_000).fill(0x91)],
  ["many", Uint8Array.from([0xdd, 0xff, 0xff, 0xff, 0xff])],
  ["large", Uint8Array.from([0xdd, 0, 0, 0, 1, 0xc6, 0xff, 0xff, 0xff, 0xff, 1])],
  ["text", new TextEncoder().encode('[{"name":"../x"}]')],
];

Deno.test("hostile packs: unpack refuses each, and leaves the volume unchanged", async () => {
  await using at = await ground();
  const { folder, good } = at;
  const file = ["--file", good];
  for (const [name, bytes] of PACKS) Deno.writeFileSync(`${folder}/${name}`, bytes);
  const puts = PACKS.map(([name]) => [...file, "put", `${folder}/${name}`, `/${name}`]);
  const unpacks = PACKS.map(([name]) => [...file, "unpack", `/${name}`]);
  const tree = [...file, "tree"];
  const ends = await runAll([...puts, tree, ...unpacks, tree, [...file, "verify"]], folder);
  for (const end of ends.slice(PACKS.length + 1, -2)) assertRefused(end);
  assert.equal(ends.at(-2)!.out, ends[PACKS.length].out);
  assert.equal(ends.at(-1)!.code, 0, ends.at(-1)!.out);
});

Deno.test({
  name: "hostile files: a mount of an endless table answers, and ends",
  ignore: canMount() !== null,
  fn: async () => {
    await using at = await ground();
    const dir = `${at.folder}/mnt`;
    Deno.mkdirSync(dir);
    try {
      for (const table of ["edge", "content_chunk"]) {
        const words = ["--file", at.endless.get(table)!, "mount"];
        await using child = TestProcess.command(Deno.execPath(), [...RUN, ...words, dir]);
        assert.match(await child.line(), /is mounted at/);
        assert.equal(await Deno.readTextFile(`${dir}/a.txt`), "kept");
        assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["a.txt"]);
        assert.equal((await child.end("SIGTERM")).code, 0);
      }
    } finally {
      detach(dir);
    }
  },
});

Deno.test("hostile files: a manager refuses each, serves the others, and ends", async () => {
  await using at = await ground();
  const root = `${at.folder}/root`;
  Deno.mkdirSync(`${root}/filesystems`, { recursive: true });
  for (const [kind, { path }] of at.refused) {
    Deno.copyFileSync(path, `${root}/filesystems/${kind}.aloe`);
  }
  for (const [table, path] of at.endless) {
    Deno.copyFileSync(path, `${root}/filesystems/endless-${table}.aloe`);
  }
  await using process = TestProcess.command(Deno.execPath(), [
    ...[...RUN, "serve", "--port", "0", "--root", root],
  ]);
  const url = (await process.line()).split(" ")[0];
  const made = await request("POST", `${url}/volumes`, { json: { name: "mine" } });
  assert.equal(made.status, 201, made.text);
  const own = `${url}/volumes/${made.json.id}/files/f`;
  assert.equal((await request("PUT", own, { body: "mine" })).status, 201);

  const listed = async (): Promise<{ id: string; name: string }[]> =>
    (await request("GET", `${url}/filesystems`)).json;
  // The manager may still be inspecting its folder.
  const end = performance.now() + 120_000;
  while ((await listed()).length < at.refused.size + 1) {
    assert.ok(performance.now() < end, "not all are listed");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const volumes = await request("GET", `${url}/volumes`);
  assert.deepEqual(volumes.json.map(({ name }: { name: string }) => name), ["mine"]);
  for (const { id, name } of await listed()) {
    const kind = at.refused.get(name);
    if (kind === undefined) {
      assert.equal(name, "mine");
      continue;
    }
    const asked = await Promise.all([
      request("GET", `${url}/filesystems/${id}/health`),
      request("GET", `${url}/filesystems/${id}/space`),
      request("POST", `${url}/filesystems/${id}/prune`),
    ]);
    for (const { status, json, text } of asked) {
      assert.equal(json?.code, kind.code, `${name}: ${status} ${text}`);
      assert.ok(!text.includes(at.folder), text);
    }
  }

  const files = [
    ...[...at.refused.values()],
    ...[...at.endless.values()].map((path) => ({ path, code: "corrupt" })),
  ];
  for (const { path, code } of files) {
    const { status, json, text } = await request("POST", `${url}/filesystems?name=x`, {
      headers: { "content-type": "application/octet-stream" },
      body: Deno.readFileSync(path),
    });
    assert.equal(status, 422, `${path}: ${text}`);
    assert.equal(json.code, code, `${path}: ${text}`);
    assert.ok(!text.includes(at.folder), text);
  }
  assert.equal((await request("GET", own)).text, "mine");
  assert.equal((await request("GET", `${url}/health`)).status, 200);
  assert.equal((await process.end("SIGTERM")).code, 0);
  for (const [kind, { path }] of at.refused) {
    assert.deepEqual(
      Deno.readFileSync(`${root}/filesystems/${kind}.aloe`),
      Deno.readFileSync(path),
      kind,
    );
  }
});
