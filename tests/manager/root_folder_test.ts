/** Access of other users to the folder of a manager. */

import assert from "node:assert/strict";
import { TestManager } from "./support.ts";

async function mode(path: string): Promise<string> {
  return ((await Deno.stat(path)).mode! & 0o7777).toString(8);
}

Deno.test("a folder that was open to others is closed, with its content", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.chmod(root, 0o755);
    {
      await using m = await TestManager.start({ root });
      await m.volume("a");
      assert.equal(await mode(root), "700");
      assert.equal(await mode(`${root}/manager.db`), "600");
    }
    const [{ name }] = [...Deno.readDirSync(`${root}/filesystems`)];
    const file = `${root}/filesystems/${name}`;
    assert.equal(await mode(file), "600");
    for (const path of [root, `${root}/filesystems`, `${root}/tmp`]) await Deno.chmod(path, 0o775);
    for (const path of [file, `${root}/manager.db`, `${root}/manager.lock`]) {
      await Deno.chmod(path, 0o664);
    }
    await using m = await TestManager.start({ root });
    await m.volume("b");
    for (const path of [root, `${root}/filesystems`, `${root}/tmp`]) {
      assert.equal(await mode(path), "700", path);
    }
    for (const { name } of Deno.readDirSync(`${root}/filesystems`)) {
      const path = `${root}/filesystems/${name}`;
      assert.equal((parseInt(await mode(path), 8) & 0o077).toString(8), "0", path);
    }
    for (const { name, isFile } of Deno.readDirSync(root)) {
      if (isFile) assert.equal(await mode(`${root}/${name}`), "600", name);
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("with mounts for other users the path to them stays open", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.chmod(root, 0o755);
    await using m = await TestManager.start({ root, fuse: { allowOther: true } });
    assert.equal(await mode(m.root), "711");
    assert.equal(await mode(`${root}/filesystems`), "700");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a folder with other content is left unchanged, and a warning says that it is open", async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.chmod(root, 0o755);
    await Deno.writeTextFile(`${root}/notes.txt`, "of somebody");
    await using m = await TestManager.start({ root });
    await m.volume("a");
    assert.equal(await mode(root), "755");
    assert.equal(await mode(`${root}/manager.db`), "600");
    assert.equal(await mode(`${root}/filesystems`), "700");
    assert.ok(m.log.some((line) => line.includes("can be entered by other users")), `${m.log}`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
