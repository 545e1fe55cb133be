/**
 * Runs the README: every block of shell or TypeScript in it has to succeed, in
 * its order, as somebody would who follows it in a clone. Blocks that install
 * something, or run these tests, are marked `no-test` there; those that mount,
 * which not every machine can, `fuse`.
 */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { canMount } from "../support/cli.ts";

const REPO = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

interface Block {
  language: string;
  tested: boolean;
  code: string;
  line: number;
}

const mounts = canMount();

function blocks(markdown: string): Block[] {
  const found: Block[] = [];
  for (const match of markdown.matchAll(/^```(\S+)([^\n]*)\n(.*?)^```$/gms)) {
    const words = match[2].split(/\s+/);
    found.push({
      language: match[1],
      tested: !words.includes("no-test") && (mounts || !words.includes("fuse")),
      code: match[3],
      line: markdown.slice(0, match.index).split("\n").length,
    });
  }
  return found;
}

const readme = blocks(await Deno.readTextFile(join(REPO, "README.md")));
const manifest = JSON.parse(await Deno.readTextFile(join(REPO, "deno.json")));

/** The options that the task `aloelite` runs the command line with. */
function taskOptions(): string {
  const task: string = manifest.tasks.aloelite;
  const options = /^deno run (.*) cli\/main\.ts$/.exec(task)?.[1];
  assert(options !== undefined, `the task aloelite is not understood: ${task}`);
  return options;
}

/** Stands in for the commands that the README takes for granted. */
const PRELUDE = `
set -euo pipefail
mkdir -p .bin
cat > .bin/aloelite <<'END'
#!/usr/bin/env bash
exec "$DENO" run ${taskOptions()} --config "$REPO/deno.json" "$REPO/cli/main.ts" "$@"
END
chmod +x .bin/aloelite
PATH=$PWD/.bin:$PATH
npx() {
  if [[ "$1 $2 $3 $4" != "-y deno@2 task aloelite" ]]; then
    echo "not the documented command: npx $*" >&2
    return 64
  fi
  shift 4
  aloelite "$@"
}
`;

async function succeeds(command: string, args: string[], cwd: string): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
    stdin: "null",
    env: { NO_COLOR: "1", ALOELITE_FILE: "", DENO: Deno.execPath(), REPO },
  }).output();
  const text = new TextDecoder();
  assert.equal(code, 0, `${text.decode(stdout)}\n${text.decode(stderr)}`);
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

async function hasBash(): Promise<boolean> {
  try {
    return (await new Deno.Command("bash", { args: ["-c", "true"] }).output()).success;
  } catch {
    return false;
  }
}

Deno.test("the README's blocks are all of a known kind", () => {
  const known = new Set(["sh", "ts", "json"]);
  for (const { language, line } of readme) {
    assert(known.has(language), `README.md:${line}: a block of ${language} is not run`);
  }
  // Whatever is left out, it is not most of it.
  for (const language of ["sh", "ts"]) {
    assert(readme.filter((b) => b.language === language && b.tested).length >= 5, language);
  }
});

Deno.test({
  name: "the README's shell blocks run, one after the other",
  ignore: !await hasBash(),
  async fn(t) {
    const clone = await Deno.makeTempDir({ prefix: "aloelite-readme-" });
    try {
      await copyFolder(join(REPO, "docs"), join(clone, "docs"));
      for (const { code, line } of readme.filter((b) => b.language === "sh" && b.tested)) {
        await t.step(`README.md:${line}`, () => succeeds("bash", ["-c", PRELUDE + code], clone));
      }
    } finally {
      await Deno.remove(clone, { recursive: true });
    }
  },
});

Deno.test("the README's TypeScript blocks are sound and run, in a project as it describes", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-readme-" });
  try {
    const project = join(folder, "project");
    await Deno.mkdir(project);
    const config = readme.find((b) => b.language === "json");
    assert(config !== undefined);
    const link = JSON.parse(config.code).links[0];
    await Deno.symlink(REPO, join(project, link), { type: "dir" });
    await Deno.writeTextFile(join(project, "deno.json"), config.code);
    const files: string[] = [];
    for (const { code, line } of readme.filter((b) => b.language === "ts" && b.tested)) {
      files.push(`line_${line}.ts`);
      await Deno.writeTextFile(join(project, files.at(-1)!), code);
    }
    await t.step("types", () => succeeds(Deno.execPath(), ["check", ...files], project));
    for (const file of files) {
      const args = ["run", ...taskOptions().split(" "), file];
      await t.step(file, () => succeeds(Deno.execPath(), args, project));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
