/**
 * This library and its reference, the Python package `aloelite`, on the same
 * files: what one writes the other reads, alternately and row for row.
 *
 * The tests are ignored, with the reason in their names, where Python or the
 * package cannot be had; `golden_test.ts` covers the format there.
 */

import assert from "node:assert/strict";
import { decode } from "@msgpack/msgpack";
import fc from "fast-check";
import { AloeError, AloeLite } from "../../mod.ts";
import { install, type Installed, OracleError, Reference } from "./reference.ts";
import { assertSoundOurs, hex, type Op, type Row, snapshotOurs, unhex, utf8 } from "./ops.ts";
import { aim, type Draft, drafts, type Live } from "./random_ops.ts";
import {
  allIds,
  comparable,
  greatestIds,
  isLinkedFromOutside,
  isPlaced,
  openRaw,
  query,
  readTables,
  TABLES,
} from "./rows.ts";
import { NotSupported, readScenarios, runScenario, scenarioFiles } from "../conformance/runner.ts";
import { TheirSubject } from "./their_subject.ts";
import { Ours, type Side, type Target, Theirs } from "./sides.ts";
import { runs } from "../support/runs.ts";

type Encryption = "none" | "convergent" | "random";

const MODES: Encryption[] = ["none", "convergent", "random"];

const current = await install("0.4.0");
const older = "python" in current ? await install("0.3.7") : current;

function oracleTest(
  name: string,
  body: (
    t: { dir: string; reference: Reference; older: Reference },
  ) => Promise<void>,
  needs: Installed = current,
): void {
  if ("missing" in needs) {
    Deno.test({
      name: `${name} (ignored: ${needs.missing})`,
      ignore: true,
      fn() {},
    });
    return;
  }
  Deno.test(name, async () => {
    await using stack = new AsyncDisposableStack();
    const dir = await Deno.makeTempDir({ prefix: "aloelite-oracle-" });
    stack.defer(() => Deno.remove(dir, { recursive: true }));
    const reference = stack.use(start(current));
    // The older release is started for the tests alone that ask for it.
    const two = needs === older && older !== current;
    await body({
      dir,
      reference,
      older: two ? stack.use(start(older)) : reference,
    });
  });
}

function start(installed: Installed): Reference {
  if ("missing" in installed) throw new Error(installed.missing);
  return Reference.start(installed.python);
}

/** Makes a file with one volume, through either side; nothing stays open. */
async function make(
  reference: Reference,
  maker: "ours" | "reference",
  path: string,
  o: { encryption: Encryption; chunkSize: number },
): Promise<Target> {
  const pin = o.encryption === "none" ? undefined : "1234 é";
  if (maker === "ours") {
    await using file = await AloeLite.open(path);
    const volume = await file.createVolume({
      name: "main",
      chunkSize: o.chunkSize,
      pin,
      encryption: o.encryption === "none" ? undefined : o.encryption,
    });
    return { path, volume: volume.id, pin };
  }
  const file = await reference.call<number>("open", { path });
  const volume = await reference.call<string>("create_volume", {
    file,
    name: "main",
    chunk_size: o.chunkSize,
    pin: pin === undefined ? null : hex(utf8(pin)),
    enc_mode: o.encryption,
  });
  await reference.call("close", { file });
  return { path, volume, pin };
}

async function value(side: Side, op: Op): Promise<unknown> {
  const outcome = await side.apply(op);
  if ("error" in outcome) {
    throw new Error(`${outcome.error}: ${JSON.stringify(op)}`);
  }
  return outcome.value;
}

