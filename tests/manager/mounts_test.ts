/**
 * Volumes as directories, mounted by the manager: real mounts of the kernel.
 */

import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import { mountTest } from "../fuse/support.ts";
import { mountsBelow, nothingLeft, processesOf, until } from "./mount_support.ts";
import { TestManager } from "./support.ts";

async function mounted(m: TestManager, id: string, wish: Record<string, unknown> = {}) {
  const answer = await m.ask("POST", `/volumes/${id}/mount`, { json: wish });
  assert.equal(answer.status, 200, answer.text);
  return answer.json.mountpoint as string;
}

mountTest("a volume is mounted, used, shown and unmounted", async () => {
  await using m = await TestManager.start({ hostRoot: "/srv/volumes/" });
  const id = await m.volume("a");
  const before = await m.ask("GET", `/volumes/${id}/mount`);
  assert.deepEqual(before.json, {
    frontend: null,
    id,
    mounted: false,
    mountpoint: null,
    ready: false,
    host_path: null,
    auto_mount: false,
  });
  assert.equal((await m.ask("DELETE", `/volumes/${id}/mount`)).status, 404);
  const answer = await m.ask("POST", `/volumes/${id}/mount`);
  assert.equal(answer.status, 200, answer.text);
  const point = `${m.root}/mnt/${id}`;
  assert.deepEqual(answer.json, {
    frontend: "fuse",
    id,
    mountpoint: point,
    host_path: `/srv/volumes/mnt/${id}`,
  });
  await Deno.writeTextFile(`${point}/hello`, "from a program");
  assert.equal(await Deno.readTextFile(`${point}/hello`), "from a program");
  const during = await m.ask("GET", `/volumes/${id}/mount`);
  assert.deepEqual(during.json, {
    frontend: "fuse",
    id,
    mounted: true,
    mountpoint: point,
    ready: true,
    host_path: `/srv/volumes/mnt/${id}`,
    auto_mount: false,
  });
  const [row] = (await m.ask("GET", "/volumes")).json;
  assert.equal(row.mounted, true);
  assert.equal(row.attached, true);
  assert.equal(row.mountpoint, point);
  assert.equal((await m.ask("GET", `/volumes/${id}/stat`)).json.mounted, true);
  const { mounts } = (await m.ask("GET", `/volumes/${id}/mounts`)).json;
  assert.equal(mounts.length, 1);
  assert.equal(mounts[0].access, "rw");
  const twice = await m.ask("POST", `/volumes/${id}/mount`);
  assert.equal(twice.status, 409);
  assert.equal(twice.json.code, "already_mounted");
  assert.equal((await m.ask("DELETE", `/volumes/${id}/mount`)).status, 204);
  await nothingLeft(m.root);
  assert.equal((await m.ask("DELETE", `/volumes/${id}/mount`)).json.code, "not_mounted");
  // The data is in the file, not only in the WAL.
  const exported = await m.ask("GET", `/volumes/${id}/export`);
  await Deno.writeFile(`${m.root}/copy`, exported.bytes);
  await using fs = await AloeLite.open(`${m.root}/copy`, { create: false });
  await using mount = await fs.mount(id);
  assert.equal(new TextDecoder().decode(await mount.readAll("/hello")), "from a program");
  assert.equal((await m.ask("POST", "/volumes/none/mount")).status, 404);
  assert.equal((await m.ask("GET", "/volumes/none/mount")).status, 404);
  assert.equal((await m.ask("GET", "/volumes/none/mounts")).status, 404);
});

