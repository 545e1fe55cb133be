/** The command line: volumes mounted as directories in the kernel. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { OpenDenial } from "../../fuse/open_denial.ts";
import { mountVolume } from "../../fuse/mod.ts";
import { parseMountRequest } from "../../cli/mount_options.ts";
import {
  Bench,
  canMount,
  type Ended,
  exists,
  type Given,
  hangingOnce,
  onTerminal,
  quoted,
  RUN,
  start,
} from "../support/cli.ts";
import { placesOf } from "../fuse/process_memory.ts";

const PIN = "correct horse";
const HELPER = fileURLToPath(new URL("../../cli/mount.fuse.aloelite", import.meta.url));

/** The path at which mount(8) looks for helpers. */
const INSTALLED = "/sbin/mount.fuse.aloelite";

const ignore = !canMount();
const root = Deno.build.os === "linux" && Deno.uid() === 0;

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

/** A mount in the foreground. */
interface Running {
  child: Deno.ChildProcess;
  /** The line printed when the mount was ready. */
  line: string;
  /** Returns the output on standard error so far. */
  said(): string;
  /** Waits for the end; returns all output. */
  ended(): Promise<Ended>;
}

/** A file and a directory to mount at; unmounts everything at the end. */
class Mounts extends Bench {
  /** The mount point. */
  readonly dir: string = this.path("mnt");

  constructor() {
    super();
    Deno.mkdirSync(this.dir);
  }

  /** Mounts in the foreground and waits for the ready line. */
  async mount(args: readonly string[] = [], given: Given = {}): Promise<Running> {
    const child = start(["-f", this.file, "mount", ...args, this.dir], {
      cwd: this.folder,
      ...given,
    });
    if (given.stdin !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(given.stdin as string));
      await writer.close();
    }
    let out = "";
    let err = "";
    const read = async (from: ReadableStream<Uint8Array>, take: (text: string) => void) => {
      const decoder = new TextDecoder();
      for await (const bytes of from) take(decoder.decode(bytes, { stream: true }));
    };
    let ready!: () => void;
    const printed = new Promise<void>((resolve) => ready = resolve);
    const streams = Promise.all([
      read(child.stdout, (text) => {
        out += text;
        if (out.includes("\n")) ready();
      }),
      read(child.stderr, (text) => err += text),
    ]);
    await Promise.race([printed, child.status]);
    if (!out.includes("\n")) {
      await streams;
      assert.fail(`not mounted: ${err}`);
    }
    return {
      child,
      line: out.slice(0, out.indexOf("\n")),
      said: () => err,
      ended: async () => {
        const { code } = await child.status;
        await streams;
        return { code, out, err, bytes: new Uint8Array() };
      },
    };
  }

  /** Mounts in the background. @returns The daemon's process id. */
  async daemon(args: readonly string[] = [], given: Given = {}): Promise<number> {
    return (await this.json(["mount", "--daemon", ...args, this.dir], given)).pid;
  }

  /** Checks that no side files are left and the file is healthy. */
  async sound(pin: readonly string[] = []): Promise<void> {
    // A reader may leave an empty file.
    assert.ok((size(`${this.file}-wal`) ?? 0) === 0, "a -wal is left");
    assert.deepEqual(await this.json(["mounts"]), []);
    assert.equal(await this.ok(["health"]), "healthy\n");
    assert.match(await this.ok(["verify", "--deep", ...pin]), /no problem/);
  }

  override [Symbol.dispose](): void {
    while (isMounted(this.dir)) {
      if (!new Deno.Command("umount", { args: ["-l", this.dir] }).outputSync().success) break;
    }
    super[Symbol.dispose]();
  }
}

/** Returns the number of mounts at a directory, including stacked ones. */
function mountsAt(dir: string): number {
  return Deno.readTextFileSync("/proc/self/mountinfo").split("\n")
    .filter((line) => line.split(" ")[4] === dir).length;
}

function isMounted(dir: string): boolean {
  return mountsAt(dir) > 0;
}

/** Returns a file's size; null when it does not exist. */
function size(path: string): number | null {
  return exists(path) ? Deno.statSync(path).size : null;
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

/** Installs the helper of mount(8) until it is disposed. */
function installHelper(bench: Bench): Disposable {
  const bin = bench.path("bin");
  Deno.mkdirSync(bin);
  Deno.writeTextFileSync(
    `${bin}/aloelite`,
    `#!/bin/sh\nexec ${quoted([Deno.execPath(), ...RUN])} "$@"\n`,
    { mode: 0o755 },
  );
  // mount(8) sets its own PATH for helpers; the helper also looks in its own folder.
  Deno.copyFileSync(HELPER, `${bin}/helper`);
  Deno.symlinkSync(`${bin}/helper`, INSTALLED);
  return { [Symbol.dispose]: () => Deno.removeSync(INSTALLED) };
}

/** Runs another program. */
function run(program: string, args: readonly string[], env: Record<string, string> = {}): Ended {
  const { code, stdout, stderr } = new Deno.Command(program, { args: [...args], env }).outputSync();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr), bytes: stdout };
}

const ends: [string, (running: Running, dir: string) => unknown][] = [
  ["SIGINT", ({ child }) => child.kill("SIGINT")],
  ["SIGTERM", ({ child }) => child.kill("SIGTERM")],
  ["SIGHUP", ({ child }) => child.kill("SIGHUP")],
  ["fusermount3 -u", (_, dir) => assert.equal(run("fusermount3", ["-u", dir]).code, 0)],
];