async function assertOracleError(
  code: string,
  promise: Promise<unknown>,
): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert(error instanceof OracleError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

async function assertAloeError(
  code: string,
  promise: Promise<unknown>,
): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert(error instanceof AloeError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

// --- random operations, alternately on one file ------------------------------

interface Setup {
  encryption: Encryption;
  chunkSize: number;
  /** Who makes the file, and has the first turn. */
  maker: "ours" | "reference";
  /** Whether a side has the file open only for its turn. */
  reopen: boolean;
}

/**
 * Applies the turns alternately to one file, and all of them through the
 * reference to a twin. After each turn both sides see the same in the file and
 * find no fault in it, and its rows are those of the twin but for ids and times.
 */
async function alternate(
  reference: Reference,
  dir: string,
  setup: Setup,
  turns: Draft[][],
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const work = await Deno.makeTempDir({ dir });
  stack.defer(() => Deno.remove(work, { recursive: true }));
  const mixed = await make(reference, setup.maker, `${work}/mixed.db`, setup);
  const twin = stack.use(
    await Theirs.open(
      reference,
      await make(reference, "reference", `${work}/twin.db`, setup),
    ),
  );
  const open = async (who: "ours" | "reference"): Promise<Side> =>
    who === "ours" ? await Ours.open(mixed) : await Theirs.open(reference, mixed);
  const held = setup.reopen ? null : {
    ours: stack.use(await open("ours")),
    reference: stack.use(await open("reference")),
  };
  const log: string[] = [`${JSON.stringify(setup)}`];
  let who = setup.maker;
  let packed = false;
  try {
    for (const turn of turns) {
      log.push(`-- ${who}`);
      const before = greatestIds(mixed.path);
      const known = new Set(allIds(mixed.path).map(({ id }) => id));
      {
        await using own = held ? null : await open(who);
        const side = own ?? held![who];
        for (const draft of turn) {
          const live = await twin.paths();
          const op = await alike(aim(draft, live), live, twin, `${work}/twin.db`);
          const expected = await twin.apply(op);
          packed ||= op.op === "pack" && "value" in expected;
          log.push(`${JSON.stringify(op)} ${JSON.stringify(expected)}`);
          const outcome = await side.apply(op);
          if (op.op === "pruneContent" && (packed || setup.encryption === "random")) continue;
          assert.deepEqual(outcome, expected);
        }
      }
      for (const { id, volume } of allIds(mixed.path)) {
        assert(
          known.has(id) || id > (before.get(volume) ?? ""),
          `${id} is not past the others`,
        );
      }
      {
        await using own = held ? null : await both(open);
        const { ours, reference: theirs } = held ?? own!;
        assert.deepEqual(await ours.snapshot(), await theirs.snapshot());
        await theirs.assertSound();
        await ours.assertSound();
      }
      assert.deepEqual(
        comparable(readTables(mixed.path), packed),
        comparable(readTables(`${work}/twin.db`), packed),
      );
      who = who === "ours" ? "reference" : "ours";
    }
  } catch (error) {
    throw new Error(`after\n${log.join("\n")}`, { cause: error });
  }
}

/**
 * The operation, or a harmless one where the two differ by design. Here, only
 * the names below a directory go with it, what is unpacked has the name of the
 * packed entry, and of two links of one entry by one name in one directory each
 * is a thing of its own. There, a directory that is removed or packed takes
 * along the names elsewhere of what is in it, what is unpacked has the name
 * that it was packed with, and such links are renamed and removed together.
 */
async function alike(op: Op, live: Live[], twin: Theirs, path: string): Promise<Op> {
  const find = (wanted: string) => live.find((l) => l.path === wanted);
  const target = "path" in op ? find(op.path) : "from" in op ? find(op.from) : undefined;
  if (target === undefined) return op;
  const harmless: Op = { op: "setMetadata", path: target.path, metadata: {} };
  if (op.op === "removeRecursive" || op.op === "pack") {
    return isLinkedFromOutside(path, target.id) ? harmless : op;
  }
  if (op.op === "unpack" && target.type !== "container") {
    const { mount, reference } = twin;
    const data = await reference.call<string>("read_all", { mount, path: target.path });
    const name = packedName(unhex(data));
    return name === null || target.path.endsWith(`/${name}`) ? op : harmless;
  }
  if (op.op === "move" || op.op === "rename") {
    const to = op.op === "rename" ? target.path.replace(/[^/]*$/, op.name) : op.to;
    const cut = to.lastIndexOf("/");
    const dir = find(to.slice(0, cut) || "/");
    const at = { node: target.id, dir: dir?.id ?? "", name: to.slice(cut + 1) };
    return to !== target.path && isPlaced(path, at) ? harmless : op;
  }
  return op;
}

/** The name that a pack was made with; null for what is no pack. */
function packedName(bytes: Uint8Array): string | null {
  try {
    const { nodes } = decode(bytes) as { nodes: { n: string }[] };
    return nodes[0].n;
  } catch {
    return null;
  }
}

async function both(
  open: (who: "ours" | "reference") => Promise<Side>,
): Promise<{ ours: Side; reference: Side } & AsyncDisposable> {
  const ours = await open("ours");
  const reference = await open("reference");
  return {
    ours,
    reference,
    async [Symbol.asyncDispose]() {
      await reference[Symbol.asyncDispose]();
      await ours[Symbol.asyncDispose]();
    },
  };
}

for (
  const { name, reopen, modes, chunkSizes, numRuns, bytes, unit } of [
    {
      name: "plain, reopened at each hand-over",
      reopen: true,
      modes: ["none"],
      chunkSizes: [1, 7, 8, 64],
      numRuns: 12,
      bytes: 40,
      unit: 1,
    },
    {
      name: "plain, both holding the file open",
      reopen: false,
      modes: ["none"],
      chunkSizes: [3, 8],
      numRuns: 12,
      bytes: 40,
      unit: 1,
    },
    {
      name: "encrypted, both holding the file open",
      reopen: false,
      modes: ["convergent", "random"],
      chunkSizes: [8, 16],
      numRuns: 3,
      bytes: 60,
      unit: 4,
    },
  ] as const
) {
  oracleTest(
    `oracle: random operations by turns, ${name}`,
    async ({ dir, reference }) => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...modes),
          fc.constantFrom(...chunkSizes),
          fc.constantFrom("ours" as const, "reference" as const),
          fc.constantFrom("copies" as const, "attributes" as const),
          fc.array(fc.array(drafts(bytes, unit), { minLength: 1, maxLength: 12 }), {
            minLength: 2,
            maxLength: 6,
            size: "max",
          }),
          async (encryption, chunkSize, maker, kind, all) => {
            // A copy keeps links and attributes here and loses them there.
            const left = kind === "copies"
              ? ["link", "setOwner", "setXattr", "setRetention"]
              : ["copy"];
            const turns = all.map((turn) => turn.filter((draft) => !left.includes(draft.kind)));
            await alternate(reference, dir, {
              encryption,
              chunkSize,
              maker,
              reopen,
            }, turns);
          },
        ),
        // The log says what was done; shrinking it would take minutes.
        { numRuns: runs(numRuns), endOnFailure: true },
      );
    },
  );
}