mountTest(
  "writes over HTTP show in the mount within a second, and the other way round",
  async () => {
    await using m = await TestManager.start();
    const id = await m.volume("a");
    const point = await mounted(m, id);
    for (let i = 0; i < 3; i++) {
      const put = await m.ask("PUT", `/volumes/${id}/files/from-http`, { body: `http ${i}` });
      assert.ok([200, 201].includes(put.status), put.text);
      await until(
        "the mount sees it",
        async () => await Deno.readTextFile(`${point}/from-http`).catch(() => "") === `http ${i}`,
        1500,
      );
      await Deno.writeTextFile(`${point}/from-mount`, `mount ${i}`);
      const file = await Deno.open(`${point}/from-mount`, { write: true });
      await file.sync();
      file.close();
      const got = await m.ask("GET", `/volumes/${id}/files/from-mount`);
      assert.equal(got.text, `mount ${i}`);
    }
  },
);

mountTest("an encrypted volume is mounted with its PIN, which is visible nowhere", async () => {
  await using m = await TestManager.start();
  const pin = "correct horse battery";
  const id = await m.volume("secret", { encrypted: true, pin });
  for (const json of [{}, { pin: "wrong" }]) {
    const answer = await m.ask("POST", `/volumes/${id}/mount`, { json });
    assert.equal(answer.status, 400, answer.text);
  }
  const persist = await m.ask("POST", `/volumes/${id}/mount`, { json: { pin, persist: true } });
  assert.equal(persist.status, 400);
  const point = await mounted(m, id, { pin });
  await Deno.writeTextFile(`${point}/note`, "hidden");
  const [process] = processesOf(m.root);
  for (const what of ["cmdline", "environ"]) {
    assert.ok(!Deno.readTextFileSync(`/proc/${process}/${what}`).includes(pin), what);
  }
  assert.ok(!m.log.join("\n").includes(pin));
  const records = await Deno.readFile(`${m.root}/manager.db`);
  const wal = await Deno.readFile(`${m.root}/manager.db-wal`).catch(() => new Uint8Array());
  for (const bytes of [records, wal]) {
    assert.ok(!new TextDecoder("latin1").decode(bytes).includes(pin));
  }
  // Content over HTTP still needs a session that has proved the PIN.
  assert.equal((await m.ask("GET", `/volumes/${id}/health`)).status, 401);
  assert.equal((await m.ask("DELETE", `/volumes/${id}/mount`)).status, 204);
  await nothingLeft(m.root);
});

mountTest("a busy mount is unmounted lazily; its users lose nothing", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  const point = await mounted(m, id);
  const file = await Deno.open(`${point}/open`, { create: true, write: true });
  await file.write(new TextEncoder().encode("before "));
  assert.equal((await m.ask("DELETE", `/volumes/${id}/mount`)).status, 204);
  assert.deepEqual(mountsBelow(m.root), []);
  await file.write(new TextEncoder().encode("after"));
  await file.sync();
  file.close();
  await nothingLeft(m.root);
  const again = await mounted(m, id);
  assert.equal(await Deno.readTextFile(`${again}/open`), "before after");
});

mountTest(
  "a mount that dies is detected and mounted again; an encrypted one is reported",
  async () => {
    const pins = await Deno.makeTempDir();
    await using m = await TestManager.start({ mountPins: { directory: pins } });
    const plain = await m.volume("plain");
    const secret = await m.volume("secret", { encrypted: true, pin: "2468" });
    const kept = await m.volume("kept", { encrypted: true, pin: "1357" });
    await Deno.writeTextFile(`${pins}/pin`, "1357\n");
    const points = [
      await mounted(m, plain),
      await mounted(m, secret, { pin: "2468" }),
      await mounted(m, kept, { pin_file: "pin" }),
    ];
    await Deno.writeTextFile(`${points[0]}/a`, "a");
    const file = await Deno.open(`${points[0]}/a`, { write: true });
    await file.sync();
    file.close();
    const processes = processesOf(m.root);
    assert.equal(processes.length, 3);
    for (const process of processes) Deno.kill(process, "SIGKILL");
    const status = async (id: string) => (await m.ask("GET", `/volumes/${id}/mount`)).json;
    // The status may be late for a moment: poll it.
    const content = () => Deno.readTextFile(`${points[0]}/a`).catch(() => null);
    await until("the plain one is back", async () => await content() === "a");
    await until("the one with a PIN in a file is back", async () => {
      const fresh = processesOf(m.root).every((pid) => !processes.includes(pid));
      return fresh && processesOf(m.root).length === 2 && (await status(kept)).ready;
    });
    await until(
      "the one without is given up",
      async () => (await status(secret)).frontend === null,
    );
    assert.equal((await status(secret)).mounted, false);
    assert.ok(
      m.log.some((line) => /mount of volume plain died/.test(line)),
      m.log.join("\n"),
    );
    assert.ok(m.log.some((line) => /volume secret has to be mounted anew/.test(line)));
    await until("its directory is free", () => mountsBelow(m.root).length === 2);
    await mounted(m, secret, { pin: "2468" });
    // Its row in the file is gone as well.
    for (const pid of processesOf(m.root)) Deno.kill(pid, "SIGKILL");
    await until("it is noticed", async () => (await status(secret)).frontend === null);
    assert.equal((await m.ask("DELETE", `/volumes/${secret}`)).status, 204);
    await Deno.remove(pins, { recursive: true });
  },
);

