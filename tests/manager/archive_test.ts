/** Archives, unpacked by an independent program. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeLite } from "../../mod.ts";
import { TestManager } from "./support.ts";

const LIST = `
import sys, zipfile, json, hashlib
with zipfile.ZipFile(sys.argv[1]) as z:
    bad = z.testzip()
    print(json.dumps({"bad": bad, "names": {
        i.filename: hashlib.sha256(z.read(i)).hexdigest() for i in z.infolist()}}))
`;

async function unpack(bytes: Uint8Array): Promise<{ bad: unknown; names: Record<string, string> }> {
  const path = await Deno.makeTempFile({ suffix: ".zip" });
  try {
    await Deno.writeFile(path, bytes);
    const { success, stdout, stderr } = await new Deno.Command("python3", {
      args: ["-c", LIST, path],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  } finally {
    await Deno.remove(path);
  }
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

Deno.test("an archive has directories and files, and no name that leads out of it", async () => {
  const root = await Deno.makeTempDir();
  await Deno.mkdir(`${root}/filesystems`);
  {
    await using fs = await AloeLite.open(`${root}/filesystems/made.aloe`);
    await fs.createVolume({ name: "Bücher" });
    await using mount = await fs.mount();
    for (const path of ["/d", "/d/empty", "/dots", "/d/dots"]) await mount.mkdir(path);
    await mount.put("/dots/evil", "evil");
    await mount.put("/d/a\\b", "back");
    await mount.put("/d/a_b", "under");
    await mount.put("/d/名.txt", "utf-8");
    await mount.put("/d/none", "");
    await mount.put("/slip", "slip");
    await mount.put("/d/abs", "abs");
    await mount.put("/d/C:\\x", "drive");
    await mount.symlink("/d/link", "/etc/passwd");
  }
  {
    // Our code creates no such names; other programs do.
    using db = new DatabaseSync(`${root}/filesystems/made.aloe`);
    db.prepare("UPDATE edge SET name = '..' WHERE name = 'dots'").run();
    db.prepare("UPDATE edge SET name = '../../slip' WHERE name = 'slip'").run();
    db.prepare("UPDATE edge SET name = '/etc/abs' WHERE name = 'abs'").run();
  }
  try {
    await using m = await TestManager.start({ root });
    const [{ id }] = (await m.ask("GET", "/volumes")).json;
    const large = new Uint8Array(3_000_000).map((_, i) => i * 31 >> 7);
    await m.ask("PUT", `/volumes/${id}/files/d/large`, { body: large });
    const all = await m.ask("GET", `/volumes/${id}/archive?path=/`);
    assert.equal(all.status, 200);
    assert.equal(all.headers.get("content-type"), "application/zip");
    assert.match(all.headers.get("content-disposition")!, /filename\*=UTF-8''B%C3%BCcher\.zip/);
    const { bad, names } = await unpack(all.bytes);
    assert.equal(bad, null);
    assert.deepEqual(Object.keys(names).sort(), [
      ".._.._slip",
      "__/",
      "__/evil",
      "d/",
      "d/C__x",
      "d/__/",
      "d/_etc_abs",
      "d/a_b",
      "d/a_b (2)",
      "d/empty/",
      "d/large",
      "d/link",
      "d/none",
      "d/名.txt",
    ]);
    assert.equal(names["d/large"], await sha256(large));
    const some = await m.ask(
      "GET",
      `/volumes/${id}/archive?path=/d/large&path=/d/none&path=/d/empty`,
    );
    assert.deepEqual(Object.keys((await unpack(some.bytes)).names), ["large", "none", "empty/"]);
    assert.equal((await m.ask("GET", `/volumes/${id}/archive?path=/nothing`)).status, 404);
    assert.equal((await m.ask("GET", `/volumes/none/archive?path=/`)).status, 404);
    // An empty selection does not select everything.
    for (const query of ["", "?path=", "?path=/d&path=", "?paths=/d"]) {
      const { status, json } = await m.ask("GET", `/volumes/${id}/archive${query}`);
      assert.deepEqual([status, json.code], [400, "invalid"], query);
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