// --- one direction, everything the API has -----------------------------------

for (const encryption of MODES) {
  oracleTest(
    `oracle: what this library writes, the reference reads (${encryption})`,
    async ({
      dir,
      reference,
    }) => {
      const target = await make(reference, "ours", `${dir}/f.db`, {
        encryption,
        chunkSize: 16,
      });
      await using stack = new AsyncDisposableStack();
      const ours = stack.use(await Ours.open(target));
      const { mount, file } = ours;
      const long = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 251);

      await mount.mkdir("/docs/deep/er", { parents: true });
      await mount.put("/docs/text", "text of a string");
      await mount.put("/docs/stream", new Blob([long, long]).stream());
      await mount.put("/docs/stream", utf8(" and a tail"), { append: true });
      await mount.createEntry("/docs/history", utf8("one"));
      await mount.writeAll(
        "/docs/history",
        utf8("two, which is longer than a chunk"),
      );
      await mount.append("/docs/history", utf8("!"));
      await mount.writeAll("/docs/history", new Uint8Array());
      await mount.restoreVersion("/docs/history", 2);
      await mount.createEntry("/docs/sparse");
      await mount.truncate("/docs/sparse", 5000);
      await mount.writeRange("/docs/sparse", 2500, utf8("island"));
      await mount.symlink("/docs/link", "../docs/text");
      await mount.createSpecial("/docs/fifo", "fifo");
      await mount.createSpecial("/docs/socket", "socket");
      await mount.link("/docs/text", "/docs/deep/hard");
      await mount.setXattr("/docs/text", "user.mime", utf8("text/plain"));
      await mount.setMetadata("/docs/text", { author: "é", "": "empty key" });
      await mount.setOwner("/docs/text", { uid: 1000, gid: 100 });
      await mount.setMode("/docs/deep", 0o2750);
      await mount.setMtime("/docs/text", 1_234_567_890_123_456_789n);
      await mount.setAtime("/docs/text", 1_334_567_890_123_456_789n);
      await mount.createEntry("/docs/twice", utf8("hidden"));
      await mount.createEntry("/docs/twice", utf8("visible"));
      await mount.copy("/docs", "/copy");
      await mount.remove("/docs/stream");
      await mount.removeRecursive("/copy/deep");
      const [trashed] = await mount.trash();
      await mount.restore(trashed.id);
      await mount.createEntry("/doomed", utf8("purged for good"));
      await mount.remove("/doomed");
      await mount.purge({ id: (await mount.trash())[0].id });
      await mount.copy("/docs", "/packed");
      await mount.pack("/packed");
      await mount.move("/docs/deep", "/moved");
      await mount.rename("/moved/hard", "renamed");
      await mount.batch(async (tx) => {
        for (let i = 0; i < 20; i++) {
          await tx.createEntry(`/b${i}`, utf8(`batch ${i}`));
        }
      });
      await assert.rejects(mount.batch(async (tx) => {
        await tx.createEntry("/never", utf8("rolled back"));
        throw new Error("no");
      }));
      const writer = await mount.openWrite("/aborted");
      await writer.write(long);
      await writer.abort();
      const fork = await file.fork(mount, {
        name: "fork",
        pin: target.pin && "fork pin",
      });

      const theirs = stack.use(await Theirs.open(reference, target));
      const seen = await theirs.snapshot();
      assert.deepEqual(seen, await ours.snapshot());
      const data = Object.fromEntries(
        seen.filter((row) => row.visible).map((row) => [row.path, row.data]),
      );
      assert.equal(data["/docs/text"], hex(utf8("text of a string")));
      assert.equal(
        data["/docs/history"],
        hex(utf8("two, which is longer than a chunk")),
      );
      assert.equal(
        data["/copy/stream"],
        hex(long) + hex(long) + hex(utf8(" and a tail")),
      );
      assert.equal(data["/docs/link"], hex(utf8("../docs/text")));
      assert.equal(data["/moved/renamed"], hex(utf8("text of a string")));
      assert.equal(data["/docs/twice"], hex(utf8("visible")));
      assert.equal(data["/docs/sparse"]?.length, 10_000);
      assert.equal(data["/never"], undefined);
      await theirs.assertSound();
      await ours.assertSound();

      const forked: Target = {
        path: target.path,
        volume: fork.id,
        pin: target.pin && "fork pin",
      };
      {
        await using there = await Theirs.open(reference, forked);
        await using here = await Ours.open(forked);
        const rows = await there.snapshot();
        assert.deepEqual(rows, await here.snapshot());
        assert.deepEqual(
          rows.map((
            r,
          ) => [r.path, r.type, r.data, r.metadata, r.mode, r.xattrs]),
          seen.map((
            r,
          ) => [r.path, r.type, r.data, r.metadata, r.mode, r.xattrs]),
        );
        await there.assertSound();
      }

      // Into another file, with other chunks and another way of encrypting.
      const elsewhere = `${dir}/elsewhere.db`;
      const pin = encryption === "none" ? "exported" : undefined;
      let exported: Target;
      {
        await using dest = await AloeLite.open(elsewhere);
        const volume = await file.exportTo(mount, dest, {
          name: "out",
          pin,
          chunkSize: 64,
        });
        exported = { path: elsewhere, volume: volume.id, pin };
      }
      {
        await using there = await Theirs.open(reference, exported);
        const rows = await there.snapshot();
        assert.deepEqual(
          rows.map((
            r,
          ) => [r.path, r.type, r.data, r.metadata, r.mode, r.xattrs]),
          seen.map((
            r,
          ) => [r.path, r.type, r.data, r.metadata, r.mode, r.xattrs]),
        );
        await there.assertSound();
      }

      // The online backup of the live file.
      const backup = `${dir}/backup.db`;
      await file.backup(backup);
      {
        await using there = await Theirs.open(reference, {
          ...target,
          path: backup,
        });
        assert.deepEqual(await there.snapshot(), seen);
        await there.assertSound();
      }

      // The reference goes on in all of it, and finds its way about.
      for (const op of afterwards) {
        await value(theirs, op);
      }
      assert.deepEqual(await ours.snapshot(), await theirs.snapshot());
      await ours.assertSound();
      await theirs.assertSound();
    },
  );
}