for (const [name, end] of ends) {
  Deno.test({
    name: `cli: a mount that ${name} ends leaves a file that is complete`,
    ignore,
    fn: async () => {
      using bench = new Mounts();
      await bench.ok([]);
      const running = await bench.mount();
      assert.equal(
        running.line,
        `volume main of ${Deno.realPathSync(bench.file)} is mounted at ${
          Deno.realPathSync(bench.dir)
        }`,
      );
      Deno.mkdirSync(`${bench.dir}/docs`);
      Deno.writeTextFileSync(`${bench.dir}/docs/a.txt`, "alpha");
      Deno.writeFileSync(`${bench.dir}/big`, new Uint8Array(3_000_000).fill(7));
      end(running, bench.dir);
      const { code, out, err } = await running.ended();
      assert.equal(err, "");
      assert.equal(code, 0);
      assert.equal(out, `${running.line}\n`);
      assert.ok(!isMounted(bench.dir));
      assert.equal(size(`${bench.file}-wal`), null);
      await bench.sound();
      assert.equal(await bench.ok(["cat", "/docs/a.txt"]), "alpha");
      assert.equal((await bench.json(["stat", "/big"])).size, 3_000_000);
    },
  });
}

Deno.test({
  name: "cli: a signal ends a hung mount, in the foreground and as a daemon",
  ignore,
  fn: async () => {
    await Promise.all([false, true].map(async (daemon) => {
      using bench = new Mounts();
      await bench.ok([]);
      const log = bench.path("log");
      const sign = bench.path("hang");
      const running = daemon ? null : await bench.mount([], hangingOnce(sign));
      const pid = running?.child.pid ?? await bench.daemon(["--log", log], hangingOnce(sign));
      Deno.writeTextFileSync(`${bench.dir}/kept`, "kept");
      assert.ok(new Deno.Command("sync", { args: [`${bench.dir}/kept`] }).outputSync().success);
      Deno.writeTextFileSync(sign, "");
      // In a separate process, because it may block.
      const writer = new Deno.Command("sh", {
        args: ["-c", 'echo lost > "$1/lost"; sync "$1/lost"', "sh", bench.dir],
        stderr: "null",
      }).spawn();
      const busy = () => Number(Deno.readTextFileSync(`/proc/${pid}/stat`).split(" ")[13]);
      const begun = busy();
      await until(() => busy() > begun + 100);
      Deno.kill(pid, "SIGTERM");
      await until(() => !isRunning(pid));
      assert.ok(!isMounted(bench.dir));
      assert.ok(!(await writer.status).success);
      if (running === null) {
        assert.match(Deno.readTextFileSync(log), /what was not written back is lost/);
      } else {
        const { code, err } = await running.ended();
        assert.equal(code, 1);
        assert.match(err, /it does not answer; what was not written back is lost/);
      }
      assert.equal(await bench.ok(["cat", "/kept"]), "kept");
      assert.equal(await bench.ok(["health"]), "healthy\n");
      assert.match(await bench.ok(["verify", "--deep"]), /no problem/);
    }));
  },
});

Deno.test({
  name: "cli: a busy mount waits; a second signal unmounts it lazily",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    const running = await bench.mount();
    const file = Deno.openSync(`${bench.dir}/open`, { create: true, write: true });
    running.child.kill("SIGTERM");
    await until(() => running.said().includes("in use"));
    assert.match(running.said(), /^aloelite: mount: .*mnt: busy: [^\n]*\n$/);
    assert.ok(isMounted(bench.dir));
    // Even while the mount is in use, changes reach the file soon.
    await until(async () => await bench.ok(["ls"]) === "open\n");
    running.child.kill("SIGTERM");
    await until(() => !isMounted(bench.dir));
    file.writeSync(new TextEncoder().encode("to the end"));
    file.close();
    const { code, err } = await running.ended();
    assert.equal(code, 0);
    assert.match(err, /busy: .*\n.*busy: unmounted lazily/);
    await bench.sound();
    assert.equal(await bench.ok(["cat", "/open"]), "to the end");

    // Without a second signal, the mount ends once it is no longer in use.
    const patient = await bench.mount();
    const other = Deno.openSync(`${bench.dir}/open`);
    patient.child.kill("SIGINT");
    await until(() => patient.said().includes("in use"));
    other.close();
    assert.equal((await patient.ended()).code, 0);
    await bench.sound();
  },
});

