/**
 * Copies of a manager's files that a client keeps up to date: real processes.
 */

import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import { aloelite, RUN } from "../support/cli.ts";
import { until } from "./mount_support.ts";
import { TestProcess } from "./processes.ts";
import { TestManager } from "./support.ts";

async function fileOf(m: TestManager, volume: string): Promise<string> {
  const list = (await m.ask("GET", "/volumes")).json as { id: string; fs_id: string }[];
  return `${m.root}/filesystems/${list.find(({ id }) => id === volume)!.fs_id}.aloe`;
}

/** Returns the writer's last number in a valid copy. */
async function numberIn(path: string): Promise<number> {
  await using fs = await AloeLite.open(path, { readOnly: true });
  assert.deepEqual(await fs.health(), []);
  const [volume] = await fs.volumes();
  await using mount = await fs.mount(volume.id, { access: "ro" });
  assert.deepEqual((await mount.verify({ deep: true })).problems, []);
  return Number(new TextDecoder().decode(await mount.readAll("/number")).split("\n")[0]);
}

/**
 * Returns it from a copy of the copy, so that no companions are left beside it.
 */
async function numberOf(path: string): Promise<number> {
  const copy = await Deno.makeTempFile();
  try {
    await Deno.copyFile(path, copy);
    return await numberIn(copy);
  } finally {
    for (const suffix of ["", "-wal", "-shm"]) await Deno.remove(copy + suffix).catch(() => {});
  }
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** A proxy that counts the requests to a manager. */
function counter(target: string): { url: string; statuses: number[] } & AsyncDisposable {
  const statuses: number[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      const response = await fetch(`${target}${pathname}`, { headers: request.headers });
      statuses.push(response.status);
      return response;
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    statuses,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("--once copies, and transfers nothing when nothing has changed", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  await using writer = TestProcess.deno("writer.ts", await fileOf(m, id), "steps");
  await writer.line();
  await writer.say("1");
  await writer.line();
  await using proxy = counter(m.url);
  const folder = await Deno.makeTempDir();
  const dest = `${folder}/copy.aloe`;
  const once = () => aloelite(["replicate", `${proxy.url}/volumes/${id}`, dest, "--once"]);
  for (let i = 0; i < 3; i++) {
    const { code, err } = await once();
    assert.equal(code, 0, err);
  }
  assert.deepEqual(proxy.statuses, [200, 304, 304]);
  assert.equal(await numberOf(dest), 1);
  assert.deepEqual(names(folder), [".copy.aloe.etag", "copy.aloe"]);
  await writer.say("2");
  await writer.line();
  // A copy that was modified is replaced, whatever its ETag was.
  assert.equal((await once()).code, 0);
  assert.equal(await numberOf(dest), 2);
  await Deno.writeTextFile(dest, "somebody was here");
  assert.equal((await once()).code, 0);
  assert.equal(await numberOf(dest), 2);
  assert.deepEqual(proxy.statuses.slice(3), [200, 200]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("it follows a file that is written, and keeps older copies", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  await using writer = TestProcess.deno("writer.ts", await fileOf(m, id), "load");
  await writer.line();
  const folder = await Deno.makeTempDir();
  const dest = `${folder}/copy.aloe`;
  await using replicate = TestProcess.command(Deno.execPath(), [
    ...RUN,
    ...["replicate", `${m.url}/volumes/${id}/export`, dest, "--interval", "1s", "--keep", "2"],
  ]);
  const numbers: number[] = [];
  for (let i = 0; i < 4; i++) {
    assert.match(await replicate.line(), /copy\.aloe: /);
    numbers.push(await numberOf(dest));
  }
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
  assert.ok(numbers[3] > numbers[0]);
  const kept = names(folder).filter((name) => /^copy\.aloe\.2/.test(name));
  assert.equal(kept.length, 2);
  for (const name of kept) assert.ok(await numberOf(`${folder}/${name}`) <= numbers[3]);
  const { code } = await replicate.end("SIGTERM");
  assert.equal(code, 143);
  assert.ok(!names(folder).some((name) => name.includes(".part")), names(folder).join(" "));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("killed during a transfer it leaves the old copy complete, and cleans up at its next start", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  const file = await fileOf(m, id);
  await using writer = TestProcess.deno("writer.ts", file, "steps");
  await writer.line();
  await writer.say("1");
  await writer.line();
  const folder = await Deno.makeTempDir();
  const dest = `${folder}/copy.aloe`;
  const words = (url: string, ...more: string[]) => [
    ...RUN,
    ...["replicate", `${url}/volumes/${id}`, dest, ...more],
  ];
  const first = new Deno.Command(Deno.execPath(), { args: words(m.url, "--once") });
  assert.equal((await first.output()).code, 0);
  // A manager that stops in the middle of a transfer.
  let sent = Promise.withResolvers<void>();
  await using stuck = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new Uint8Array(100_000));
            sent.resolve();
          },
        }),
        { headers: { "content-length": "1000000", etag: '"x"' } },
      ),
  );
  const stuckUrl = `http://127.0.0.1:${stuck.addr.port}`;
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    sent = Promise.withResolvers<void>();
    await using replicate = TestProcess.command(Deno.execPath(), words(stuckUrl));
    await sent.promise;
    await until("some of it is there", () => names(folder).some((name) => name.includes(".part")));
    await replicate.end(signal);
    assert.equal(await numberOf(dest), 1);
    assert.equal(names(folder).some((name) => name.includes(".part")), signal === "SIGKILL");
    // The next run deletes the remains.
    await writer.say("2");
    await writer.line();
    assert.equal(
      (await new Deno.Command(Deno.execPath(), { args: words(m.url, "--once") }).output()).code,
      0,
    );
    assert.deepEqual(names(folder), [".copy.aloe.etag", "copy.aloe"]);
    await writer.say("1");
    await writer.line();
    assert.equal(
      (await new Deno.Command(Deno.execPath(), { args: words(m.url, "--once") }).output()).code,
      0,
    );
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an invalid copy is refused; retries have increasing pauses", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  await using writer = TestProcess.deno("writer.ts", await fileOf(m, id), "steps");
  await writer.line();
  await writer.say("1");
  await writer.line();
  const good = (await m.ask("GET", `/volumes/${id}/export`)).bytes;
  const damaged = good.slice();
  damaged.fill(3, 4096, 12_000);
  const answers: (() => Response)[] = [
    () => new Response("nothing", { status: 404 }),
    () => new Response("later", { status: 503, headers: { "retry-after": "0" } }),
    () => new Response("<html>", { headers: { etag: '"html"' } }),
    () => new Response(damaged as BodyInit),
    () => new Response(good as BodyInit, { headers: { etag: '"good"' } }),
  ];
  let asked = 0;
  const authorizations: (string | null)[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      authorizations.push(request.headers.get("authorization"));
      if (request.headers.get("if-none-match") === '"good"') {
        return new Response(null, {
          status: 304,
        });
      }
      return answers[Math.min(asked++, answers.length - 1)]();
    },
  );
  const folder = await Deno.makeTempDir();
  const dest = `${folder}/copy.aloe`;
  const token = "a token that nobody sees";
  await Deno.writeTextFile(`${folder}/token`, `${token}\n`);
  const url = `http://127.0.0.1:${server.addr.port}/filesystems/x`;
  const options = ["--interval", "1s", "--token-file", `${folder}/token`];
  const child = new Deno.Command(Deno.execPath(), {
    args: [...RUN, "replicate", url, dest, ...options],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const said = new Response(child.stderr).text();
  await until("the good one is there", () => names(folder).includes("copy.aloe"), 45_000);
  await until("it is asked again", () => authorizations.length > answers.length);
  child.kill("SIGTERM");
  await child.status;
  await child.stdout.cancel();
  const text = await said;
  assert.equal(await numberOf(dest), 1);
  assert.ok(authorizations.every((each) => each === `Bearer ${token}`));
  assert.match(text, /404/);
  assert.match(text, /503/);
  assert.equal(text.trim().split("\n").length, 4, text);
  assert.ok(!text.includes(token));
  assert.ok(!names(folder).some((name) => name.includes(".part")));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("wrong arguments are reported; a copy in use is not replaced", async () => {
  const folder = await Deno.makeTempDir();
  const dest = `${folder}/copy.aloe`;
  const run = (...words: string[]) => aloelite(["replicate", ...words]);
  assert.equal((await run("http://127.0.0.1:1/else", dest, "--once")).code, 1);
  assert.equal((await run("ftp://127.0.0.1/volumes/a", dest, "--once")).code, 1);
  assert.equal((await run("http://127.0.0.1:1/volumes/a", dest, "--interval", "0s")).code, 2);
  assert.equal((await run("http://127.0.0.1:1/volumes/a", dest, "--keep", "some")).code, 2);
  assert.equal((await run("http://127.0.0.1:1/volumes/a", dest, "--cert", dest)).code, 1);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const nobody = await run(`http://127.0.0.1:${port}/volumes/a`, dest, "--once");
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /refused/i);
  assert.deepEqual(names(folder), []);
  await using m = await TestManager.start();
  const id = await m.volume("a");
  assert.equal((await run(`${m.url}/volumes/${id}`, dest, "--once")).code, 0);
  {
    await using fs = await AloeLite.open(dest);
    await using mount = await fs.mount(id);
    await mount.put("/mine", "x");
    await using writer = TestProcess.deno("writer.ts", await fileOf(m, id), "steps");
    await writer.line();
    await writer.say("1");
    await writer.line();
    const refused = await run(`${m.url}/volumes/${id}`, dest, "--once");
    assert.equal(refused.code, 1);
    assert.match(refused.err, /in use/);
  }
  assert.equal((await run(`${m.url}/volumes/${id}`, dest, "--once")).code, 0);
  assert.equal(await numberOf(dest), 1);
  await Deno.remove(folder, { recursive: true });
});