const afterwards: Op[] = [
  { op: "unpack", path: "/packed" },
  { op: "copy", from: "/packed", to: "/moved/again" },
  { op: "append", path: "/docs/history", data: "2e2e2e" },
  { op: "writeRange", path: "/docs/sparse", offset: 6000, data: "00ff" },
  { op: "removeRecursive", path: "/copy" },
  { op: "setRetention", path: "/docs/history", keep: 2 },
  { op: "pruneContent" },
  { op: "createEntry", path: "/docs/new", data: "6e6577" },
];

for (const encryption of MODES) {
  oracleTest(
    `oracle: what the reference writes, this library reads (${encryption})`,
    async ({
      dir,
      reference,
    }) => {
      const target = await make(reference, "reference", `${dir}/f.db`, {
        encryption,
        chunkSize: 16,
      });
      await using stack = new AsyncDisposableStack();
      const theirs = stack.use(await Theirs.open(reference, target));
      const long = hex(
        Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 251),
      );
      const ops: Op[] = [
        { op: "mkdir", path: "/d/e/f", parents: true, existOk: false },
        { op: "createEntry", path: "/d/one", data: "31" },
        { op: "writeAll", path: "/d/one", data: long },
        { op: "append", path: "/d/one", data: "32" },
        { op: "truncate", path: "/d/one", size: 33 },
        { op: "createEntry", path: "/d/twice", data: "31" },
        { op: "createContainer", path: "/d/twice" },
        { op: "createEntry", path: "/d/twice/in", data: "3333" },
        {
          op: "stream",
          path: "/d/stream",
          mode: "truncate",
          parts: [long, "", long],
          abort: false,
        },
        {
          op: "stream",
          path: "/d/stream",
          mode: "append",
          parts: ["00"],
          abort: false,
        },
        {
          op: "stream",
          path: "/d/one",
          mode: "append",
          parts: [long],
          abort: true,
        },
        {
          op: "createSpecial",
          path: "/d/link",
          type: "symlink",
          data: "6f6e65",
        },
        { op: "createSpecial", path: "/d/fifo", type: "fifo", data: "" },
        { op: "link", from: "/d/one", to: "/d/e/hard" },
        { op: "rename", path: "/d/e/hard", name: "harder" },
        { op: "setXattr", path: "/d/one", name: "user.x", data: "0001" },
        { op: "setOwner", path: "/d/one", uid: 5, gid: 6, mode: 0o4755 },
        { op: "setMetadata", path: "/d", metadata: { a: "b", é: "日本" } },
        { op: "setMtime", path: "/d/one", time: "1234567890123456789" },
        { op: "copy", from: "/d", to: "/copy" },
        { op: "copy", from: "/d", to: "/packed" },
        { op: "pack", path: "/packed" },
        { op: "move", from: "/copy/e", to: "/d/moved" },
        { op: "removeRecursive", path: "/copy" },
        { op: "setRetention", path: "/d/one", keep: 2 },
        { op: "pruneContent" },
      ];
      for (const op of ops) await value(theirs, op);
      // A writer that died: its lock row and its chunks stay behind.
      const died = await reference.call<number>("mount", {
        file: theirs.file,
        volume: target.volume,
        pin: target.pin === undefined ? null : hex(utf8(target.pin)),
        ttl_ms: 1,
      });
      const fd = await reference.call<number>("open_write", {
        mount: died,
        path: "/d/one",
        mode: "append",
      }).catch(() => null);
      if (fd !== null) {
        await reference.call("write", { fd, data: long }).catch(() => {});
      }
      const expected = await theirs.snapshot();

      const ours = stack.use(await Ours.open(target));
      assert.deepEqual(await ours.snapshot(), expected);
      await ours.assertSound();

      // Everything reached by path is reached by id as well, with the same bytes.
      for (const row of expected) {
        if (!row.visible) continue;
        if (row.data !== null) {
          assert.equal(hex(await ours.mount.readAllById(row.id)), row.data);
        }
        if (row.type === "container") {
          assert.deepEqual(
            await ours.mount.listById(row.id),
            await ours.mount.list(row.path),
          );
        }
      }
      const hidden = expected.find((row) => row.path === "/d/twice" && !row.visible)!;
      assert.equal(hex(await ours.mount.readAllById(hidden.id)), "31");

      // What it never recorded is there all the same: versions, and the removed.
      const history = await ours.mount.history("/d/one");
      assert.deepEqual(history.map((v) => v.version), [4, 3]);
      assert.equal(
        hex(await ours.mount.readAll("/d/one", { version: 3 })),
        long + "32",
      );
      const trash = await ours.mount.trash();
      assert.deepEqual(
        trash.map((t) => t.path).toSorted(),
        ["/copy", "/packed"],
      );
      const { id } = trash.find((t) => t.path === "/copy")!;
      assert.equal(await ours.mount.restore(id), "/copy");
      const back = (await ours.snapshot()).filter((row) => row.path.startsWith("/copy/"));
      assert(
        back.some((row) => row.path === "/copy/stream" && row.data === long + long + "00"),
      );
      assert.deepEqual(await ours.snapshot(), await theirs.snapshot());
      await theirs.assertSound();

      // While this library's triggers are in the file, the reference's work is
      // recorded as it happens.
      await value(theirs, { op: "writeAll", path: "/d/stream", data: "aa" });
      await value(theirs, { op: "remove", path: "/d/fifo" });
      const [latest] = await ours.mount.history("/d/stream");
      assert.equal(latest.size, 1);
      assert(latest.current && latest.committedAt !== null);
      const [gone] = await ours.mount.trash();
      assert.equal(gone.path, "/d/fifo");
      assert(gone.removedAt !== null);
    },
  );
}