Deno.test({
  name: "cli: a daemon mounts, is ready when the command returns, and ends cleanly",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    // Relative paths, as users write them.
    const made = await bench.run(["mount", "--create", "--daemon", "mnt"]);
    assert.deepEqual([made.code, made.out, made.err], [0, "", ""]);
    assert.ok(isMounted(bench.dir));
    Deno.writeTextFileSync(`${bench.dir}/a`, "alpha");
    assert.equal((await bench.json(["volume", "ls"]))[0].chunkSize, 65536);
    assert.match(
      await bench.fails(1, ["mount", "mnt"]),
      /^aloelite: mount: mnt: a volume is mounted there; unmount it with `aloelite unmount`\n$/,
    );
    assert.match(
      await bench.fails(1, ["mount", "--daemon", "mnt"]),
      /^aloelite: mount: mnt: a volume is mounted there/,
    );
    assert.equal((await bench.run(["unmount", "mnt"])).err, "");
    assert.ok(!isMounted(bench.dir));
    await bench.sound();
    assert.equal(await bench.ok(["cat", "/a"]), "alpha");

    const pid = await bench.daemon();
    assert.ok(isRunning(pid));
    const status = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1].split(" ");
    assert.equal(Number(status[3]), pid, "a session of its own");
    assert.equal(Deno.readLinkSync(`/proc/${pid}/cwd`), "/");
    for (const fd of [0, 1, 2]) {
      await until(() => Deno.readLinkSync(`/proc/${pid}/fd/${fd}`) === "/dev/null");
    }
    Deno.removeSync(`${bench.dir}/a`);
    Deno.kill(pid, "SIGTERM");
    await until(() => !isRunning(pid));
    await bench.sound();
    assert.equal(await bench.ok(["ls"]), "");

    const busy = await bench.daemon(["--log", "log"]);
    assert.equal(
      Deno.readLinkSync(`/proc/${busy}/fd/2`),
      Deno.realPathSync(bench.path("log")),
    );
    assert.equal(Deno.statSync(bench.path("log")).mode! & 0o777, 0o600);
    const file = Deno.openSync(`${bench.dir}/b`, { create: true, write: true });
    assert.match(await bench.fails(1, ["unmount", bench.dir]), /: in use: .*--lazy/);
    await bench.ok(["unmount", "--lazy", bench.dir]);
    assert.ok(!isMounted(bench.dir));
    file.close();
    await until(() => !isRunning(busy));
    await bench.sound();
    assert.match(await bench.fails(1, ["unmount", bench.dir]), /mnt: /);
  },
});

Deno.test({
  name: "cli: mount --create creates only what is missing",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.fails(1, ["mount", bench.dir]);
    assert.ok(!exists(bench.file));
    const mount = async (...args: string[]): Promise<void> => {
      await bench.daemon(["--create", ...args]);
      await bench.ok(["unmount", bench.dir]);
    };
    await mount("-v", "a", "--chunk-size", "128KiB");
    await mount("-v", "a", "--chunk-size", "1MiB");
    await mount("-ocreate", "--volume=b");
    const volumes: { name: string; chunkSize: number }[] = await bench.json(["volume", "ls"]);
    assert.deepEqual(
      volumes.map((v) => [v.name, v.chunkSize]).sort(),
      [["a", 131072], ["b", 65536]],
    );
    assert.match(await bench.fails(1, ["mount", bench.dir]), /several volumes; choose one with -v/);
    assert.match(await bench.fails(1, ["mount", "-v", "c", bench.dir]), /no volume c; there are/);
    assert.match(
      await bench.fails(2, ["mount", "--chunk-size", "4KiB", bench.dir]),
      /add --create/,
    );
    await bench.sound(["-v", "a"]);
  },
});

Deno.test({
  name: "cli: read-only mounts",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    await bench.ok(["put", "-", "/a"], { stdin: "one" });
    for (const args of [["--read-only"], ["-o", "ro"]]) {
      const running = await bench.mount(args);
      assert.equal(Deno.readTextFileSync(`${bench.dir}/a`), "one");
      assert.throws(() => Deno.writeTextFileSync(`${bench.dir}/b`, ""), /Read-only/);
      running.child.kill("SIGTERM");
      assert.equal((await running.ended()).code, 0);
    }
    await delay(1100);
    const then = new Date().toISOString();
    await delay(1100);
    await bench.ok(["put", "-", "/a"], { stdin: "two" });
    await bench.ok(["put", "-", "/b"], { stdin: "new" });
    await bench.ok(["mkdir", "/d"]);
    const running = await bench.mount(["--at", then]);
    assert.equal(Deno.readTextFileSync(`${bench.dir}/a`), "one");
    assert.deepEqual([...Deno.readDirSync(bench.dir)].map((e) => e.name), ["a"]);
    assert.throws(() => Deno.removeSync(`${bench.dir}/a`), /Read-only/);
    running.child.kill("SIGTERM");
    assert.equal((await running.ended()).code, 0);
    // A node removed since then is visible as long as it is in the trash.
    await bench.ok(["rm", "/a"]);
    await bench.daemon(["--at", then]);
    assert.equal(Deno.readTextFileSync(`${bench.dir}/a`), "one");
    await bench.ok(["unmount", bench.dir]);
    await bench.ok(["trash", "purge", "--all"]);
    await bench.daemon(["--at", then]);
    assert.deepEqual([...Deno.readDirSync(bench.dir)], []);
    await bench.ok(["unmount", bench.dir]);
    await bench.sound();
  },
});

Deno.test({
  name: "cli: mounts keep the requested history",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    const write = async (name: string, args: string[]): Promise<number> => {
      const running = await bench.mount(args);
      for (let i = 0; i < 4; i++) {
        const file = Deno.openSync(`${bench.dir}/${name}`, { create: true, write: true });
        file.writeSync(new TextEncoder().encode(`${i}`));
        file.syncSync();
        file.close();
      }
      Deno.writeTextFileSync(`${bench.dir}/gone-${name}`, "");
      Deno.openSync(`${bench.dir}/gone-${name}`).close();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      Deno.removeSync(`${bench.dir}/gone-${name}`);
      running.child.kill("SIGTERM");
      assert.equal((await running.ended()).code, 0);
      assert.equal(await bench.ok(["cat", `/${name}`]), "3");
      return (await bench.json(["history", `/${name}`])).length;
    };
    assert.equal(await write("none", []), 1);
    assert.deepEqual(await bench.json(["trash", "ls"]), []);
    assert.equal(await write("two", ["--history", "2"]), 2);
    assert.ok(await write("all", ["-o", "history=all"]) >= 4);
    const trash: { path: string }[] = await bench.json(["trash", "ls"]);
    assert.deepEqual(trash.map((t) => t.path).sort(), ["/gone-all", "/gone-two"]);
    await bench.fails(2, ["mount", "--history", "0", bench.dir]);
    await bench.sound();
  },
});

