import { fileURLToPath } from "node:url";
import { cacheFolder, output } from "./peer_process.ts";

/** A filesystem that is mounted through FUSE, with a directory to mount it at. */
export interface FusePeer {
  /** What the rows call it. */
  name: string;
  /** Which part of the usual number of files and MiB it is given; the figures are rates. */
  scale: number;
  /** Prepares what it keeps its files in, in a directory of its own, and gives its command. */
  start(directory: string): Promise<Command | { missing: string }>;
}

/** A daemon that stays in the foreground; the mountpoint is its last argument. */
export interface Command {
  program: string;
  args: string[];
  env?: Record<string, string>;
  /** Whether what it says is shown. */
  loud?: boolean;
}

const PIN = "0 to 9";

/** Ours, of a plain or of an encrypted volume. */
export function ours(encrypted: boolean): FusePeer {
  return {
    name: encrypted ? "ours, encrypted" : "ours",
    scale: 1,
    start(directory) {
      const daemon = fileURLToPath(new URL("fuse_daemon.ts", import.meta.url));
      // For looking into a run: flags of `deno run`, such as a CPU profile's.
      const flags = Deno.env.get("ALOELITE_BENCH_DENO_FLAGS")?.split(" ") ?? [];
      return Promise.resolve<Command>({
        program: Deno.execPath(),
        args: ["run", "--allow-all", ...flags, daemon, `${directory}/main.aloe`],
        env: encrypted ? { ALOELITE_BENCH_PIN: PIN } : {},
        loud: true,
      });
    },
  };
}

const SOURCE = "/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c";

/** libfuse's example in C, over a directory on the same disk. */
export const passthrough: FusePeer = {
  name: "passthrough_ll",
  scale: 1,
  async start(directory) {
    const program = `${directory}/passthrough_ll`;
    await Deno.mkdir(`${directory}/files`);
    try {
      await Deno.stat(SOURCE);
    } catch {
      return { missing: "needs the examples of libfuse3-dev" };
    }
    const flags = await output("pkg-config", ["--cflags", "--libs", "fuse3"]);
    if (!flags.ok) return { missing: "needs pkg-config and libfuse3-dev" };
    const built = await output("gcc", [
      "-O2",
      "-o",
      program,
      SOURCE,
      ...flags.text.trim().split(/\s+/),
    ]);
    if (!built.ok) return { missing: "gcc could not build passthrough_ll.c" };
    return { program, args: ["-f", "-o", `source=${directory}/files`] };
  },
};

/** gocryptfs, which encrypts a directory's files one by one. */
export const gocryptfs: FusePeer = {
  name: "gocryptfs",
  scale: 1,
  async start(directory) {
    const files = `${directory}/files`;
    const secret = `${directory}/secret`;
    await Deno.mkdir(files);
    await Deno.writeTextFile(secret, PIN);
    // The cost of the password is no figure here.
    const made = await output("gocryptfs", [
      "-init",
      "-quiet",
      "-scryptn",
      "10",
      "-passfile",
      secret,
      files,
    ]);
    if (!made.ok) return { missing: "needs gocryptfs" };
    return {
      program: "gocryptfs",
      args: ["-fg", "-quiet", "-passfile", secret, files],
    };
  },
};

const RELEASE = "0.4.0";

/** The reference's driver. `ALOELITE_BENCH_FUSE_PYTHON` names an interpreter that has it. */
export const reference: FusePeer = {
  name: `Python aloelite-fuse ${RELEASE}`,
  scale: 0.1,
  async start(directory) {
    const python = await install();
    if (typeof python !== "string") return python;
    return {
      program: python,
      args: ["-m", "aloelite.fuse", "-f", `${directory}/main.aloe`, "-v", "main", "--create"],
    };
  },
};

/** An interpreter that has the driver: a virtual environment in the cache, made when missing. */
async function install(): Promise<string | { missing: string }> {
  const given = Deno.env.get("ALOELITE_BENCH_FUSE_PYTHON");
  if (given !== undefined) return given;
  const venv = `${cacheFolder()}/python-fuse-${RELEASE}`;
  const python = `${venv}/bin/python`;
  if ((await output(python, ["-c", "import aloelite, pyfuse3"])).ok) return python;
  const made = await output("python3", ["-m", "venv", venv]);
  if (!made.ok) return { missing: "no python3 that makes a virtual environment" };
  const requirement = `aloelite[bundled-sqlite,fuse]==${RELEASE}`;
  const installed = await output(python, ["-m", "pip", "install", "--quiet", requirement]);
  return installed.ok ? python : { missing: `pip could not install ${requirement}` };
}

/** Why nothing can be mounted or made cold here; null when it can. */
export async function obstacle(): Promise<string | null> {
  if (Deno.build.os !== "linux") return "needs Linux";
  if (Deno.uid() !== 0) return "needs root, to mount and to drop the kernel's caches";
  for (const path of ["/dev/fuse", "/proc/sys/vm/drop_caches"]) {
    try {
      (await Deno.open(path, { write: true })).close();
    } catch {
      return `needs ${path}`;
    }
  }
  for (const program of ["fusermount3", "python3"]) {
    if (!(await output(program, ["--version"])).ok) return `needs ${program}`;
  }
  return null;
}

const PATIENCE = 60_000;

/** A filesystem that can be mounted again and again; disposing unmounts it. */
export class Mounted implements AsyncDisposable {
  readonly mountpoint: string;
  readonly #command: Command;
  #daemon: Deno.ChildProcess | null = null;

  constructor(command: Command, mountpoint: string) {
    this.#command = command;
    this.mountpoint = mountpoint;
  }

  /** The daemon's process id. */
  get pid(): number {
    return this.#daemon!.pid;
  }

  /** Starts the daemon. Settled when the directory answers. */
  async mount(): Promise<void> {
    const { program, args, env, loud } = this.#command;
    const above = (await Deno.stat(this.mountpoint)).dev;
    const daemon = new Deno.Command(program, {
      args: [...args, this.mountpoint],
      env,
      stdin: "null",
      stdout: "null",
      stderr: loud ? "inherit" : "null",
    }).spawn();
    this.#daemon = daemon;
    let ended = false;
    daemon.status.then(() => ended = true);
    for (const start = performance.now(); performance.now() - start < PATIENCE;) {
      if (ended) break;
      const dev = await Deno.stat(this.mountpoint).then((found) => found.dev, () => above);
      if (dev !== above) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.#daemon = null;
    if (!ended) daemon.kill("SIGKILL");
    await output("fusermount3", ["-u", "-z", this.mountpoint]);
    throw new Error(`${program} did not mount`);
  }

  /** Unmounts, and waits for the daemon's end. */
  async unmount(): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === null) return;
    this.#daemon = null;
    let unmounted = await output("fusermount3", ["-u", this.mountpoint]);
    for (let tries = 0; !unmounted.ok && tries < 50; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      unmounted = await output("fusermount3", ["-u", this.mountpoint]);
    }
    if (!unmounted.ok) await output("fusermount3", ["-u", "-z", this.mountpoint]);
    const timer = setTimeout(() => daemon.kill("SIGKILL"), PATIENCE);
    await daemon.status;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unmount();
  }
}