oracleTest(
  "oracle: chunks of the default size, streamed",
  async ({ dir, reference }) => {
    const path = `${dir}/f.db`;
    const target = await make(reference, "ours", path, {
      encryption: "none",
      chunkSize: 1 << 20,
    });
    const big = new Uint8Array(3 * (1 << 20) + 12345);
    for (let i = 0; i < big.length; i += 4096) big[i] = (i / 4096) & 255;
    await using ours = await Ours.open(target);
    await using theirs = await Theirs.open(reference, target);
    await ours.mount.put("/big", new Blob([big]).stream());
    assert.equal(
      await reference.call("read_all", { mount: theirs.mount, path: "/big" }),
      hex(big),
    );
    const patch: Op = {
      op: "writeRange",
      path: "/big",
      offset: (1 << 20) - 2,
      data: "01020304",
    };
    await value(theirs, patch);
    big.set([1, 2, 3, 4], (1 << 20) - 2);
    assert.deepEqual(await ours.mount.readAll("/big"), big);
    const whole = new Uint8Array(
      await new Response((await ours.mount.openRead("/big")).readable)
        .arrayBuffer(),
    );
    assert.deepEqual(whole, big);
  },
);

for (const encryption of ["convergent", "random"] as const) {
  // Encrypted chunks of one byte have 256 addresses, and meet.
  oracleTest(`oracle: the shortest chunks are told apart (${encryption})`, async ({
    dir,
    reference,
  }) => {
    const target = await make(reference, "ours", `${dir}/f.db`, { encryption, chunkSize: 16 });
    await using ours = await Ours.open(target);
    for (let byte = 0; byte < 256; byte++) {
      await ours.mount.createEntry(`/${byte}`, Uint8Array.of(byte));
    }
    await using theirs = await Theirs.open(reference, target);
    for (const { path, data } of (await theirs.snapshot()).slice(1)) {
      assert.equal(data, hex(Uint8Array.of(Number(path.slice(1)))), path);
    }
    await theirs.assertSound();
    await ours.assertSound();
  });
}

// --- scenarios ---------------------------------------------------------------

oracleTest(
  "oracle: the project's own scenarios hold for the reference",
  async ({ reference }) => {
    for (
      const { url } of scenarioFiles(new URL("../conformance/", import.meta.url))
    ) {
      const file = await reference.call<number>("open", { path: ":memory:" });
      for (
        const scenario of readScenarios(url).filter((s) => s.differs === undefined)
      ) {
        await using subject = await TheirSubject.make(
          reference,
          file,
          scenario,
        );
        try {
          await runScenario(scenario, subject);
        } catch (error) {
          // What the reference has no operation for ends the scenario.
          if (!(error instanceof NotSupported)) throw error;
        }
      }
      await reference.call("close", { file });
    }
  },
);