Deno.test({
  name: "cli: mounts of encrypted volumes with PINs from every source",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    const right = bench.path("right");
    const wrong = bench.path("wrong");
    Deno.writeTextFileSync(right, `${PIN}\n`);
    Deno.writeTextFileSync(wrong, "battery staple");
    const end = () => bench.ok(["unmount", bench.dir]);
    const created = await bench.daemon(["--create", "--pin-env", "P", "--enc-mode", "random"], {
      env: { P: PIN },
    });
    for (const what of ["cmdline", "environ"]) {
      assert.ok(!Deno.readTextFileSync(`/proc/${created}/${what}`).includes(PIN), what);
    }
    Deno.writeTextFileSync(`${bench.dir}/a`, "alpha");
    await end();
    assert.equal((await bench.json(["volume", "ls"]))[0].encryption, "random");
    for (const how of [["--pin-file", right], ["-o", `pin-file=${right}`]]) {
      await bench.daemon(how);
      assert.equal(Deno.readTextFileSync(`${bench.dir}/a`), "alpha");
      await end();
    }
    const words = [Deno.execPath(), ...RUN, "-f", bench.file, "mount", "--daemon", bench.dir];
    const shell = run("bash", ["-c", `${quoted(words)} --pin-fd 7 7<<<'${PIN}'`]);
    assert.deepEqual([shell.code, shell.err], [0, ""]);
    assert.equal(Deno.readTextFileSync(`${bench.dir}/a`), "alpha");
    await end();
    const running = await bench.mount(["--pin-fd", "0"], { stdin: `${PIN}\n` });
    assert.equal(Deno.readTextFileSync(`${bench.dir}/a`), "alpha");
    await end();
    assert.equal((await running.ended()).code, 0);

    // The command asks for the PIN, not the daemon.
    const asked = ["-f", bench.file, "mount", "--daemon", bench.dir];
    const { shown, code } = await onTerminal(asked, [`${PIN}\r`]);
    assert.equal(code, 0, shown);
    assert.equal(shown.trim(), "PIN of volume main:");
    assert.equal(Deno.readTextFileSync(`${bench.dir}/a`), "alpha");
    await end();

    for (const mode of [[], ["--daemon"]]) {
      const said = await bench.fails(1, ["mount", ...mode, "--pin-file", wrong, bench.dir]);
      assert.equal(said, "aloelite: mount: volume main: wrong PIN\n");
      assert.match(
        await bench.fails(1, ["mount", ...mode, bench.dir]),
        /volume main: encrypted; give its PIN with/,
      );
    }
    assert.ok(!isMounted(bench.dir));
    await bench.sound(["--pin-file", right]);
  },
});

Deno.test({
  name: "cli: the leftovers of a killed daemon are removed",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    const kill = async (pid: number): Promise<void> => {
      Deno.kill(pid, "SIGKILL");
      await until(() => !isRunning(pid));
      // The kernel answers from its cache, so look up a new name.
      assert.throws(
        () => Deno.statSync(`${bench.dir}/${crypto.randomUUID()}`),
        /not connected|connection abort/,
      );
    };
    const first = await bench.daemon();
    Deno.writeTextFileSync(`${bench.dir}/a`, "alpha");
    const file = Deno.openSync(`${bench.dir}/a`);
    file.syncSync();
    file.close();
    await kill(first);
    const second = await bench.daemon();
    assert.equal(mountsAt(bench.dir), 1);
    assert.equal(Deno.readTextFileSync(`${bench.dir}/a`), "alpha");
    await kill(second);
    await bench.ok(["unmount", bench.dir]);
    assert.ok(!isMounted(bench.dir));
    const running = await bench.mount();
    running.child.kill("SIGTERM");
    assert.equal((await running.ended()).code, 0);
    assert.equal(await bench.ok(["cat", "/a"]), "alpha");
    assert.equal(await bench.ok(["health"]), "healthy\n");
    assert.match(await bench.ok(["verify", "--deep"]), /no problem/);
  },
});

