/**
 * Tests of the write-back layer without a kernel: random system calls compared with a byte array,
 * with commits of both kinds, evictions, and crashes in between. After a crash the file has exactly
 * the content of the last commit.
 *
 * `ALOELITE_TEST_RUNS` multiplies the number of runs.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import fc from "fast-check";
import { AloeLite } from "../../mod.ts";
import * as ops from "../../src/ops.ts";
import { allocatedBytes } from "../../src/vfs/allocation.ts";
import { DirtyChunk } from "../../src/vfs/dirty_chunk.ts";
import { ErrnoError } from "../../src/vfs/errno.ts";
import type { Invalidations, Time } from "../../src/vfs/filesystem.ts";
import { type Inode, S_IFREG } from "../../src/vfs/inode.ts";
import { VolumeFilesystem } from "../../src/vfs/volume_filesystem.ts";
import type { History } from "../../src/internal.ts";
import { callerOf } from "../support/caller.ts";
import { runs } from "../support/runs.ts";

const CALLER = callerOf(1000, 1000);

let ticks = 0;
const clock = (): Time => ({ sec: 1_700_000_000, nsec: ++ticks });
const nothing: Invalidations = { inode() {}, entry() {}, grown() {} };

interface Setup {
  path: string;
  pin?: string;
  history: History;
}

/** A filesystem on a file, which can simulate a crash. */
class Subject {
  private constructor(
    readonly setup: Setup,
    readonly fs: AloeLite,
    readonly handle: ops.MountHandle,
    readonly vfs: VolumeFilesystem,
  ) {}

  static async open(setup: Setup): Promise<Subject> {
    const fs = await AloeLite.open(setup.path);
    const volume = await fs.volume();
    const handle = await ops.mount(fs.db, volume.id, { pin: setup.pin });
    const vfs = await VolumeFilesystem.open(fs.db, handle, {
      history: setup.history,
      uid: 0,
      gid: 0,
      readOnly: false,
      clock,
      log() {},
      invalidate: nothing,
      dirtyBytes: 1 << 20,
      cacheBytes: 1 << 14,
    });
    return new Subject(setup, fs, handle, vfs);
  }

  /** Discards the state in memory. */
  async crash(): Promise<Subject> {
    await this.fs.close();
    return await Subject.open(this.setup);
  }

  /** Closes the filesystem and opens it again. */
  async remount(): Promise<Subject> {
    await this.vfs.close();
    await this.fs.close();
    return await Subject.open(this.setup);
  }
}

async function withVolume(
  options: { chunkSize: number; pin?: string; encryption?: "convergent" | "random" },
  history: History,
  task: (setup: Setup) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-vfs-" });
  try {
    const path = join(folder, "v.db");
    {
      await using fs = await AloeLite.open(path, { durability: "normal" });
      await fs.createVolume({ name: "main", ...options });
    }
    await task({ path, pin: options.pin, history });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function make(subject: Subject, name: string): Promise<Inode> {
  const { vfs } = subject;
  const inode = await vfs.lookup(vfs.root, name) ??
    await vfs.mknod(vfs.root, name, S_IFREG | 0o644, 0, CALLER);
  vfs.remember(inode);
  return inode;
}

type Call =
  | { do: "write"; offset: number; length: number; seed: number }
  | { do: "truncate"; size: number }
  | { do: "punch" | "zero"; offset: number; length: number }
  | { do: "extend"; size: number }
  | { do: "copy"; from: number; to: number; length: number }
  | { do: "commit" | "sync" | "forget" | "crash" | "remount" | "replace" };

function calls(chunkSize: number): fc.Arbitrary<Call> {
  const top = chunkSize * 6;
  const offset = fc.oneof(
    fc.nat(top),
    fc.tuple(fc.nat(6), fc.integer({ min: -1, max: 1 })).map(([c, o]) =>
      Math.max(0, c * chunkSize + o)
    ),
  );
  const length = fc.oneof(fc.nat(chunkSize * 2), fc.constant(chunkSize), fc.nat(16));
  const seed = fc.nat(255);
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant("write" as const), offset, length, seed }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("truncate" as const), size: offset }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constantFrom("punch" as const, "zero" as const),
        offset,
        length,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("extend" as const), size: offset }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("copy" as const),
        from: offset,
        to: offset,
        length: fc.nat(chunkSize * 3),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom(
          "commit" as const,
          "sync" as const,
          "forget" as const,
          "crash" as const,
          "remount" as const,
          "replace" as const,
        ),
      }),
    },
  );
}

/** A copy by reference is committed immediately, so a crash does not undo it. */
const COPY_AND_CRASH = (chunkSize: number): Call[] => [
  { do: "commit" },
  { do: "copy", from: chunkSize - 1, to: chunkSize - 1, length: chunkSize + 1 },
  { do: "crash" },
  { do: "truncate", size: 0 },
];

const noise = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7 + (i >> 4)) & 255);

function grown(bytes: Uint8Array, size: number): Uint8Array {
  const next = new Uint8Array(size);
  next.set(bytes.subarray(0, size));
  return next;
}

