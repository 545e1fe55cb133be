/**
 * A manager that is killed at any moment: what the next one finds and restores.
 */

import assert from "node:assert/strict";
import { mountTest } from "../fuse/support.ts";
import { endAll, mountsBelow, processesOf, until } from "./mount_support.ts";
import { TestProcess } from "./processes.ts";
import { request } from "./support.ts";
import { runs } from "../support/runs.ts";

async function start(root: string, options: Record<string, unknown> = {}) {
  const process = TestProcess.deno("manager_process.ts", JSON.stringify({ root, ...options }));
  const url = await process.line();
  const ask = (method: string, path: string, given: Parameters<typeof request>[2] = {}) =>
    request(method, `${url}${path}`, given);
  return { process, ask };
}

type Running = Awaited<ReturnType<typeof start>>;

async function made(m: Running, name: string, options: Record<string, unknown> = {}) {
  const answer = await m.ask("POST", "/volumes", { json: { name, ...options } });
  assert.equal(answer.status, 201, answer.text);
  return answer.json.id as string;
}

mountTest("persistent mounts come back after kill -9, others are removed", async () => {
  const root = await Deno.makeTempDir();
  try {
    let points: string[];
    let ids: string[];
    await Deno.writeTextFile(`${root}/pin`, "2468\n");
    const mountPins = { directory: root };
    {
      const m = await start(root, { mountPins });
      await using _process = m.process;
      ids = [
        await made(m, "plain"),
        await made(m, "secret", { encrypted: true, pin: "2468" }),
        await made(m, "passing"),
      ];
      const wishes = [{ persist: true }, { persist: true, pin_file: `${root}/pin` }, {}];
      points = [];
      for (const [i, json] of wishes.entries()) {
        const answer = await m.ask("POST", `/volumes/${ids[i]}/mount`, { json });
        assert.equal(answer.status, 200, answer.text);
        points.push(answer.json.mountpoint);
        await Deno.writeTextFile(`${answer.json.mountpoint}/name`, `volume ${i}`);
      }
      await m.process.end("SIGKILL");
    }
    const orphans = processesOf(root);
    assert.equal(orphans.length, 3);
    // Their supervisor is gone, and they continue.
    assert.equal(await Deno.readTextFile(`${points[2]}/name`), "volume 2");
    // One of them is killed too: its mount is dead.
    for (const pid of orphans) {
      const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`);
      if (words.includes(points[2])) Deno.kill(pid, "SIGKILL");
    }
    {
      const m = await start(root, { mountPins });
      await using _process = m.process;
      // They are mounted as soon as the manager answers.
      for (const i of [0, 1]) {
        const { json } = await m.ask("GET", `/volumes/${ids[i]}/mount`);
        assert.equal(json.ready, true);
        assert.equal(json.auto_mount, true);
        await Deno.writeTextFile(`${points[i]}/again`, "again");
      }
      const { json } = await m.ask("GET", `/volumes/${ids[2]}/mount`);
      assert.equal(json.frontend, null);
      assert.equal(json.auto_mount, false);
      assert.deepEqual(mountsBelow(root).sort(), [points[0], points[1]].sort());
      assert.ok(processesOf(root).every((pid) => !orphans.includes(pid)), "an orphan is left");
      assert.equal(await Deno.readTextFile(`${points[1]}/name`), "volume 1");
      assert.deepEqual([...Deno.readDirSync(`${root}/mnt`)].length, 2);
      // No remainder keeps the volume from being deleted.
      assert.equal((await m.ask("DELETE", `/volumes/${ids[2]}`)).status, 204);
      // Once unmounted, they stay unmounted.
      assert.equal((await m.ask("DELETE", `/volumes/${ids[0]}/mount`)).status, 204);
      // The PIN of the other one is missing: this is reported, and nothing
      // waits for it.
      await Deno.remove(`${root}/pin`);
      const { code } = await m.process.end("SIGTERM");
      assert.equal(code, 0);
    }
    assert.deepEqual(mountsBelow(root), []);
    assert.deepEqual(processesOf(root), []);
    {
      const m = await start(root, { mountPins });
      await using _process = m.process;
      const first = (await m.ask("GET", `/volumes/${ids[0]}/mount`)).json;
      assert.equal(first.auto_mount, false);
      assert.equal(first.frontend, null);
      const second = (await m.ask("GET", `/volumes/${ids[1]}/mount`)).json;
      assert.equal(second.ready, false);
      assert.equal(second.auto_mount, true);
      await Deno.writeTextFile(`${root}/pin`, "2468\n");
      await until(
        "it is mounted when its PIN is there",
        async () => (await m.ask("GET", `/volumes/${ids[1]}/mount`)).json.ready,
      );
      assert.equal((await m.process.end("SIGTERM")).code, 0);
    }
  } finally {
    await endAll(root);
  }
});

/** The state that a client knows for certain. */
interface Known {
  there: Set<string>;
  gone: Set<string>;
}

async function meddle(m: Running, known: Known, exported: Uint8Array, lane: number) {
  for (let i = 0;; i++) {
    const id = await made(m, `lane ${lane} number ${i}`);
    known.there.add(id);
    if (i % 3 === 0) {
      await m.ask("POST", `/volumes/${id}/mount`, { json: { persist: i % 2 === 0 } });
    }
    if (i % 2 === lane % 2) {
      await m.ask("POST", "/filesystems?name=imported", {
        headers: { "content-type": "application/octet-stream" },
        body: exported as BodyInit,
      });
    }
    if (i % 2 === 1) {
      known.there.delete(id);
      if ((await m.ask("DELETE", `/volumes/${id}`)).status === 204) known.gone.add(id);
    }
  }
}

mountTest("killed at random moments, the next manager agrees with its files", async () => {
  const root = await Deno.makeTempDir();
  const other = await Deno.makeTempDir();
  try {
    const known: Known = { there: new Set(), gone: new Set() };
    let exported: Uint8Array;
    {
      const m = await start(other);
      await using _process = m.process;
      const id = await made(m, "imported");
      exported = (await m.ask("GET", `/volumes/${id}/export`)).bytes;
    }
    for (let round = 0; round < runs(3); round++) {
      const m = await start(root);
      await using _process = m.process;
      await agrees(m, root, known);
      const lanes = [0, 1, 2].map((lane) => meddle(m, known, exported, lane).catch(() => {}));
      await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 1900));
      await m.process.end("SIGKILL");
      await Promise.all(lanes);
    }
    const m = await start(root);
    await using _process = m.process;
    await agrees(m, root, known);
    assert.ok(known.there.size > 0);
    assert.equal((await m.process.end("SIGTERM")).code, 0);
    assert.deepEqual(mountsBelow(root), []);
  } finally {
    await endAll(root);
    await endAll(other);
  }
});

async function agrees(m: Running, root: string, known: Known): Promise<void> {
  const volumes = (await m.ask("GET", "/volumes")).json as {
    id: string;
    fs_id: string;
    mounted: boolean;
    auto_mount: boolean;
  }[];
  const files = [...Deno.readDirSync(`${root}/filesystems`)].map(({ name }) => name)
    .filter((name) => name.endsWith(".aloe"));
  assert.deepEqual(files.sort(), volumes.map(({ fs_id }) => `${fs_id}.aloe`).sort());
  assert.deepEqual([...Deno.readDirSync(`${root}/tmp`)], []);
  const ids = new Set(volumes.map(({ id }) => id));
  for (const id of known.there) assert.ok(ids.has(id), `${id} was made and is not there`);
  for (const id of known.gone) assert.ok(!ids.has(id), `${id} was deleted and is there`);
  for (const { id, fs_id, mounted, auto_mount } of volumes) {
    assert.equal(mounted, auto_mount, id);
    const health = await m.ask("GET", `/filesystems/${fs_id}/health`);
    assert.equal(health.json?.ok, true, health.text);
  }
  const points = volumes.filter(({ mounted }) => mounted).map(({ id }) => `${root}/mnt/${id}`);
  assert.deepEqual(mountsBelow(root).sort(), points.sort());
}
