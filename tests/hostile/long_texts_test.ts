/** Names and other short texts that are far longer than any that a program stores. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeLite } from "../../mod.ts";
import { TestManager } from "../manager/support.ts";
import { Folder } from "../storage/crash/support.ts";

const LONG = 2 ** 20;

/** A change of one cell, and the fault that is reported for it. */
const CASES: [statement: string, kind: string][] = [
  ["UPDATE edge SET name = ?", "impossible_edge_name"],
  ["UPDATE node SET name = ?", "impossible_node_name"],
  ["UPDATE volume SET name = ?", "impossible_volume_name"],
  [
    "UPDATE volume SET enc_mode = 'random', wrapped_key = CAST(? AS BLOB)",
    "impossible_volume_wrapped_key",
  ],
  ["UPDATE volume SET wrap_nonce = CAST(? AS BLOB)", "impossible_volume_wrapped_key"],
  ["UPDATE mount SET principal = ?", "impossible_mount_principal"],
  ["UPDATE mount SET mount_point = ?", "impossible_mount_mount_point"],
  ["UPDATE mount SET N_m = CAST(? AS BLOB)", "impossible_mount_N_m"],
  ["UPDATE xattr SET name = ?", "impossible_xattr_name"],
];

async function make(file: string, statement: string): Promise<void> {
  {
    await using fs = await AloeLite.open(file);
    await fs.createVolume({ name: "main" });
    const mount = await fs.mount("main", { principal: "me" });
    await mount.put("/file", "content");
    await mount.setXattr("/file", "user.a", new Uint8Array(1));
  }
  using db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  assert(db.prepare(statement).run("x".repeat(LONG)).changes !== 0, statement);
}

for (const [statement, kind] of CASES) {
  Deno.test(`long texts: ${statement}: health tells`, async () => {
    using folder = new Folder();
    const file = folder.at("a.fs");
    await make(file, statement);
    await using fs = await AloeLite.open(file);
    const kinds = (await fs.health()).map((fault) => fault.kind);
    assert(kinds.includes(kind), kinds.join());
  });
}

Deno.test("long texts: a manager imports no such file", async () => {
  await using m = await TestManager.start();
  for (const [i, [statement, kind]] of CASES.entries()) {
    using folder = new Folder();
    const file = folder.at("a.fs");
    await make(file, statement);
    const { status, text } = await m.ask("POST", `/filesystems?name=f${i}`, {
      body: await Deno.readFile(file),
      headers: { "content-type": "application/octet-stream" },
    });
    assert.equal(status, 422, text);
    assert(text.includes(kind), text);
    assert(text.length < 10_000);
  }
});

Deno.test("long texts: new names are limited", async () => {
  await using fs = await AloeLite.open(":memory:");
  await fs.createVolume({ name: "main" });
  await using mount = await fs.mount();
  await mount.put(`/${"ü".repeat(32_768)}`, "");
  await mount.put("/file", "");
  const long = "ü".repeat(32_769);
  for (
    const attempt of [
      () => mount.put(`/${long}`, ""),
      () => mount.mkdir(`/${long}`),
      () => mount.symlink(`/${long}`, "target"),
      () => mount.rename("/file", long),
      () => mount.move("/file", `/${long}`),
      () => mount.copy("/file", `/${long}`),
      () => mount.link("/file", `/${long}`),
      () => fs.createVolume({ name: long }),
      () => fs.mount("main", { principal: long }),
    ]
  ) {
    await assert.rejects(attempt, { name: "AloeError", code: "invalid" }, `${attempt}`);
  }
});