Deno.test({
  name: "cli: mount(8) mounts a line of fstab",
  ignore: ignore || !root || exists(INSTALLED),
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    const pin = bench.path("pin");
    Deno.writeTextFileSync(pin, PIN);
    await bench.ok(["volume", "create", "s", "--pin-file", pin]);
    const fstab = bench.path("fstab");
    const line = (options: string) =>
      Deno.writeTextFileSync(fstab, `${bench.file} ${bench.dir} fuse.aloelite ${options} 0 0\n`);
    const mount = (...args: string[]) => run("mount", ["-T", fstab, ...args]);
    {
      using _helper = installHelper(bench);
      line(
        `volume=s,pin-file=${pin},uid=1000,gid=1001,history=3,allow_other,noauto,nofail,` +
          `user,_netdev,x-systemd.automount`,
      );
      assert.deepEqual(mount(bench.dir), { code: 0, out: "", err: "", bytes: new Uint8Array() });
      const info = Deno.readTextFileSync("/proc/self/mountinfo").split("\n")
        .find((l) => l.split(" ")[4] === bench.dir)!;
      assert.match(info, / - fuse\.aloelite \S*t\.aloe /);
      for (const word of ["nosuid", "nodev", "noexec", "allow_other"]) {
        assert.ok(info.includes(word), `${word}: ${info}`);
      }
      Deno.writeTextFileSync(`${bench.dir}/a`, "alpha");
      assert.equal(Deno.statSync(bench.dir).uid, 1000);
      assert.equal(Deno.statSync(bench.dir).gid, 1001);
      // mount(8) knows that it is mounted and does nothing.
      line(`volume=s,pin-file=${pin}`);
      assert.equal(mount("-a").code, 0);
      assert.deepEqual(run("umount", [bench.dir]).err, "");
      await until(() => !size(`${bench.file}-wal`));
      assert.equal(mount("-a", "-o", "ro").code, 0);
      assert.equal(Deno.readTextFileSync(`${bench.dir}/a`), "alpha");
      assert.throws(() => Deno.writeTextFileSync(`${bench.dir}/b`, ""), /Read-only/);
      assert.equal(run("umount", [bench.dir]).code, 0);

      line("volume=none");
      const missing = mount(bench.dir);
      assert.equal(missing.code, 32);
      assert.match(missing.err, /no volume none; there are: main, s/);
      line("volume=main,nonsense");
      const nonsense = mount(bench.dir);
      assert.equal(nonsense.code, 1);
      assert.match(nonsense.err, /unknown mount option nonsense/);
      await until(() => !size(`${bench.file}-wal`));
      assert.equal(
        run("mount", ["-t", "fuse.aloelite", "-o", "volume=main", bench.file, bench.dir]).code,
        0,
      );
      assert.deepEqual([...Deno.readDirSync(bench.dir)], []);
      await bench.ok(["unmount", bench.dir]);
      await bench.sound(["-v", "s", "--pin-file", pin]);
    }
  },
});

Deno.test({
  name: "cli: options of mount(8) through the helper, and remounting",
  ignore: ignore || !root || exists(INSTALLED),
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    using _ = installHelper(bench);
    const { file, dir } = bench;
    const mount = (options: string, more = [file, dir]) =>
      run("mount", ["-t", "fuse.aloelite", "-o", options, ...more]);
    const remount = (options: string) => mount(`remount,${options}`, [dir]);
    const options = () => {
      const words = Deno.readTextFileSync("/proc/self/mountinfo").split("\n")
        .map((line) => line.split(" ")).find((line) => line[4] === dir)!;
      return new Set(`${words[5]},${words.at(-1)}`.split(","));
    };
    const has = (...words: string[]) => {
      const there = options();
      for (const word of words) {
        const not = word.startsWith("!");
        assert.equal(there.has(word.replace("!", "")), !not, `${word}: ${[...there]}`);
      }
    };
    const fine = ({ code, err }: Ended, what: string) => assert.equal(code, 0, `${what}: ${err}`);
    const end = async () => {
      await until(() => run("umount", [dir]).code === 0);
      await until(() => !size(`${file}-wal`));
    };

    // A mount by mount(8) has the defaults of mount(8), including these options.
    fine(mount("suid,dev"), "suid,dev");
    has("rw", "!nosuid", "!nodev", "!noexec", "!sync");
    assert.equal(run("mknod", ["-m", "666", `${dir}/null`, "c", "1", "3"]).code, 0);
    Deno.writeTextFileSync(`${dir}/null`, "to a device");
    assert.equal(Deno.readTextFileSync(`${dir}/null`), "");
    Deno.writeTextFileSync(`${dir}/a`, "alpha");
    fine(remount("ro"), "ro");
    has("ro", "!nosuid", "!nodev");
    assert.throws(() => Deno.writeTextFileSync(`${dir}/a`, "beta"), /Read-only/);
    assert.equal(await bench.ok(["cat", "/a"]), "alpha", "all of it is in the file by then");
    fine(remount("rw"), "rw");
    Deno.writeTextFileSync(`${dir}/a`, "beta");
    {
      using _open = Deno.openSync(`${dir}/a`, { write: true });
      const { code, err } = remount("ro");
      assert.equal(code, 32);
      assert.match(err, /mnt: files are open for writing/);
      has("rw");
    }
    fine(remount("nosuid,nodev,noexec,noatime,nodiratime,sync"), "all");
    has("nosuid", "nodev", "noexec", "noatime", "nodiratime", "sync");
    fine(remount("ro"), "the others stay");
    has("ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime", "sync");
    fine(remount("rw,suid,dev,exec,diratime,async"), "their opposites");
    has("rw", "!nosuid", "!nodev", "!noexec", "noatime", "!nodiratime", "!sync");
    await bench.ok(["mount", "-o", "remount,ro,nosuid", dir]);
    has("ro", "nosuid", "!nodev");
    await end();
    assert.equal(await bench.ok(["cat", "/a"]), "beta");

    fine(mount("ro"), "ro");
    const { code, err } = remount("rw");
    assert.equal(code, 32);
    assert.match(err, /mounted read-only; unmount it/);
    has("ro");
    await end();
    assert.match(await bench.fails(1, ["mount", "-o", "remount,ro", dir]), /no volume is mounted/);

    const generic = "nodiratime,diratime,lazytime,nolazytime,relatime,norelatime,strictatime," +
      "nostrictatime,noauto,auto,user,users,owner,group,nofail,_netdev,x-a.b,x-c=d,X-mount.mkdir," +
      "comment=a,defaults,rw,iversion,noiversion,mand,nomand,silent,loud,atime,noatime,async,sync," +
      "dirsync,exec,suid,dev,nosymfollow";
    fine(mount(generic), generic);
    has("rw", "noatime", "sync", "dirsync", "nosymfollow", "!nodiratime");
    Deno.symlinkSync("a", `${dir}/link`);
    assert.throws(() => Deno.readTextFileSync(`${dir}/link`), /os error 40/);
    await end();
    // Test the parser only: mount(8) drops some words, and mounting each would take long.
    for (const word of [...generic.split(","), "user=root", "nouser", "ro"]) {
      parseMountRequest(new Map([["options", word]]));
    }
    for (const word of ["nonsense", "nosuidd", "volume", "sync=1"]) {
      assert.equal(mount(word).code, 1);
      assert.match(mount(word).err, /mount option/, word);
    }
    await bench.sound();
  },
});

