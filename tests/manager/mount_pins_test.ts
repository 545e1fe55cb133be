/** PINs on the manager's host: only from named places, and never disclosed. */

import assert from "node:assert/strict";
import { type Answer, TestManager } from "./support.ts";

const RIGHT = "2468";

/** What a client learns from an answer. */
function told({ status, text, headers }: Answer): unknown {
  return [status, text, headers.get("retry-after")];
}

/** A folder for PINs with one file of each kind. */
async function places(): Promise<string> {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/right`, `${RIGHT}\n`);
  await Deno.writeTextFile(`${directory}/wrong`, "1357\n");
  await Deno.writeTextFile(`${directory}/empty`, "\n");
  await Deno.writeTextFile(`${directory}/large`, "2468".repeat(2000));
  await Deno.mkdir(`${directory}/folder`);
  await Deno.symlink("/dev/zero", `${directory}/endless`);
  await new Deno.Command("mkfifo", { args: [`${directory}/silent`] }).output();
  return directory;
}

Deno.test("no file and no variable is read unless the operator has named it", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("vault", { encrypted: true, pin: RIGHT });
  const ask = async (json: unknown) => {
    const answer = await m.ask("POST", `/volumes/${id}/mount`, {
      json: { mode: "direct", ...json as object },
    });
    assert.deepEqual([answer.status, answer.json.code], [400, "invalid"]);
    return answer;
  };
  const files = ["/etc/passwd", "/no/such/file", `${m.root}/manager.db`, "passwd", "/dev/zero"];
  const first = told(await ask({ pin_file: files[0] }));
  for (const pin_file of files) assert.deepEqual(told(await ask({ pin_file })), first, pin_file);
  const variable = told(await ask({ pin_env: "PATH" }));
  for (const pin_env of ["NO_SUCH_VARIABLE", "HOME", "A=B"]) {
    assert.deepEqual(told(await ask({ pin_env })), variable, pin_env);
  }
});

Deno.test("a PIN that is missing, unreadable, too large or wrong has the same answer", async () => {
  const directory = await places();
  try {
    await using m = await TestManager.start({
      mountPins: { directory, variables: ["ALOELITE_TEST_MOUNT_PIN", "ALOELITE_TEST_NO_PIN"] },
      limits: { pinGuesses: 100 },
    });
    const id = await m.volume("vault", { encrypted: true, pin: RIGHT });
    const ask = (json: object) =>
      m.ask("POST", `/volumes/${id}/mount`, { json: { mode: "direct", ...json } });
    const wrong = await ask({ pin_file: "wrong" });
    assert.deepEqual([wrong.status, wrong.json.code], [400, "bad_key"]);
    const names = ["missing", "empty", "large", `${directory}/folder`, "endless", "silent"];
    for (const pin_file of names) {
      assert.deepEqual(told(await ask({ pin_file })), told(wrong), pin_file);
    }
    assert.deepEqual(told(await ask({ pin_env: "ALOELITE_TEST_NO_PIN" })), told(wrong));
    for (
      const pin_file of ["..", ".", "../x", `${directory}/../x`, `${directory}/folder/x`, "a\0"]
    ) {
      const { status, json } = await ask({ pin_file });
      assert.deepEqual([status, json.code], [400, "invalid"], pin_file);
    }
    // The operator sees the reason, and nobody sees a PIN.
    const log = m.log.join("\n");
    assert.match(log, /PIN in .*\/silent: not read within/);
    assert.match(log, /PIN in .*\/large: larger than/);
    assert.equal(log.includes(RIGHT), false);
    const unmount = () => m.ask("DELETE", `/volumes/${id}/mount`);
    assert.equal((await ask({ pin_file: "right" })).status, 200);
    assert.equal((await ask({ pin_file: "missing" })).status, 409);
    assert.equal((await unmount()).status, 204);
    assert.equal((await ask({ pin_file: `${directory}/right` })).status, 200);
    assert.equal((await unmount()).status, 204);
    Deno.env.set("ALOELITE_TEST_MOUNT_PIN", RIGHT);
    assert.equal((await ask({ pin_env: "ALOELITE_TEST_MOUNT_PIN" })).status, 200);
  } finally {
    Deno.env.delete("ALOELITE_TEST_MOUNT_PIN");
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("guesses of a file's content are counted across volumes", async () => {
  const directory = await places();
  try {
    await using m = await TestManager.start({
      mountPins: { directory },
      limits: { pinGuesses: 2 },
    });
    const ids: string[] = [];
    for (const pin of ["1", "2", "3", "4"]) {
      ids.push(await m.volume(`guess ${pin}`, { encrypted: true, pin }));
    }
    // Missing files are counted in the same way.
    for (const pin_file of ["right", "missing"]) {
      const json = { mode: "direct", pin_file };
      const all = await Promise.all(
        ids.map(async (id) => (await m.ask("POST", `/volumes/${id}/mount`, { json })).status),
      );
      assert.deepEqual(all.sort(), [400, 400, 429, 429], pin_file);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("files that never answer block nothing else", async () => {
  const directory = await places();
  try {
    await using m = await TestManager.start({
      mountPins: { directory },
      limits: { pinGuesses: 1000 },
    });
    const vault = await m.volume("vault", { encrypted: true, pin: RIGHT });
    const plain = await m.volume("plain");
    const json = { mode: "direct", pin_file: "silent" };
    let done = 0;
    const stuck = Promise.all(Array.from({ length: 8 }, async () => {
      const { status } = await m.ask("POST", `/volumes/${vault}/mount`, { json });
      done++;
      return status;
    }));
    for (let i = 0; i < 20; i++) {
      const put = await m.ask("PUT", `/volumes/${plain}/files/${i}`, { body: "x" });
      assert.equal(put.status, 201);
      await Deno.stat(m.root);
    }
    assert.ok(done < 8, "some were waited for all the time");
    assert.deepEqual(new Set(await stuck), new Set([400]));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
