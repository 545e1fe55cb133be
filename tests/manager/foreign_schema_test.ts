/** SQL of another program in the files of a manager that has them open. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeError } from "../../mod.ts";
import { createManager } from "../../manager/mod.ts";
import { TestManager } from "./support.ts";

const ENDLESS = `WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)
  SELECT count(*) FROM n`;

/** A connection of another program; it waits for writers. */
function otherProgram(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA busy_timeout = 60000");
  return db;
}

Deno.test("a trigger that is added to a file in use never runs, and the manager continues and ends", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("one");
  const put = (name: string) => m.ask("PUT", `/volumes/${id}/files/${name}`, { body: name });
  assert.equal((await put("before")).status, 201);
  const [{ id: filesystem }] = (await m.ask("GET", "/filesystems")).json;
  using other = otherProgram(`${m.root}/filesystems/${filesystem}.aloe`);
  for (
    const evil of [
      `TRIGGER evil AFTER UPDATE ON mount BEGIN ${ENDLESS}; END`,
      `TRIGGER evil AFTER INSERT ON node BEGIN ${ENDLESS}; END`,
      `VIEW evil AS ${ENDLESS}`,
    ]
  ) {
    other.exec(`CREATE ${evil}`);
    const answers = [
      await put("during"),
      await m.ask("GET", `/volumes/${id}/files/before`),
      await m.ask("GET", `/volumes/${id}/health?deep=1`),
    ];
    for (const { status, json, text } of answers) {
      assert.equal(status, 422, text);
      assert.equal(json.code, "unsupported");
      assert(!text.includes(m.root), text);
    }
    assert.equal((await m.ask("GET", "/health")).status, 200);
    other.exec(`DROP ${evil.split(" ")[0]} evil`);
    assert.equal((await m.ask("GET", `/volumes/${id}/files/before`)).text, "before");
  }
  assert.equal((await put("after")).status, 201);
  // The manager ends while one is still there.
  other.exec(`CREATE TRIGGER evil AFTER UPDATE ON mount BEGIN ${ENDLESS}; END`);
});

Deno.test("the manager's own records are compared when they are opened, and while they are open", async () => {
  const root = await Deno.makeTempDir({ prefix: "aloelite-manager-" });
  const evils = [
    `TRIGGER evil AFTER INSERT ON setting BEGIN ${ENDLESS}; END`,
    `TRIGGER evil BEFORE UPDATE ON filesystem BEGIN ${ENDLESS}; END`,
    `TRIGGER evil BEFORE INSERT ON filesystem BEGIN SELECT RAISE(IGNORE); END`,
    `VIEW evil AS ${ENDLESS}`,
    "TABLE evil (x)",
    "INDEX evil ON filesystem (name || zeroblob(9))",
  ];
  try {
    {
      await using m = await TestManager.start({ root });
      await m.volume("one");
      using other = otherProgram(`${root}/manager.db`);
      for (const evil of evils) {
        other.exec(`CREATE ${evil}`);
        const { status, text } = await m.ask("POST", "/volumes", { json: { name: "two" } });
        assert.equal(status, 422, text);
        assert(!text.includes(root), text);
        other.exec(`DROP ${evil.split(" ")[0]} evil`);
      }
      other.exec("VACUUM");
      const made = await m.ask("POST", "/volumes", { json: { name: "two" } });
      assert.equal(made.status, 201, made.text);
    }
    for (const evil of evils) {
      {
        using other = otherProgram(`${root}/manager.db`);
        other.exec(`CREATE ${evil}`);
      }
      await assert.rejects(createManager({ root, log() {} }), (error: unknown) => {
        assert(error instanceof AloeError, `${error}`);
        assert.equal(error.code, "unsupported");
        assert.match(error.message, /(trigger|view|table|index) "evil"/);
        return true;
      });
      using other = otherProgram(`${root}/manager.db`);
      other.exec(`DROP ${evil.split(" ")[0]} evil`);
    }
    await using m = await TestManager.start({ root });
    assert.equal((await m.ask("GET", "/filesystems")).json.length, 2);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