Deno.test({
  name: "cli: clear errors for impossible mounts",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    Deno.writeTextFileSync(bench.path("plain"), "");
    for (const mode of [[], ["--daemon"]]) {
      const fails = (...args: string[]) => bench.fails(1, ["mount", ...mode, ...args]);
      assert.match(await fails(bench.path("none")), /none: no such file or directory/);
      assert.match(await fails(bench.path("plain")), /plain: not a directory/);
      assert.match(await fails(bench.folder), /the mount would hide/);
      assert.match(await fails("-v", "none", bench.dir), /no volume none; there are: main/);
      assert.match(
        await bench.fails(2, ["mount", ...mode, "-o", "nonsense", bench.dir]),
        /unknown mount option nonsense/,
      );
    }
    assert.match(
      await bench.fails(1, ["mount", "--log", bench.path("none/log"), bench.dir]),
      /none\/log: no such file or directory/,
    );
    assert.match(await bench.fails(1, ["unmount", bench.path("none")]), /none: /);
    assert.match(
      await bench.fails(1, ["unmount", bench.dir]),
      /mnt: no volume is mounted there\n$/,
    );
    await bench.sound();
  },
});

/** Damages a table of a file while a task runs. */
async function damaging(file: string, name: string, task: () => Promise<void>): Promise<void> {
  using db = new DatabaseSync(file);
  const chunk = db.prepare(
    `SELECT chunk_hash, data FROM content_chunk WHERE chunk_hash IN (
      SELECT chunk_hash FROM content_version JOIN node ON node_id = content_id WHERE name = ?)`,
  ).get(name) as { chunk_hash: string; data: Uint8Array };
  const set = db.prepare("UPDATE content_chunk SET data = ? WHERE chunk_hash = ?");
  set.run(new Uint8Array(1), chunk.chunk_hash);
  try {
    await task();
  } finally {
    set.run(chunk.data, chunk.chunk_hash);
  }
}

Deno.test({
  name: "cli: a failed write-back sets the exit codes of mount and unmount",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    // Change part of a damaged chunk, so that the chunk cannot be written.
    const before = "12345678".repeat(1024);
    await bench.ok(["put", "-", "/bad"], { stdin: before });
    const write = () => {
      for (const name of ["good", "better"]) Deno.writeTextFileSync(`${bench.dir}/${name}`, name);
      // A whole page, which the kernel need not read first.
      using bad = Deno.openSync(`${bench.dir}/bad`, { write: true });
      bad.writeSync(new Uint8Array(4096).fill(65));
    };
    const checkRest = async () => {
      assert.equal(await bench.ok(["cat", "/good", "/better"]), "goodbetter");
      assert.equal(await bench.ok(["cat", "/bad"]), before);
      await bench.ok(["rm", "/good", "/better"]);
      await bench.sound();
    };

    const running = await bench.mount();
    await damaging(bench.file, "bad", async () => {
      write();
      {
        using file = Deno.openSync(`${bench.dir}/bad`, { write: true });
        assert.throws(() => file.syncSync(), /Input\/output error/);
      }
      using file = Deno.openSync(`${bench.dir}/good`, { write: true });
      file.syncSync();
      file.close();
      await until(() => running.said().includes("/bad: not written back"));
      running.child.kill("SIGTERM");
      const { code, err } = await running.ended();
      assert.equal(code, 1);
      assert.match(err, /not written back: \/bad \(/);
      assert.doesNotMatch(err, /good|better/);
    });
    await checkRest();

    await bench.daemon(["--log", "log"]);
    await damaging(bench.file, "bad", async () => {
      write();
      const said = await bench.fails(1, ["unmount", bench.dir]);
      assert.match(said, /^aloelite: unmount: .*mnt: not written back: \/bad \(/);
      assert.ok(!isMounted(bench.dir));
    });
    assert.match(Deno.readTextFileSync(bench.path("log")), /mnt: \/bad: not written back/);
    await checkRest();
  },
});

Deno.test({
  name: "cli: a trigger added by another program under a mount does not run, and no data is lost",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    const running = await bench.mount();
    Deno.writeTextFileSync(`${bench.dir}/before`, "before");
    using during = Deno.openSync(`${bench.dir}/during`, { write: true, createNew: true });
    using db = new DatabaseSync(bench.file);
    db.exec("PRAGMA busy_timeout = 60000");
    const evil = `CREATE TRIGGER evil AFTER INSERT ON node
      BEGIN UPDATE content SET size = 0; DELETE FROM content_version; END`;
    db.exec(evil);
    during.writeSync(new TextEncoder().encode("during"));
    assert.throws(() => during.syncSync(), /Input\/output error/);
    await until(() => /unsupported: .*trigger "evil"/.test(running.said()));
    await bench.fails(1, ["ls"]);
    db.exec("DROP TRIGGER evil");
    during.syncSync();
    {
      using file = Deno.openSync(`${bench.dir}/new`, { write: true, createNew: true });
      file.writeSync(new TextEncoder().encode("new"));
      file.syncSync();
    }
    assert.equal(await bench.ok(["cat", "/before", "/during"]), "beforeduring");
    // A trigger that stays is reported at the end of the mount.
    during.writeSync(new TextEncoder().encode(", and lost"));
    db.exec(evil);
    during.close();
    running.child.kill("SIGTERM");
    const { code, err } = await running.ended();
    assert.notEqual(code, 0);
    assert.match(err, /trigger "evil"/);
    db.exec("DROP TRIGGER evil");
    assert.equal(await bench.ok(["cat", "/before", "/new"]), "beforenew");
  },
});