mountTest("the feed reports mounts: created, lost, restored, ended", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  const stop = new AbortController();
  const response = await fetch(`${m.url}/events?volume=${id}`, { signal: stop.signal });
  const told: string[] = [];
  const reading = (async () => {
    let text = "";
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (text + part).split("\n\n");
      text = blocks.pop()!;
      for (const block of blocks) {
        const data = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? "{}");
        if (/mount/.test(data.type)) told.push(`${data.type} ${data.volume_id === id}`);
      }
    }
  })().catch(() => {});
  await mounted(m, id);
  const [process] = processesOf(m.root);
  Deno.kill(process, "SIGKILL");
  await until("it is back", () => told.length >= 3);
  assert.equal((await m.ask("DELETE", `/volumes/${id}/mount`)).status, 204);
  await until("its end is told", () => told.length >= 4);
  assert.deepEqual(told, [
    "mounted true",
    "mount_lost true",
    "mounted true",
    "unmounted true",
  ]);
  stop.abort();
  await reading;
});

mountTest("a mount that is not ready in time is 503, and leaves nothing", async () => {
  await using m = await TestManager.start({ fuse: { readyMs: 1 } });
  const id = await m.volume("a");
  const answer = await m.ask("POST", `/volumes/${id}/mount`);
  assert.equal(answer.status, 503);
  assert.equal(answer.json.code, "not_ready");
  await nothingLeft(m.root);
  assert.equal((await m.ask("GET", `/volumes/${id}/mount`)).json.frontend, null);
  assert.equal((await m.ask("DELETE", `/volumes/${id}`)).status in { 204: 1, 404: 1 }, true);
});

mountTest("the manager notices an unmount by another program", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  const point = await mounted(m, id);
  const { success } = await new Deno.Command("umount", { args: [point] }).output();
  assert.ok(success);
  await until(
    "it is noticed",
    async () => (await m.ask("GET", `/volumes/${id}/mount`)).json.frontend === null,
  );
  await nothingLeft(m.root);
  await mounted(m, id);
});

mountTest("stopping unmounts everything, busy mounts too", async () => {
  const root = await Deno.makeTempDir();
  const m = await TestManager.start({ root });
  const ids = [await m.volume("a"), await m.volume("b")];
  const [first] = [await mounted(m, ids[0]), await mounted(m, ids[1])];
  const file = await Deno.open(`${first}/open`, { create: true, write: true });
  await m.stop();
  file.close();
  await nothingLeft(root);
  await Deno.remove(root, { recursive: true });
});

