/** The command line: closed pipes, signals, and undamaged files. */

import assert from "node:assert/strict";
import { Bench, exists, hangingOnce, MAIN, onTerminal, RUN, start } from "../support/cli.ts";

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until a condition holds, for at most a minute. */
async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 1200; i++) {
    if (await what()) return;
    await delay(50);
  }
  assert.fail("it did not come to be");
}

async function sound(bench: Bench): Promise<void> {
  assert.equal(await bench.ok(["health"]), "healthy\n");
  assert.match(await bench.ok(["verify", "--deep"]), /no problem/);
  assert.deepEqual(await bench.json(["mounts"]), []);
}

Deno.test({
  name: "cli: a closed pipe ends a command quietly",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    using bench = new Bench();
    await bench.ok([]);
    await bench.ok(["put", "-", "/big"], {
      stdin: new Uint8Array(5_000_000).fill(97),
    });
    await Promise.all(
      [["cat", "/big"], ["get", "/big", "-"]].map(async (args) => {
        const words = [Deno.execPath(), ...RUN, "-f", bench.file, ...args]
          .map((w) => `'${w}'`).join(" ");
        const { stdout, stderr, code } = await new Deno.Command("bash", {
          args: ["-c", `set -o pipefail; ${words} | head -c 1`],
        }).output();
        assert.equal(new TextDecoder().decode(stderr), "");
        assert.equal(new TextDecoder().decode(stdout), "a");
        assert.equal(code, 0);
      }),
    );
    const full = await new Deno.Command("bash", {
      args: [
        "-c",
        `'${Deno.execPath()}' ${RUN.join(" ")} -f '${bench.file}' cat /big >/dev/full`,
      ],
    }).output();
    assert.equal(full.code, 1);
    assert.match(
      new TextDecoder().decode(full.stderr),
      /^aloelite: cat: .*no space left/,
    );
    await sound(bench);
  },
});

Deno.test("cli: read, write and env permissions suffice", async () => {
  using bench = new Bench();
  await bench.ok([]);
  const run = async (...args: string[]): Promise<{ code: number; err: string }> => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--allow-read",
        "--allow-write",
        "--allow-env",
        MAIN,
        "-f",
        bench.file,
        ...args,
      ],
      stdin: "null",
      env: { NO_COLOR: "1" },
    }).output();
    return { code, err: new TextDecoder().decode(stderr) };
  };
  Deno.mkdirSync(bench.path("d"));
  Deno.writeTextFileSync(bench.path("d/f"), "f");
  assert.deepEqual(await run("put", "-r", bench.path("d"), "/"), { code: 0, err: "" });
  assert.deepEqual(await run("get", "-r", "/d", bench.path("e")), { code: 0, err: "" });
  // Except for VACUUM, for which SQLite attaches a database.
  const shrunk = await run("prune", "--vacuum");
  assert.equal(shrunk.code, 1);
  assert.match(shrunk.err, /cleaned up, but not shrunk: VACUUM needs .*--allow-all/);
});

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test({
    name: `cli: ${signal} in the middle of writing leaves the file sound`,
    ignore: Deno.build.os !== "linux",
    fn: async () => {
      using bench = new Bench();
      await bench.ok([]);
      await bench.ok(["put", "-", "/kept"], { stdin: "kept" });
      // The input is endless, and its zeros take no space.
      const endless = ["put", "--read-special", "/dev/zero", "/large"];
      const put = start(["-f", bench.file, ...endless]);
      await until(async () => (await bench.json(["mounts"])).length === 1);
      await delay(300);
      put.kill(signal);
      const ended = await put.output();
      assert.equal(ended.code, code);
      assert.equal(new TextDecoder().decode(ended.stderr), "");
      assert.equal(new TextDecoder().decode(ended.stdout), "");
      assert.equal(await bench.ok(["ls"]), "kept\n");
      assert.deepEqual(await bench.json(["trash", "ls"]), []);

      // Wait for standard input that never comes; the old content stays.
      const stdin = start(["-f", bench.file, "put", "-", "/kept"], {
        stdin: "",
      });
      const writer = stdin.stdin.getWriter();
      await writer.write(new Uint8Array(3_000_000));
      await until(async () => (await bench.json(["mounts"])).length === 1);
      stdin.kill(signal);
      const stopped = await stdin.status;
      assert.equal(stopped.code, code);
      assert.equal(await new Response(stdin.stderr).text(), "");
      await stdin.stdout.cancel();
      await writer.close().catch(() => {});
      assert.equal(await bench.ok(["cat", "/kept"]), "kept");
      await sound(bench);
    },
  });
}