async function contentOf(subject: Subject, inode: Inode): Promise<Uint8Array> {
  const bytes = new Uint8Array(inode.size + 10);
  const length = await subject.vfs.read(inode, 0, bytes);
  return bytes.subarray(0, length);
}

/** Checks that everything except zeros is counted as allocated. */
function checkAllocation(file: Inode, model: Uint8Array, chunkSize: number): void {
  let full = 0;
  for (let start = 0; start < model.length; start += chunkSize) {
    full += model.subarray(start, start + chunkSize).findLastIndex((byte) => byte !== 0) + 1;
  }
  const allocated = allocatedBytes(file);
  assert(allocated >= full, `${allocated} bytes are allocated for ${full}`);
  assert(allocated <= file.size, `${allocated} bytes are allocated of ${file.size}`);
}

async function runCalls(setup: Setup, chunkSize: number, sequence: Call[]): Promise<void> {
  let subject = await Subject.open(setup);
  let model: Uint8Array = new Uint8Array(0);
  let committed: Uint8Array | null = null;
  const other = noise(chunkSize * 4 + 7, 9);
  let file = await make(subject, "f");
  let source = await make(subject, "source");
  if (source.size === 0) await subject.vfs.write(source, 0, other, true);
  const again = async () => {
    file = await make(subject, "f");
    source = await make(subject, "source");
    if (source.size === 0) await subject.vfs.write(source, 0, other, true);
  };
  for (const call of sequence) {
    const { vfs } = subject;
    switch (call.do) {
      case "write":
        await vfs.write(file, call.offset, noise(call.length, call.seed), true);
        if (call.length > 0) {
          model = grown(model, Math.max(model.length, call.offset + call.length));
          model.set(noise(call.length, call.seed), call.offset);
        }
        break;
      case "truncate":
        await vfs.setattr(file, { size: call.size }, CALLER);
        model = grown(model, call.size);
        break;
      case "extend":
        if (call.size === 0) break;
        await vfs.fallocate(file, 0, 0, call.size);
        model = grown(model, Math.max(model.length, call.size));
        break;
      case "punch":
      case "zero":
        if (call.length === 0) break;
        await vfs.fallocate(file, call.do === "punch" ? 3 : 0x11, call.offset, call.length);
        model = model.slice();
        model.fill(0, call.offset, call.offset + call.length);
        break;
      case "copy": {
        let done = 0;
        const length = Math.max(0, Math.min(call.length, other.length - call.from));
        while (done < length) {
          const { commits } = vfs.statistics();
          const from = call.from + done;
          const to = call.to + done;
          const copied = await vfs.copyRange(source, from, file, to, length - done);
          done += copied;
          model = grown(model, Math.max(model.length, to + copied));
          model.set(other.subarray(from, from + copied), to);
          // References are committed immediately.
          if (vfs.statistics().commits > commits) committed = model.slice();
        }
        break;
      }
      case "commit":
        await new Promise((resolve) => setTimeout(resolve, 2));
        await vfs.flush();
        committed = model.slice();
        break;
      case "sync":
        await vfs.sync();
        committed = model.slice();
        break;
      case "forget":
        vfs.forget(file.nodeId, 1);
        file = await make(subject, "f");
        break;
      case "crash":
        subject = await subject.crash();
        model = committed?.slice() ?? new Uint8Array(0);
        await again();
        break;
      case "remount":
        subject = await subject.remount();
        committed = model.slice();
        await again();
        break;
      case "replace": {
        const next = await vfs.mknod(vfs.root, "next", S_IFREG | 0o600, 0, CALLER);
        vfs.remember(next);
        await vfs.write(next, 3, noise(chunkSize, 77), true);
        await vfs.rename(vfs.root, "next", vfs.root, "f", 0);
        vfs.forget(file.nodeId, 1);
        file = next;
        model = new Uint8Array(3 + chunkSize);
        model.set(noise(chunkSize, 77), 3);
        break;
      }
    }
    assert.equal(file.size, model.length, call.do);
    checkAllocation(file, model, chunkSize);
    const bytes = await contentOf(subject, file);
    if (Buffer.compare(bytes, model) !== 0) {
      const at = bytes.findIndex((byte, i) => byte !== model[i]);
      assert.fail(`${call.do}: differs at ${at}: ${bytes[at]}, not ${model[at]}`);
    }
  }
  subject = await subject.remount();
  {
    await using mount = await subject.fs.mount(undefined, { pin: setup.pin });
    assert.deepEqual(Buffer.compare(await mount.readAll("/f"), model), 0, "as the engine reads it");
    const report = await mount.verify({ deep: true });
    assert.deepEqual(report.problems, []);
  }
  assert.deepEqual(await subject.fs.health(), []);
  await subject.fs.close();
}