// --- PINs ----------------------------------------------------------------------

oracleTest(
  "oracle: a PIN changed by one side opens in the other",
  async ({ dir, reference }) => {
    const target = await make(reference, "ours", `${dir}/f.db`, {
      encryption: "convergent",
      chunkSize: 16,
    });
    {
      await using ours = await Ours.open(target);
      await ours.mount.createEntry("/a", utf8("secret"));
      await ours.file.changePin(target.volume, target.pin!, "second");
    }
    await assertOracleError("bad_key", Theirs.open(reference, target));
    {
      await using theirs = await Theirs.open(reference, {
        ...target,
        pin: "second",
      });
      assert.equal(
        await reference.call("read_all", { mount: theirs.mount, path: "/a" }),
        hex(utf8("secret")),
      );
      // To the empty PIN, which is legal.
      await reference.call("change_pin", {
        file: theirs.file,
        volume: target.volume,
        old: hex(utf8("second")),
        new: "",
      });
    }
    await assertAloeError("bad_key", Ours.open({ ...target, pin: "second" }));
    await assertAloeError(
      "encryption_required",
      Ours.open({ ...target, pin: undefined }),
    );
    await using ours = await Ours.open({ ...target, pin: "" });
    assert.deepEqual(await ours.mount.readAll("/a"), utf8("secret"));
    await assertAloeError(
      "bad_key",
      ours.file.changePin(target.volume, "second", "third"),
    );
  },
);

// --- packs ---------------------------------------------------------------------

oracleTest("oracle: packs are the same bytes, and unpack in the other", async ({
  dir,
  reference,
  older,
}) => {
  const target = await make(reference, "reference", `${dir}/a.db`, {
    encryption: "none",
    chunkSize: 16,
  });
  {
    await using theirs = await Theirs.open(reference, target);
    const ops: Op[] = [
      { op: "mkdir", path: "/p/q/r", parents: true, existOk: false },
      { op: "createEntry", path: "/p/q/one", data: "31".repeat(300) },
      { op: "createEntry", path: "/p/q/one", data: "32" },
      { op: "createEntry", path: "/p/empty" },
      { op: "setRetention", path: "/p/empty", keep: 3 },
      { op: "createEntry", path: "/p/kept", data: "33" },
      { op: "setRetention", path: "/p/kept", keep: 0 },
      { op: "setMetadata", path: "/p/kept", metadata: { k: "v", é: "日本" } },
      { op: "setOwner", path: "/p/kept", uid: 0, gid: 70000, mode: 0o7777 },
      { op: "setAtime", path: "/p/kept", time: "1" },
      { op: "setMtime", path: "/p/kept", time: "0" },
      { op: "setXattr", path: "/p/kept", name: "user.b", data: "" },
      {
        op: "setXattr",
        path: "/p/kept",
        name: "user.a",
        data: "00".repeat(300),
      },
      { op: "setXattr", path: "/p", name: "user.dir", data: "01" },
      { op: "setOwner", path: "/p/q", mode: 0 },
      { op: "link", from: "/p/q/one", to: "/p/hard" },
      { op: "createSpecial", path: "/p/link", type: "symlink", data: "2e2e" },
      { op: "createSpecial", path: "/p/fifo", type: "fifo", data: "" },
      { op: "createSpecial", path: "/p/socket", type: "socket", data: "" },
    ];
    for (const op of ops) await value(theirs, op);
  }
  const copy = { ...target, path: `${dir}/b.db` };
  await Deno.copyFile(target.path, copy.path);
  await using theirs = await Theirs.open(reference, target);
  await using ours = await Ours.open(copy);
  await value(theirs, { op: "pack", path: "/p" });
  await ours.mount.pack("/p");
  const packed = await ours.mount.readAll("/p");
  assert.equal(
    hex(packed),
    await reference.call("read_all", { mount: theirs.mount, path: "/p" }),
  );

  // Each opens the other's.
  await using ours2 = await Ours.open(target);
  await using theirs2 = await Theirs.open(reference, copy);
  await ours2.mount.unpack("/p");
  await value(theirs2, { op: "unpack", path: "/p" });
  const content = async (side: Side) =>
    (await side.snapshot()).slice(1).map((
      { id: _, edge: __, ctime: ___, ...rest },
    ) => rest);
  const here = await content(ours2);
  assert.deepEqual(here, await content(theirs2));
  assert.deepEqual(here, await content(theirs));
  assert.deepEqual(
    comparable(readTables(target.path)),
    comparable(readTables(copy.path)),
  );
  await theirs.assertSound();
  await theirs2.assertSound();

  // A pack of the first version of the format: milliseconds.
  const era1 = await make(older, "reference", `${dir}/era1.db`, {
    encryption: "none",
    chunkSize: 16,
  });
  {
    await using old = await Theirs.open(older, era1);
    await value(old, {
      op: "mkdir",
      path: "/v1/in",
      parents: true,
      existOk: false,
    });
    await value(old, { op: "createEntry", path: "/v1/in/a", data: "31" });
    await value(old, {
      op: "setMetadata",
      path: "/v1/in/a",
      metadata: { mode: "755" },
    });
    await value(old, { op: "pack", path: "/v1" });
  }
  await Deno.copyFile(era1.path, `${dir}/era1-b.db`);
  await using upgraded = await Ours.open(era1);
  await using upgradedThere = await Theirs.open(reference, {
    ...era1,
    path: `${dir}/era1-b.db`,
  });
  await upgraded.mount.unpack("/v1");
  await value(upgradedThere, { op: "unpack", path: "/v1" });
  // The reference takes the milliseconds of such a pack for nanoseconds.
  const times = (rows: Row[], unit: bigint) =>
    rows.slice(1).map(({ path, type, data, metadata, created, modified }) => ({
      path,
      type,
      data,
      metadata,
      created: BigInt(created) * unit,
      modified: BigInt(modified) * unit,
    }));
  assert.deepEqual(
    times(await upgraded.snapshot(), 1n),
    times(await upgradedThere.snapshot(), 1_000_000n),
  );
}, older);

