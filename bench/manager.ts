import { backup, DatabaseSync } from "node:sqlite";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Bench,
  compare,
  type Figure,
  MIB,
  type Row,
  seconds,
  settle,
  skipped,
} from "./harness.ts";
import { requestRate } from "./http_load.ts";
import { output } from "./peer_process.ts";
import { install } from "./reference.ts";

/** The volume manager over HTTP, beside what its parts cost alone and beside the reference's. */
export const manager: Figure[] = [
  { name: "manager-transfer", run: transfers },
  { name: "manager-requests", run: requests },
  { name: "manager-export", run: exports },
];

/** Ours against the reference's manager, with everything. */
const REFERENCE = 3;

/** Files in the directory that is listed. */
const FILES = 10;

/** A server in a process of its own. */
class Server implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, readonly url: string) {
    this.#child = child;
  }

  /** Starts a module of this folder that prints its address. */
  static async module(name: string, ...args: string[]): Promise<Server> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--allow-all",
        fileURLToPath(new URL(name, import.meta.url)),
        ...args,
      ],
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let line = "";
    while (!line.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`${name} ended`);
      line += value;
    }
    reader.cancel().catch(() => {});
    return new Server(child, line.trim());
  }

  /** Starts the reference's manager; null where it is not to be had. */
  static async reference(root: string): Promise<Server | { missing: string }> {
    const python = await install();
    if (typeof python !== "string") return python;
    const program = `${dirname(python)}/aloelite-web`;
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command(program, {
        args: ["-p", `${port}`, "--root", root],
        stdout: "null",
        stderr: "null",
      }).spawn();
    } catch {
      return { missing: `${program} is not there` };
    }
    const url = `http://127.0.0.1:${port}`;
    for (let i = 0; i < 200; i++) {
      if (await fetch(`${url}/volumes`).then((r) => r.body?.cancel(), () => null) !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return new Server(child, url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
  }
}

/** A volume of a manager; whose it is shows in its addresses only. */
interface Volume {
  url: string;
  /** Words for curl that store a file. */
  put(path: string, file: string): string[];
  get(path: string): string;
  list(path: string): string;
}

/** A manager, and how a volume of it is made. */
interface Side {
  server: Server;
  fresh(): Promise<Volume>;
}

async function ours(root: string): Promise<Side> {
  const server = await Server.module("manager_ours.ts", root);
  const fresh = async () => {
    const url = `${server.url}/volumes/${await makeVolume(server.url)}`;
    return {
      url,
      put: (path: string, file: string) => [
        ...["-T", file, "-H", "Expect:"],
        `${url}/files${path}?parents=1`,
      ],
      get: (path: string) => `${url}/files${path}`,
      list: (path: string) => `${url}/list?path=${path}`,
    };
  };
  return { server, fresh };
}

async function theirs(root: string): Promise<Side | { missing: string }> {
  await Deno.mkdir(root, { recursive: true });
  const server = await Server.reference(root);
  if ("missing" in server) return server;
  const fresh = async () => {
    const url = `${server.url}/volumes/${await makeVolume(server.url)}`;
    await post(`${url}/mount`, { mode: "direct" });
    return {
      url,
      put: (path: string, file: string) => {
        const name = path.slice(path.lastIndexOf("/") + 1);
        return [
          ...["-H", "X-Aloelite: 1", "-H", "Expect:", "-F", `file=@${file};filename=${name}`],
          `${url}/files/upload?path=${dirname(path)}`,
        ];
      },
      get: (path: string) => `${url}/files/download?path=${path}`,
      list: (path: string) => `${url}/files?path=${path}`,
    };
  };
  return { server, fresh };
}

async function makeVolume(url: string): Promise<string> {
  return (await post(`${url}/volumes`, { name: "bench", encrypted: false })).id;
}

async function post(url: string, body: unknown): Promise<{ id: string }> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-aloelite": "1" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${await response.text()}`);
  return await response.json();
}

/** Runs curl. @returns How long it took, seconds. */
async function curl(...args: string[]): Promise<number> {
  return await seconds(() => received(args));
}

/** The same for what has to bring so much at least, MiB a second. */
async function download(url: string, mib: number): Promise<number> {
  let bytes = 0;
  const took = await seconds(async () => {
    bytes = await received([url]);
  });
  if (bytes < mib * MIB) throw new Error(`${url}: ${bytes} bytes only`);
  return mib / took;
}

