/** Common clients: curl and wget. */

import assert from "node:assert/strict";
import { TestManager } from "./support.ts";

async function installed(program: string): Promise<boolean> {
  return (await new Deno.Command("which", { args: [program], stdout: "null" }).output()).success;
}

async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command(program, { args }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.ok(success, `${program} ${args.join(" ")}: ${decode(stderr)}`);
  return decode(stdout);
}

async function folder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

const content = new Uint8Array(3_000_001).map((_, i) => (i * 7919) >> 5);

Deno.test({
  name: "curl writes, reads, resumes a download, and sends forms",
  ignore: !await installed("curl"),
  fn: async () => {
    await using m = await TestManager.start();
    await using here = await folder();
    const id = await m.volume("main");
    const files = `${m.url}/volumes/${id}/files`;
    const source = `${here.path}/source.bin`;
    const copy = `${here.path}/copy.bin`;
    await Deno.writeFile(source, content);
    await run("curl", "-sSf", "-T", source, `${files}/a.bin`);
    await run("curl", "-sSf", "-o", copy, `${files}/a.bin`);
    assert.deepEqual(await Deno.readFile(copy), content);
    await Deno.truncate(copy, 1_234_567);
    await run("curl", "-sSf", "-C", "-", "-o", copy, `${files}/a.bin`);
    assert.deepEqual(await Deno.readFile(copy), content);
    // From a pipe, so the length is unknown.
    await run("sh", "-c", `cat ${source} | curl -sSf -T - ${files}/piped.bin`);
    const piped = await m.ask("GET", `/volumes/${id}/files/piped.bin`);
    assert.deepEqual(piped.bytes, content);

    await Deno.writeTextFile(`${here.path}/small.txt`, "small");
    const form = JSON.parse(
      await run(
        "curl",
        "-sSf",
        "-F",
        `file=@${source};filename=deep/down/a.bin`,
        "-F",
        "note=ignored",
        "-F",
        `file=@${here.path}/small.txt`,
        "-F",
        `file=@/dev/null;filename=名 "q".txt`,
        `${files}?path=/`,
      ),
    );
    assert.deepEqual(
      form.files.map(({ path, size }: { path: string; size: number }) => [path, size]),
      [["/deep/down/a.bin", content.length], ["/small.txt", 5], ['/名 "q".txt', 0]],
    );
    const deep = await m.ask("GET", `/volumes/${id}/files/deep/down/a.bin`);
    assert.deepEqual(deep.bytes, content);
  },
});

Deno.test({
  name: "wget resumes an interrupted download",
  ignore: !await installed("wget"),
  fn: async () => {
    await using m = await TestManager.start();
    await using here = await folder();
    const id = await m.volume("main");
    await m.ask("PUT", `/volumes/${id}/files/a.bin`, { body: content });
    const copy = `${here.path}/copy.bin`;
    await Deno.writeFile(copy, content.slice(0, 2_000_000));
    await run("wget", "-q", "-c", "-O", copy, `${m.url}/volumes/${id}/files/a.bin`);
    assert.deepEqual(await Deno.readFile(copy), content);
  },
});