// --- files of era 1 --------------------------------------------------------------

for (const encryption of ["none", "convergent"] as const) {
  oracleTest(
    `oracle: an era-1 file is upgraded row for row as the reference does (${encryption})`,
    async ({
      dir,
      reference,
      older,
    }) => {
      const target = await make(older, "reference", `${dir}/era1.db`, {
        encryption,
        chunkSize: 16,
      });
      {
        await using theirs = await Theirs.open(older, target);
        const ops: Op[] = [
          { op: "mkdir", path: "/d/e", parents: true, existOk: false },
          { op: "createEntry", path: "/d/a", data: "31".repeat(40) },
          { op: "writeAll", path: "/d/a", data: "32" },
          {
            op: "setMetadata",
            path: "/d/a",
            metadata: { mode: "755", k: "v" },
          },
          { op: "createEntry", path: "/d/l", data: "61" },
          {
            op: "setMetadata",
            path: "/d/l",
            metadata: { symlink: "1", mode: "777" },
          },
          { op: "createEntry", path: "/d/x", data: "62" },
          { op: "setMetadata", path: "/d/x", metadata: { symlink: "1" } },
          { op: "createEntry", path: "/d/odd", data: "62" },
          {
            op: "setMetadata",
            path: "/d/odd",
            metadata: { symlink: "0", mode: "9z" },
          },
          { op: "createEntry", path: "/d/odd2", data: "62" },
          {
            op: "setMetadata",
            path: "/d/odd2",
            metadata: { symlink: "", mode: "" },
          },
          { op: "createEntry", path: "/d/odd3", data: "62" },
          {
            op: "setMetadata",
            path: "/d/odd3",
            metadata: { mode: "0644", symlink: "yes" },
          },
          { op: "createEntry", path: "/d/odd4" },
          {
            op: "setMetadata",
            path: "/d/odd4",
            metadata: { mode: "100644", fifo: "1" },
          },
          {
            op: "setMetadata",
            path: "/d",
            metadata: { mode: "1777", symlink: "1" },
          },
          { op: "rename", path: "/d/x", name: "y" },
          { op: "createEntry", path: "/d/twice", data: "31" },
          { op: "createEntry", path: "/d/twice", data: "32" },
          { op: "createEntry", path: "/d/gone", data: "67" },
          { op: "remove", path: "/d/gone" },
          { op: "move", from: "/d/twice", to: "/d/e/moved" },
          { op: "setMtime", path: "/d/e/moved", time: "1234567890123000000" },
          { op: "setRetention", path: "/d/a", keep: 2 },
          { op: "copy", from: "/d", to: "/p" },
          { op: "pack", path: "/p" },
          { op: "removeRecursive", path: "/d/e" },
          { op: "createContainer", path: "/d/e" },
        ];
        for (const op of ops) await value(theirs, op);
        // A mount that lasts, one that ends, and a lock with a limit.
        const pin = target.pin === undefined ? null : hex(utf8(target.pin));
        const { file } = theirs;
        await older.call("mount", {
          file,
          volume: target.volume,
          pin,
          at: "/d",
        });
        const mount = await older.call<number>("mount", {
          file,
          volume: target.volume,
          pin,
          ttl_ms: 3_600_000,
        });
        await older.call("apply", {
          file,
          mount,
          op: { op: "lock", path: "/d/a", ttl: 3_600_000 },
        });
      }
      assert.deepEqual(readUserVersion(target.path), 1n);
      const byUs = `${dir}/by-us.db`;
      const byThem = `${dir}/by-them.db`;
      await Deno.copyFile(target.path, byUs);
      await Deno.copyFile(target.path, byThem);
      await (await AloeLite.open(byUs)).close();
      await reference.call("close", {
        file: await reference.call("open", { path: byThem }),
      });

      assert.equal(readUserVersion(byThem), readUserVersion(byUs));
      const here = readTables(byUs);
      const there = readTables(byThem);
      for (const table of TABLES) {
        assert.deepEqual(here[table], there[table], table);
      }
      assert.deepEqual(schema(byUs), schema(byThem));

      // Each reads the other's upgrade, and goes on in it.
      const upgradedHere = { ...target, path: byUs };
      const upgradedThere = { ...target, path: byThem };
      for (const which of [upgradedHere, upgradedThere]) {
        await using theirs = await Theirs.open(reference, which);
        await using ours = await Ours.open(which);
        assert.deepEqual(await ours.snapshot(), withModes(await theirs.snapshot()));
        await value(theirs, {
          op: "createEntry",
          path: "/d/theirs",
          data: "31",
        });
        await value(ours, { op: "createEntry", path: "/d/ours", data: "32" });
        await value(theirs, { op: "rename", path: "/d/ours", name: "renamed" });
        assert.deepEqual(await ours.snapshot(), withModes(await theirs.snapshot()));
        await ours.assertSound();
        await theirs.assertSound();
      }

      // Looking alone upgrades nothing.
      const bytes = await Deno.readFile(target.path);
      {
        await using file = await AloeLite.open(target.path, { readOnly: true });
        await using mount = await file.mount(target.volume, {
          pin: target.pin,
        });
        const seen = await snapshotOurs(mount);
        assert.equal(seen.find((row) => row.path === "/d/a")?.data, "32");
        await assertSoundOurs(file, mount);
      }
      assert.deepEqual(await Deno.readFile(target.path), bytes);
    },
    older,
  );
}