async function received(args: string[]): Promise<number> {
  const words = ["-sS", "--fail", "-o", "/dev/null", "-w", "%{size_download}"];
  const { ok, text } = await output("curl", [...words, ...args]);
  if (!ok) throw new Error(`curl ${args.at(-1)}: ${text}`);
  return Number(text);
}

async function obstacle(): Promise<string | null> {
  return (await output("curl", ["--version"])).ok ? null : "no curl";
}

/** A file that nothing in it repeats. */
async function randomFile(path: string, mib: number): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const part = new Uint8Array(MIB);
  for (let i = 0; i < mib; i++) {
    for (let at = 0; at < MIB; at += 65_536) crypto.getRandomValues(part.subarray(at, at + 65_536));
    for (let done = 0; done < MIB;) done += await file.write(part.subarray(done));
  }
}

function sizeOf(bench: Bench): number {
  return bench.quick ? 256 : 1024;
}

async function transfers(bench: Bench): Promise<Row[]> {
  const figures = ["HTTP upload", "HTTP download"];
  const rows = figures.map((figure) => ({
    figure,
    against: "Deno.serve and ext4",
    bar: { least: 0.7 },
  }));
  const missing = await obstacle();
  if (missing !== null) return rows.map((row) => skipped(row, missing));
  const mib = sizeOf(bench);
  const rounds = 3;
  bench.say(`the manager: ${mib} MiB up and down`);
  const folder = bench.path("bare");
  await Deno.mkdir(folder);
  const source = `${folder}/source`;
  await randomFile(source, mib);
  const root = bench.path("root");
  await using bare = await Server.module("manager_bare.ts", folder, "{}");
  const side = await ours(root);
  await using _ours = side.server;
  const reference = await theirs(bench.path("reference"));
  await using _theirs = "missing" in reference ? null : reference.server;
  const up = { ours: [] as number[], peer: [] as number[], reference: [] as number[] };
  const down = { ours: [] as number[], peer: [] as number[], reference: [] as number[] };
  // The reference is given less, so that it ends.
  const less = `${folder}/less`;
  const lessMib = Math.min(mib, 128);
  await (await Deno.open(source)).readable.pipeThrough(limited(lessMib * MIB)).pipeTo(
    (await Deno.open(less, { write: true, create: true })).writable,
  );
  for (let round = 0; round < rounds; round++) {
    // A volume of its own each time: content that is there already is not written again.
    const volume = await side.fresh();
    const turns = [
      async () => {
        await settle();
        up.ours.push(mib / await curl(...volume.put("/big", source)));
        await settle();
        down.ours.push(await download(volume.get("/big"), mib));
      },
      async () => {
        await settle();
        up.peer.push(mib / await curl("-T", source, "-H", "Expect:", `${bare.url}/taken`));
        await settle();
        down.peer.push(await download(`${bare.url}/taken`, mib));
        await Deno.remove(`${folder}/taken`);
      },
    ];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
    await fetch(volume.url, { method: "DELETE" });
    if ("missing" in reference) continue;
    const other = await reference.fresh();
    await settle();
    up.reference.push(lessMib / await curl(...other.put("/big", less)));
    await settle();
    down.reference.push(await download(other.get("/big"), lessMib));
  }
  const note = `${mib} MiB`;
  return [up, down].flatMap((rates, i) => [
    compare({ ...rows[i], unit: "MiB/s", note: i === 0 ? `${note}, on disk` : note }, rates),
    against(figures[i], "MiB/s", rates.ours, rates.reference, reference, `theirs ${lessMib} MiB`),
  ]);
}

/** The first bytes of a stream. */
function limited(bytes: number): TransformStream<Uint8Array, Uint8Array> {
  let left = bytes;
  return new TransformStream({
    transform(part, controller) {
      if (left > 0) controller.enqueue(part.subarray(0, left));
      left -= part.length;
      if (left <= 0) controller.terminate();
    },
  });
}

function against(
  figure: string,
  unit: string,
  ours: number[],
  peer: number[],
  reference: Side | { missing: string },
  note: string,
): Row {
  const row = { figure, against: "reference's manager", bar: { least: REFERENCE } };
  if ("missing" in reference) return skipped(row, reference.missing);
  if (peer.length === 0) return skipped(row, "the reference did not answer");
  return compare({ ...row, unit, note }, { ours, peer });
}

