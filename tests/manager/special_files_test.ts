/// <reference lib="dom" />
/**
 * Devices, FIFOs and sockets over HTTP and on the page are distinguished from
 * files.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeLite } from "../../mod.ts";
import { TestManager } from "./support.ts";
import { createVolume, open, row, viewer } from "./page_steps.ts";
import { pageTest } from "./page_support.ts";

/** Creates one of each in a volume, as a mount does, and links to some. */
async function makeSpecial(m: TestManager): Promise<void> {
  const [name] = [...Deno.readDirSync(`${m.root}/filesystems`)].map((entry) => entry.name)
    .filter((name) => !/-(wal|shm)$/.test(name));
  const file = `${m.root}/filesystems/${name}`;
  const devices: [string, string, number, number][] = [];
  {
    await using fs = await AloeLite.open(file);
    await using mount = await fs.mount("special");
    await mount.createSpecial("/pipe", "fifo");
    await mount.createSpecial("/talk", "socket");
    devices.push([await mount.createEntry("/null"), "char", 1, 3]);
    devices.push([await mount.createEntry("/disk.png"), "block", 259, 70000]);
    await mount.createEntry("/empty");
    await mount.put("/file", "text");
  }
  const db = new DatabaseSync(file);
  const insert = db.prepare("INSERT INTO aloe_device VALUES (?, ?, ?, ?)");
  for (const row of devices) insert.run(...row);
  db.close();
}

Deno.test("listings, details and searches report devices, FIFOs and sockets", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("special");
  await makeSpecial(m);
  const types = {
    pipe: ["fifo", undefined],
    talk: ["socket", undefined],
    null: ["device", { kind: "char", major: 1, minor: 3 }],
    "disk.png": ["device", { kind: "block", major: 259, minor: 70000 }],
    empty: ["file", undefined],
    file: ["file", undefined],
  };
  const told = (entries: { name: string; type: string; device?: unknown }[]) =>
    Object.fromEntries(entries.map(({ name, type, device }) => [name, [type, device]]));
  const list = await m.ask("GET", `/volumes/${id}/list?path=/`);
  assert.deepEqual(told(list.json.entries), types);
  const found = await m.ask("GET", `/volumes/${id}/search?glob=*`);
  assert.deepEqual(told(found.json.entries), types);
  const nodes = [];
  for (const name of Object.keys(types)) {
    nodes.push((await m.ask("GET", `/volumes/${id}/node?path=/${name}`)).json);
  }
  assert.deepEqual(told(nodes), types);
  for (const name of ["pipe", "talk", "null", "disk.png"]) {
    for (const method of ["GET", "HEAD"]) {
      const got = await m.ask(method, `/volumes/${id}/files/${name}`);
      assert.ok(got.status >= 400 && got.status < 500, `${method} ${name}: ${got.status}`);
    }
  }
  assert.equal((await m.ask("GET", `/volumes/${id}/files/empty`)).status, 200);
});

pageTest(
  "the page shows a device as such, and offers no download",
  async ({ visitor, manager }) => {
    const { page } = await visitor();
    await createVolume(page, "special");
    await makeSpecial(manager);
    await page.reload();
    await open(page, "disk.png");
    const shown = viewer(page, "disk.png");
    await shown.getByText("nothing in it to be shown").waitFor();
    assert.equal(await shown.getByRole("button", { name: "Download" }).count(), 0);
    await shown.getByRole("button", { name: "Details" }).click();
    await shown.getByText("block 259:70000").waitFor();
    await shown.getByRole("button", { name: "Close", exact: true }).click();
    await row(page, "pipe").click({ button: "right" });
    await page.getByRole("menuitem", { name: "Rename" }).waitFor();
    assert.equal(await page.getByRole("menuitem", { name: "Download" }).count(), 0);
    await page.keyboard.press("Escape");
    await row(page, "file").click({ button: "right" });
    await page.getByRole("menuitem", { name: "Download" }).waitFor();
  },
);