/**
 * Era 1 keeps the permission bits in the metadata, where the reference's
 * `stat` leaves them and this library's looks for them.
 */
function withModes(rows: Row[]): Row[] {
  return rows.map((row) => {
    const text = row.metadata.mode ?? "";
    return row.mode === null && /^[0-7]{1,4}$/.test(text)
      ? { ...row, mode: parseInt(text, 8) }
      : row;
  });
}

function readUserVersion(path: string): unknown {
  const db = openRaw(path);
  try {
    return query(db, "pragma user_version")[0].user_version;
  } finally {
    db.close();
  }
}

/**
 * Names of the triggers, tables and indexes that are not this library's own,
 * and the columns of tables. Views are the reference's own affair: it makes
 * them when it opens a file.
 */
function schema(path: string): unknown {
  const db = openRaw(path);
  try {
    const objects = query(
      db,
      "select type, name, tbl_name from sqlite_schema where type <> 'view' order by type, name",
    )
      .filter(({ name }) => !/^(sqlite_autoindex_)?aloe_/.test(String(name)));
    const columns = Object.fromEntries(
      TABLES.map((
        table,
      ) => [table, query(db, `select * from pragma_table_info('${table}')`)]),
    );
    return { objects, columns };
  } finally {
    db.close();
  }
}

// --- locks and mounts ------------------------------------------------------------

oracleTest(
  "oracle: locks and mounts hold across the two",
  async ({ dir, reference }) => {
    const target = await make(reference, "reference", `${dir}/f.db`, {
      encryption: "none",
      chunkSize: 16,
    });
    await using ours = await Ours.open(target);
    await using theirs = await Theirs.open(reference, target);
    await ours.mount.createEntry("/a", utf8("one"));

    // This library's writer keeps the reference out until it closes.
    const writer = await ours.mount.openWrite("/a");
    await writer.write(utf8("two"));
    const write: Op = { op: "writeAll", path: "/a", data: "33" };
    assert.deepEqual(await theirs.apply(write), { error: "lock_held" });
    assert.equal(
      await reference.call("read_all", { mount: theirs.mount, path: "/a" }),
      hex(utf8("one")),
    );
    await writer.close();
    assert.equal(
      await reference.call("read_all", { mount: theirs.mount, path: "/a" }),
      hex(utf8("two")),
    );
    assert.deepEqual(await theirs.apply(write), { value: null });

    // And the other way about.
    const fd = await reference.call<number>("open_write", {
      mount: theirs.mount,
      path: "/a",
    });
    await reference.call("write", { fd, data: "34".repeat(40) });
    await assertAloeError("lock_held", ours.mount.writeAll("/a", utf8("x")));
    await assertAloeError("lock_held", ours.mount.openWrite("/a"));
    assert.deepEqual(await ours.mount.readAll("/a"), unhex("33"));
    await reference.call("close_fd", { fd });
    assert.deepEqual(await ours.mount.readAll("/a"), unhex("34".repeat(40)));
    await ours.mount.writeAll("/a", utf8("x"));

    // Each sees the other's mounts.
    const mine = await ours.mount.info();
    const seen = await reference.call<{ id: string }[]>("mounts", {
      file: theirs.file,
    });
    assert(seen.some((m) => m.id === mine.id));
    const { id } = await reference.call<{ id: string }>("mount_info", {
      mount: theirs.mount,
    });
    assert((await ours.file.mounts()).some((m) => m.id === id));
    await assertOracleError(
      "mount_conflict",
      reference.call("mount", {
        file: theirs.file,
        volume: target.volume,
        overlap: false,
      }),
    );
    await assertAloeError(
      "mount_conflict",
      ours.file.mount(target.volume, { exclusive: true }),
    );
  },
);
