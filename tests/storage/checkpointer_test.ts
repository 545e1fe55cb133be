/** When a WAL is moved into its file, and when writers wait for that. */

import assert from "node:assert/strict";
import { runtime } from "../../src/runtime/mod.ts";
import { Checkpointer, type WalBytes } from "../../src/storage/sqlite/checkpointer.ts";

const MIB = 2 ** 20;

/** Stands for the thread: a checkpoint is done when the test says so. */
class Thread extends EventTarget {
  onmessage: ((event: MessageEvent<boolean>) => void) | null = null;
  onerror: null = null;
  asked = 0;

  postMessage(path: string | null): void {
    if (path === null) this.finish();
    else this.asked++;
  }

  finish(): void {
    this.onmessage?.(new MessageEvent("message", { data: true }));
  }

  terminate(): void {}
}

async function withThread(
  test: (checkpointer: Checkpointer, thread: Thread) => Promise<void>,
): Promise<void> {
  const thread = new Thread();
  const { startWorker } = runtime;
  Object.assign(runtime, { startWorker: () => thread as unknown as Worker });
  try {
    const checkpointer = new Checkpointer("unused");
    await test(checkpointer, thread);
    await checkpointer.close();
  } finally {
    Object.assign(runtime, { startWorker });
  }
}

const wal = (written: number, moved: number): WalBytes => ({
  written: written * MIB,
  moved: moved * MIB,
});

/** Whether a writer may begin at once. */
async function isAdmitted(checkpointer: Checkpointer, state: WalBytes): Promise<boolean> {
  let admitted = false;
  checkpointer.admit(() => state).then(() => admitted = true);
  for (let i = 0; i < 10; i++) await Promise.resolve();
  return admitted;
}

Deno.test("a WAL that is moved faster than it grows is emptied: the writer waits for the rest", async () => {
  await withThread(async (checkpointer, thread) => {
    checkpointer.committed(wal(15, 0));
    assert.equal(thread.asked, 0);
    checkpointer.committed(wal(16, 0));
    assert.equal(thread.asked, 1);
    checkpointer.committed(wal(20, 0));
    assert.equal(thread.asked, 1, "one at a time");
    assert(await isAdmitted(checkpointer, wal(20, 0)));
    thread.finish();
    checkpointer.committed(wal(21, 16));
    assert.equal(thread.asked, 2, "what came meanwhile is moved at once");
    thread.finish();
    checkpointer.committed(wal(22, 21));
    assert.equal(thread.asked, 2);
    assert(!await isAdmitted(checkpointer, wal(22, 21)));
    assert.equal(thread.asked, 3);
    thread.finish();
    // SQLite begins the WAL anew with the next write.
    checkpointer.committed(wal(1, 0));
    assert(await isAdmitted(checkpointer, wal(1, 0)));
    assert.equal(thread.asked, 3);
  });
});

Deno.test("a WAL that grows faster than it is moved does not hold writers until it is long", async () => {
  await withThread(async (checkpointer, thread) => {
    let moved = 0;
    for (let written = 16; written < 96; written += 16) {
      checkpointer.committed(wal(written, moved));
      assert(await isAdmitted(checkpointer, wal(written, moved)), `${written} MiB`);
      moved = written;
      thread.finish();
    }
    // The state does not change here, so that a second checkpoint is tried.
    const admitted = checkpointer.admit(() => wal(96, moved));
    const asked = thread.asked;
    thread.finish();
    while (thread.asked === asked) await Promise.resolve();
    thread.finish();
    await admitted;
  });
});
