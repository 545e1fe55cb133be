/** Versions: their number, their content, and the result of a prune. */

import assert from "node:assert/strict";
import type { AloeLite, Mount } from "../../mod.ts";
import { createVolume, onEachBackend } from "./backends.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

async function contents(mount: Mount, path: string): Promise<string[]> {
  const versions = await mount.history(path);
  return await Promise.all(
    versions.map(async ({ version }) => text(await mount.readAll(path, { version }))),
  );
}

/** A write that stores some chunks and is not finished. */
async function leaveHalfWritten(
  fs: AloeLite,
  path: string,
  end: "abort" | "unmount",
): Promise<void> {
  const mount = await fs.mount();
  const writer = await mount.openWrite(path);
  await writer.write(bytes("garbage!"));
  if (end === "abort") await writer.abort();
  await mount.unmount();
}

/** The write that follows. */
const NEXT: Record<string, (mount: Mount) => Promise<unknown>> = {
  put: (mount) => mount.put("/a", "three"),
  stream: (mount) => mount.put("/a", ReadableStream.from([bytes("thr"), bytes("ee")])),
  restore: async (mount) => {
    await mount.put("/a", "");
    await mount.restoreVersion("/a", 1);
    await mount.put("/a", "three");
  },
};

for (const end of ["abort", "unmount"] as const) {
  for (const [how, write] of Object.entries(NEXT)) {
    onEachBackend(
      `an uncommitted write (${end}, then ${how}) is no version and can be reclaimed`,
      async (backend) => {
        await using volume = await createVolume(backend, { chunkSize: 4 });
        const { fs, mount } = volume;
        await mount.put("/a", "one");
        await leaveHalfWritten(fs, "/a", end);
        await write(mount);
        const all = await contents(mount, "/a");
        assert.deepEqual(all, how === "restore" ? ["three", "one", "", "one"] : ["three", "one"]);
        await mount.setRetention("/a", 2);
        await fs.pruneContent();
        assert.deepEqual((await contents(mount, "/a")).slice(0, 2), ["three", "one"]);
        // "one", "thre" and "e"; no chunk of the unfinished write.
        assert.equal((await fs.info()).chunks, 3);
      },
    );
  }
}