Deno.test({
  name: "cli: unmount waits only for its own mount",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    const other = bench.path("other");
    Deno.mkdirSync(other);
    await bench.daemon();
    await bench.json(["mount", "--daemon", other]);
    try {
      Deno.writeTextFileSync(`${bench.dir}/a`, "alpha");
      await bench.ok(["unmount", bench.dir]);
      await until(() => exists(`${other}/a`));
      assert.equal(Deno.readTextFileSync(`${other}/a`), "alpha");
    } finally {
      await bench.ok(["unmount", other]);
    }
    await bench.sound();
  },
});

Deno.test({
  name: "cli: unmount returns while another mount of the file is busy, also for a linked path",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    const [other, link] = [bench.path("other"), bench.path("link")];
    Deno.mkdirSync(other);
    Deno.symlinkSync(bench.dir, link);
    await bench.json(["mount", "--daemon", other]);
    try {
      using open = Deno.openSync(`${other}/open`, { create: true, write: true });
      const inside = new Deno.Command("sleep", { args: ["600"], cwd: other }).spawn();
      try {
        for (const path of [bench.dir, link, `${link}/`, "mnt", "link/.", "other/../mnt"]) {
          const pid = await bench.daemon();
          Deno.writeTextFileSync(`${bench.dir}/a`, path);
          await bench.ok(["unmount", path], { cwd: bench.folder });
          assert.ok(!isMounted(bench.dir), path);
          assert.equal(await bench.ok(["cat", "/a"]), path, "it waited for what was written");
          await until(() => !isRunning(pid));
          assert.match(await bench.fails(1, ["unmount", other]), /other: in use/);
        }
        open.writeSync(new TextEncoder().encode("still there"));
      } finally {
        inside.kill("SIGKILL");
        await inside.status;
      }
    } finally {
      await bench.ok(["unmount", other]);
    }
    assert.equal(await bench.ok(["cat", "/open"]), "still there");
    await bench.sound();
  },
});

Deno.test({
  name: "cli: of two nested mounts of a file, the inner one is unmounted first",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    const pid = await bench.daemon();
    const inner = `${bench.dir}/inner`;
    Deno.mkdirSync(inner);
    const innerPid = (await bench.json(["mount", "--daemon", inner])).pid;
    try {
      Deno.writeTextFileSync(`${inner}/a`, "alpha");
      await until(() => exists(`${bench.dir}/a`));
      assert.match(await bench.fails(1, ["unmount", bench.dir]), /mnt: in use/);
      await bench.ok(["unmount", inner]);
    } finally {
      if (isMounted(inner)) run("umount", ["-l", inner]);
    }
    await until(() => !isRunning(innerPid));
    assert.equal(Deno.readTextFileSync(`${bench.dir}/a`), "alpha");
    await bench.ok(["unmount", bench.dir]);
    await until(() => !isRunning(pid));
    await bench.sound();
  },
});

Deno.test({
  name: "cli: a directory with entries is mounted on only on request",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    const left = `${bench.dir}/left`;
    Deno.writeTextFileSync(left, "hidden");
    for (const mode of [[], ["--daemon"]]) {
      assert.match(
        await bench.fails(1, ["mount", ...mode, bench.dir]),
        /mnt: not empty; .*--nonempty\n$/,
      );
      assert.ok(!isMounted(bench.dir));
    }
    for (const asked of [["--nonempty"], ["-o", "nonempty"]]) {
      await bench.daemon(asked);
      assert.ok(!exists(left));
      await bench.ok(["unmount", bench.dir]);
      assert.equal(Deno.readTextFileSync(left), "hidden");
    }
    await assert.rejects(mountVolume({ file: bench.file, mountpoint: bench.dir }), {
      code: "not_empty",
    });
    await bench.sound();
  },
});