async function requests(bench: Bench): Promise<Row[]> {
  const figures = ["HTTP list of a directory", "HTTP facts of a file"];
  const missing = await obstacle();
  const bar = { least: 0.6 };
  if (missing !== null) {
    return figures.map((figure) => skipped({ figure, against: "Deno.serve", bar }, missing));
  }
  bench.say("the manager: small requests");
  const side = await ours(bench.path("root"));
  await using _ours = side.server;
  const reference = await theirs(bench.path("reference"));
  await using _theirs = "missing" in reference ? null : reference.server;
  const volume = await side.fresh();
  const other = "missing" in reference ? null : await reference.fresh();
  const small = bench.path("small");
  await Deno.writeFile(small, new Uint8Array(4096).fill(7));
  for (let i = 0; i < FILES; i++) {
    await curl(...volume.put(`/dir/file-${i}`, small));
    if (other !== null) await curl(...other.put(`/file-${i}`, small));
  }
  const duration = bench.quick ? 2 : 4;
  const kinds = [
    { ours: volume.list("/dir"), theirs: other?.list("/") },
    {
      ours: `${volume.url}/node?path=/dir/file-1`,
      theirs: other === null ? undefined : `${other.url}/stat`,
    },
  ];
  const rows: Row[] = [];
  for (const [i, kind] of kinds.entries()) {
    const constant = await (await fetch(kind.ours)).text();
    await using bare = await Server.module("manager_bare.ts", Deno.cwd(), constant);
    const rates = { ours: [] as number[], peer: [] as number[], reference: [] as number[] };
    await requestRate(kind.ours, 1);
    await requestRate(`${bare.url}/constant`, 1);
    for (let round = 0; round < 3; round++) {
      rates.ours.push(await requestRate(kind.ours, duration));
      rates.peer.push(await requestRate(`${bare.url}/constant`, duration));
      if (kind.theirs !== undefined) {
        rates.reference.push(await requestRate(kind.theirs, duration / 2));
      }
    }
    const note = `${constant.length} bytes, 16 connections`;
    const row = { figure: figures[i], against: "Deno.serve, a constant", bar };
    rows.push(compare({ ...row, unit: "op/s", note }, rates));
    rows.push(against(figures[i], "op/s", rates.ours, rates.reference, reference, ""));
  }
  return rows;
}

async function exports(bench: Bench): Promise<Row[]> {
  const figure = "HTTP export";
  const row = { figure, against: "SQLite's backup", bar: { least: 1 } };
  const missing = await obstacle();
  if (missing !== null) return [skipped(row, missing)];
  const mib = sizeOf(bench);
  bench.say(`the manager: an export of ${mib} MiB`);
  const root = bench.path("root");
  const side = await ours(root);
  await using _ours = side.server;
  const reference = await theirs(bench.path("reference"));
  await using _theirs = "missing" in reference ? null : reference.server;
  const source = bench.path("source");
  await randomFile(source, mib);
  const volume = await side.fresh();
  await curl(...volume.put("/big", source));
  const other = "missing" in reference ? null : await reference.fresh();
  if (other !== null) await curl(...other.put("/big", source));
  await Deno.remove(source);
  await post(`${volume.url}/checkpoint`, {});
  // Threads that are there already are part of a manager that runs.
  await curl(`${volume.url}/export`);
  const [{ name }] = [...Deno.readDirSync(`${root}/filesystems`)].filter(({ name }) =>
    name.endsWith(".aloe")
  );
  const file = `${root}/filesystems/${name}`;
  const copy = bench.path("copy");
  const rates = { ours: [] as number[], peer: [] as number[], reference: [] as number[] };
  const turns = [
    async () => {
      await settle();
      rates.ours.push(await download(`${volume.url}/export`, mib));
    },
    async () => {
      await settle();
      const database = new DatabaseSync(file, { readOnly: true });
      rates.peer.push(mib / await seconds(() => backup(database, copy, { rate: 8192 })));
      database.close();
      await bench.discard(copy);
    },
  ];
  for (let round = 0; round < 3; round++) {
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn();
    if (other === null) continue;
    await settle();
    rates.reference.push(await download(`${other.url}/export`, mib));
  }
  return [
    compare({ ...row, unit: "MiB/s", note: `${mib} MiB, to a client` }, rates),
    against(figure, "MiB/s", rates.ours, rates.reference, reference, ""),
  ];
}