Deno.test("a direct mount keeps the volume open, and needs no FUSE", async () => {
  await using m = await TestManager.start({
    limits: { idleFilesystemMs: 50 },
    mountPins: { variables: ["ALOELITE_TEST_PIN"] },
  });
  const id = await m.volume("a");
  const answer = await m.ask("POST", `/volumes/${id}/mount`, { json: { mode: "direct" } });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, { frontend: "direct", id });
  const { json } = await m.ask("GET", `/volumes/${id}/mount`);
  assert.equal(json.frontend, "direct");
  assert.equal(json.mounted, true);
  assert.equal(json.ready, true);
  assert.equal(json.mountpoint, null);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { mounts } = (await m.ask("GET", `/volumes/${id}/mounts`)).json;
  assert.equal(mounts.length, 1);
  const twice = await m.ask("POST", `/volumes/${id}/mount`, { json: { mode: "direct" } });
  assert.equal(twice.status, 409);
  assert.equal((await m.ask("DELETE", `/volumes/${id}/mount`)).status, 204);
  assert.deepEqual((await m.ask("GET", `/volumes/${id}/mounts`)).json.mounts, []);
  const secret = await m.volume("secret", { encrypted: true, pin: "2468" });
  const ask = (json: unknown) => m.ask("POST", `/volumes/${secret}/mount`, { json });
  assert.equal((await ask({ mode: "direct" })).status, 400);
  assert.equal((await ask({ mode: "direct", pin: "1" })).status, 400);
  assert.equal((await ask({ mode: "direct", pin: "2468", persist: true })).status, 400);
  assert.equal((await ask({ mode: "direct", pin_file: "relative" })).status, 400);
  assert.equal((await ask({ mode: "direct", pin_file: "/no/such/file" })).status, 400);
  assert.equal((await ask({ mode: "direct", pin_env: "ALOELITE_NOT_THERE" })).status, 400);
  assert.equal((await ask({ mode: "else" })).status, 400);
  Deno.env.set("ALOELITE_TEST_PIN", "2468");
  assert.equal((await ask({ mode: "direct", pin_env: "ALOELITE_TEST_PIN" })).status, 200);
  const plain = await m.ask("POST", `/volumes/${id}/mount`, { json: { mode: "direct", pin: "1" } });
  assert.equal(plain.status, 400);
});

mountTest("a directory with content is not mounted over, unless requested", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("a");
  const point = `${m.root}/mnt/${id}`;
  await Deno.mkdir(point, { recursive: true });
  await Deno.writeTextFile(`${point}/left`, "hidden");
  const refused = await m.ask("POST", `/volumes/${id}/mount`, { json: {} });
  assert.equal(refused.status, 409, refused.text);
  assert.equal(refused.json.code, "not_empty");
  assert(!refused.text.includes(m.root));
  assert.equal(await mounted(m, id, { nonempty: true }), point);
  assert.deepEqual([...Deno.readDirSync(point)], []);
  assert.equal((await m.ask("DELETE", `/volumes/${id}/mount`)).status, 204);
  assert.equal(await Deno.readTextFile(`${point}/left`), "hidden");
});

mountTest(
  "the directory of an encrypted mount is removed with it, though a program writes to it",
  async () => {
    await using m = await TestManager.start();
    const id = await m.volume("a", { encrypted: true, pin: "2468" });
    for (let round = 0; round < 2; round++) {
      const point = await mounted(m, id, { pin: "2468" });
      const script = 'i=0; while echo secret > "$1/f$i"; do i=$((i + 1)); done; sleep 600';
      const writer = new Deno.Command("sh", {
        args: ["-c", script, "sh", point],
        stderr: "null",
      }).spawn();
      try {
        await until("it writes", () => Deno.stat(`${point}/f9`).then(() => true, () => false));
        assert.equal((await m.ask("DELETE", `/volumes/${id}/mount`)).status, 204);
        assert.deepEqual([...Deno.readDirSync(`${m.root}/mnt`)], []);
      } finally {
        writer.kill("SIGKILL");
        await writer.status;
      }
      assert.deepEqual([...Deno.readDirSync(`${m.root}/mnt`)], []);
    }
  },
);