Deno.test({
  name: "cli: writes after the end of an encrypted mount leave no plaintext",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    const pin = bench.path("pin");
    Deno.writeTextFileSync(pin, PIN);
    await bench.ok(["volume", "create", "s", "--pin-file", pin]);
    const given = ["-v", "s", "--pin-file", pin];
    /** Writes files until it is stopped or denied. */
    const writer = (stop: boolean) =>
      new Deno.Command("python3", {
        args: [
          "-c",
          `
import itertools, os, sys
if os.getuid() == 0 and len(sys.argv) > 2: os.setgid(65534); os.setuid(65534)
for i in itertools.count():
    try:
        with open(f"{sys.argv[1]}/f{i}", "w") as file: file.write("secret")
    except OSError:
        ${stop ? "break" : "pass"}
`,
          bench.dir,
          ...(stop ? [] : ["nobody"]),
        ],
        cwd: "/",
        stderr: "null",
      }).spawn();
    // Programs of root stop at the first failure here; nobody's can go on.
    for (const stop of root ? [true, false] : [true]) {
      await bench.daemon([...given, ...(root ? ["--allow-other"] : [])]);
      if (root) Deno.chmodSync(bench.dir, 0o777);
      const child = writer(stop);
      await until(() => exists(`${bench.dir}/f9`));
      // It has a file open now and then.
      await until(async () => (await bench.run(["unmount", bench.dir])).code === 0);
      if (stop) assert.equal((await child.status).signal, null);
      else {
        await delay(300);
        child.kill("SIGKILL");
        await child.status;
      }
      if (!root) Deno.chmodSync(bench.dir, 0o700);
      assert.deepEqual([...Deno.readDirSync(bench.dir)], []);
      assert.equal(Deno.statSync(bench.dir).mode! & 0o7777, root ? 0 : 0o700);
    }
    // It can be mounted on again, also when the mount was killed, and removed.
    const kill = async () => {
      const pid = await bench.daemon(given);
      assert.equal(Deno.readTextFileSync(`${bench.dir}/f9`), "secret");
      Deno.kill(pid, "SIGKILL");
      await until(() => !isRunning(pid));
    };
    await kill();
    await kill();
    await bench.ok(["unmount", bench.dir]);
    Deno.removeSync(bench.dir);
  },
});

Deno.test({
  name: "cli: a program of root's that goes on writing leaves nothing below an encrypted mount",
  ignore: ignore || !root,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    const pin = bench.path("pin");
    Deno.writeTextFileSync(pin, PIN);
    await bench.ok(["volume", "create", "s", "--pin-file", pin]);
    const given = ["-v", "s", "--pin-file", pin];
    const denial = OpenDenial.of(bench.dir);
    if (denial === null) return console.log("ignored: this kernel asks nobody about opens");
    denial.close();
    for (const how of ["open(p, 'a')", "open(p + str(i), 'w')"]) {
      await bench.daemon(given);
      const code = `
import itertools, sys, time
p = sys.argv[1] + "/f"
for i in itertools.count():
    try:
        with ${how} as file: file.write("secret")
    except OSError: pass
    time.sleep(0.02)
    if i == 9: open(sys.argv[2], "w").close()
`;
      const begun = bench.path(`begun${how.length}`);
      const child = new Deno.Command("python3", { args: ["-c", code, bench.dir, begun] }).spawn();
      try {
        await until(() => exists(begun));
        // It has a file open now and then.
        await until(async () => (await bench.run(["unmount", bench.dir])).code === 0);
        // Longer than anything is waited for.
        await delay(1500);
        assert.deepEqual([...Deno.readDirSync(bench.dir)], [], how);
      } finally {
        child.kill("SIGKILL");
        await child.status;
      }
      assert.deepEqual([...Deno.readDirSync(bench.dir)], [], how);
    }
    // It can be mounted on, and is made removable by being told of.
    await bench.daemon(given);
    await bench.ok(["unmount", bench.dir]);
    await bench.run(["unmount", bench.dir]);
    Deno.removeSync(bench.dir);
  },
});

Deno.test({
  name: "cli: the PIN is nowhere in the process that answers a mount",
  ignore,
  fn: async () => {
    using bench = new Mounts();
    await bench.ok([]);
    const secret = "kRnz-Qx7vT!äWort";
    const pin = bench.path("pin");
    Deno.writeTextFileSync(pin, `${secret}\n`);
    await bench.ok(["volume", "create", "s", "--pin-file", pin]);
    const unmount = async (pid: number) => {
      Deno.writeTextFileSync(`${bench.dir}/a`, "alpha");
      assert.deepEqual(placesOf(secret, pid), []);
      await bench.ok(["unmount", bench.dir]);
    };
    await unmount(await bench.daemon(["-v", "s", "--pin-file", pin]));
    await unmount(await bench.daemon(["-v", "s", "--pin-env", "S"], { env: { S: secret } }));
    for (const [given, stdin] of [[["--pin-file", pin]], [["--pin-fd", "0"], `${secret}\n`]]) {
      const options = stdin === undefined ? {} : { stdin: stdin as string };
      const running = await bench.mount(["-v", "s", ...given], options);
      await unmount(running.child.pid);
      assert.equal((await running.ended()).code, 0);
    }
    // It is seen where it is.
    const holder = new Deno.Command("sleep", { args: ["60"], env: { S: secret } }).spawn();
    assert.notDeepEqual(placesOf(secret, holder.pid), []);
    holder.kill("SIGKILL");
    await holder.status;
  },
});