Deno.test({
  name: "cli: Ctrl-C during get leaves no incomplete file",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    using bench = new Bench();
    await bench.ok([]);
    {
      await using fs = await (await import("../../mod.ts")).AloeLite.open(
        bench.file,
      );
      await using mount = await fs.mount();
      // Much content from one chunk.
      await using to = await mount.openWrite("/large");
      const ones = new Uint8Array(2 ** 20).fill(1);
      for (let i = 0; i < 1500; i++) await to.write(ones);
    }
    const get = start(["-f", bench.file, "get", "/large", "out"], {
      cwd: bench.folder,
    });
    await until(() => exists(bench.path("out")) && Deno.statSync(bench.path("out")).size > 0);
    get.kill("SIGINT");
    const { code, stderr } = await get.output();
    assert.equal(code, 130);
    assert.equal(new TextDecoder().decode(stderr), "");
    assert.equal(exists(bench.path("out")), false);
  },
});

Deno.test({
  name: "cli: progress is shown only on a terminal",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using bench = new Bench();
    await bench.ok([]);
    const pipe = bench.path("pipe");
    new Deno.Command("mkfifo", { args: [pipe] }).outputSync();
    Deno.writeFileSync(bench.path("rest"), new Uint8Array(16 * 1024 ** 2));
    const feed = async (): Promise<void> => {
      using to = await Deno.open(pipe, { write: true });
      for (let i = 0; i < 12; i++) {
        await to.write(new Uint8Array(1024 ** 2));
        await delay(100);
      }
    };
    const put = (...args: string[]) => ["-f", bench.file, "put", "--read-special", pipe, ...args];
    const [{ shown, code }] = await Promise.all([
      onTerminal(put(bench.path("rest"), "/"), []),
      feed(),
    ]);
    assert.equal(code, 0, shown);
    const bytes = String.raw`[\d.]+ [KM]iB`;
    assert.match(
      shown,
      new RegExp(`put  [=-]+  \\d+%  ${bytes} of 16 MiB  ${bytes}/s  [\\dms]+ left`),
    );
    // The line is removed at the end.
    assert.ok(shown.trimEnd().endsWith("\x1b[2K"), shown);

    const [unknown] = await Promise.all([onTerminal(put("/pipe2"), []), feed()]);
    assert.equal(unknown.code, 0, unknown.shown);
    assert.match(unknown.shown, new RegExp(`put  ${bytes}  ${bytes}/s`));
    const [piped] = await Promise.all([
      bench.run(["put", "--read-special", pipe, "/pipe3"]),
      feed(),
    ]);
    assert.equal(piped.err + piped.out, "");
  },
});

/** Returns the names of a process's threads. */
function threadsOf(pid: number): string[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/task/${name}/comm`);
    } catch {
      // The thread has ended.
      return "";
    }
  });
}

Deno.test({
  name: "cli: a signal ends a command that hangs in a statement",
  // The test reads /proc.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await Promise.all((["SIGTERM", "SIGINT"] as const).map(async (signal) => {
      using bench = new Bench();
      await bench.ok([]);
      const sign = bench.path("hang");
      const child = start(["-f", bench.file, "put", "-", "/a"], {
        ...hangingOnce(sign),
        cwd: bench.folder,
        stdin: "",
      });
      const writer = child.stdin.getWriter();
      await until(async () => (await bench.json(["mounts"])).length === 1);
      // The watchdog thread.
      await until(() => threadsOf(child.pid).some((name) => name.startsWith("worker-")));
      Deno.writeTextFileSync(sign, "");
      await writer.write(new TextEncoder().encode("lost"));
      await writer.close();
      const worked = () => Number(Deno.readTextFileSync(`/proc/${child.pid}/stat`).split(" ")[13]);
      const begun = worked();
      await until(() => worked() > begun + 100);
      // The thread may have started without listening yet.
      const again = setInterval(() => {
        try {
          child.kill(signal);
        } catch {
          // The process has ended.
        }
      }, 1000);
      const { code, signal: by } = await child.output();
      clearInterval(again);
      assert.deepEqual([code, by], [137, "SIGKILL"]);
      assert.equal(await bench.ok(["health"]), "healthy\n");
    }));
  },
});