for (
  const [name, options, history] of [
    ["plain", { chunkSize: 64 }, "none"],
    ["plain, long chunks", { chunkSize: 65536 }, "none"],
    ["convergent", { chunkSize: 4096, pin: "1", encryption: "convergent" }, "none"],
    ["random", { chunkSize: 20_000, pin: "1", encryption: "random" }, "none"],
    ["three versions", { chunkSize: 20_000 }, 3],
    ["all versions", { chunkSize: 64 }, "all"],
  ] as [string, { chunkSize: number; pin?: string }, History][]
) {
  Deno.test(`content with write-back and crashes: ${name}`, async () => {
    const { chunkSize } = options;
    await fc.assert(
      fc.asyncProperty(
        fc.array(calls(chunkSize), { minLength: 1, maxLength: 25 }),
        (sequence) => withVolume(options, history, (setup) => runCalls(setup, chunkSize, sequence)),
      ),
      { numRuns: runs(options.pin ? 3 : 25), examples: [[COPY_AND_CRASH(chunkSize)]] },
    );
  });
}

for (const encryption of [undefined, "convergent"] as const) {
  Deno.test(`holes take no space: ${encryption ?? "plain"}`, async () => {
    const chunk = 4096;
    const pin = encryption === undefined ? undefined : "1";
    await withVolume({ chunkSize: chunk, pin, encryption }, "none", async (setup) => {
      let subject = await Subject.open(setup);
      let file = await make(subject, "f");
      const allocated = async (wanted: number, what: string) => {
        await subject.vfs.sync();
        await subject.vfs.flush();
        assert.equal(allocatedBytes(file), wanted * chunk, what);
        subject = await subject.remount();
        file = await make(subject, "f");
        assert.equal(allocatedBytes(file), wanted * chunk, `${what}, mounted again`);
      };
      await subject.vfs.setattr(file, { size: 100 * chunk }, CALLER);
      assert.equal(allocatedBytes(file), 0, "grown, at once");
      await allocated(0, "grown");
      await subject.vfs.write(file, 10 * chunk, noise(3 * chunk, 1), true);
      assert.equal(allocatedBytes(file), 3 * chunk, "written, at once");
      await allocated(3, "written");
      await subject.vfs.fallocate(file, 3, 11 * chunk, chunk);
      await allocated(2, "punched");
      await subject.vfs.setattr(file, { size: 11 * chunk }, CALLER);
      await allocated(1, "cut");
      await subject.vfs.write(file, 0, noise(11 * chunk, 2), true);
      await allocated(11, "filled");
      await subject.vfs.close();
      await subject.fs.close();
    });
  });
}

Deno.test("pieces of a chunk overlay the existing content", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(63), fc.nat(40), fc.nat(255), fc.nat(9))),
      (writes) => {
        const chunk = new DirtyChunk(64);
        const bytes = new Uint8Array(64);
        const unsaved = new Uint8Array(64);
        for (const [start, length, seed, other] of writes) {
          if (other === 0) {
            chunk.cut(start);
            bytes.fill(0, start);
            unsaved.fill(0, start);
            continue;
          }
          if (other === 1) {
            chunk.saved(1);
            unsaved.fill(0);
            continue;
          }
          const data = noise(Math.min(length, 64 - start), seed);
          chunk.write(start, data);
          bytes.set(data, start);
          unsaved.fill(1, start, start + data.length);
          const seen = new Uint8Array(64);
          chunk.overlay(seen, 0);
          assert.deepEqual(seen, bytes);
        }
        const logged = new Uint8Array(64);
        for (const { start, data } of chunk.unsavedRanges()) {
          logged.fill(1, start, start + data.length);
          assert.deepEqual(data, bytes.subarray(start, start + data.length));
        }
        unsaved.forEach((one, i) => assert(one === 0 || logged[i] === 1, `${i} is not logged`));
      },
    ),
  );
});

Deno.test("a removed directory accepts no entries; a filled one cannot be removed", async () => {
  await withVolume({ chunkSize: 4096 }, "none", async (setup) => {
    let subject = await Subject.open(setup);
    let { vfs } = subject;
    const directory = await vfs.mkdir(vfs.root, "d", 0o755, CALLER);
    vfs.remember(directory);
    await vfs.mknod(directory, "f", S_IFREG | 0o644, 0, CALLER);
    const refused = (task: () => unknown, code: string) =>
      assert.rejects(
        async () => await task(),
        (error) => error instanceof ErrnoError && error.code === code,
      );
    await refused(() => vfs.rmdir(vfs.root, "d"), "ENOTEMPTY");
    subject = await subject.remount();
    ({ vfs } = subject);
    await refused(() => vfs.rmdir(vfs.root, "d"), "ENOTEMPTY");
    const again = (await vfs.lookup(vfs.root, "d"))!;
    vfs.remember(again);
    await vfs.unlink(again, "f");
    assert.equal(await vfs.lookup(again, "f"), null);
    await vfs.rmdir(vfs.root, "d");
    await refused(() => vfs.mknod(again, "g", S_IFREG, 0, CALLER), "ENOENT");
    vfs.forget(again.nodeId, 1);
    subject = await subject.remount();
    assert.equal(await subject.vfs.lookup(subject.vfs.root, "d"), null);
    await subject.fs.close();
  });
});
