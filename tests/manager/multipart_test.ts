/** Forms with files: each file is stored completely or not at all. */

import assert from "node:assert/strict";
import { TestManager } from "./support.ts";

const large = new Uint8Array(2_500_000).map((_, i) => (i * 131) >> 3);

function form(...files: [string, BlobPart][]): FormData {
  const data = new FormData();
  for (const [name, content] of files) data.append("file", new File([content], name));
  return data;
}

Deno.test("the files of a form are written in order", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  await m.ask("POST", `/volumes/${id}/directories`, { json: { path: "/d" } });
  const post = (body: BodyInit, query = "path=/d") =>
    m.ask("POST", `/volumes/${id}/files?${query}`, { body });
  const made = await post(form(["a", "one"], ["large", large], ["empty", ""], ["b", "two"]));
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(
    made.json.files.map((file: { path: string; size: number; version: number }) => [
      file.path,
      file.size,
      file.version,
    ]),
    [["/d/a", 3, 1], ["/d/large", large.length, 1], ["/d/empty", 0, 0], ["/d/b", 3, 1]],
  );
  assert.deepEqual((await m.ask("GET", `/volumes/${id}/files/d/large`)).bytes, large);
  assert.equal((await m.ask("GET", `/volumes/${id}/files/d/b`)).text, "two");
  assert.deepEqual((await post(new FormData())).json?.files, []);
});

Deno.test("an invalid form, a path out of the volume, or an interrupted body is refused", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  const at = `/volumes/${id}/files`;
  assert.equal((await m.ask("POST", at, { body: "x" })).status, 415);
  const none = form(["a", "x"]);
  assert.equal((await m.ask("POST", `${at}?path=/none`, { body: none })).status, 404);
  for (const name of ["../out", "a/../../out", "..", "n".repeat(256)]) {
    const forms = [form([name, large], ["b", "x"]), form([name, "x"]), form([name, ""])];
    forms.push(form(["good", "x"], [name, "x"]), form(["good", "x"], [name, "x"], ["c", large]));
    for (const body of forms) {
      const { status, text } = await m.ask("POST", at, { body });
      assert.equal(status, 400, `${name} ${text}`);
    }
  }
  const headers = { "content-type": "multipart/form-data; boundary=x" };
  const part = '--x\r\ncontent-disposition: form-data; name="f"; filename="cut"\r\n\r\n';
  for (const body of [part + "some of it", part + "z".repeat(3_000_000), "--x", ""]) {
    const { status, text } = await m.ask("POST", at, { headers, body });
    assert.equal(status, 400, `${body.length} ${text}`);
  }
  const missing = { "content-type": "multipart/form-data; boundary=" };
  assert.equal((await m.ask("POST", at, { headers: missing, body: "--x" })).status, 400);
  // Files before the fault are stored completely.
  const { entries } = (await m.ask("GET", `/volumes/${id}/list`)).json;
  assert.deepEqual(entries.map(({ name }: { name: string }) => name), ["good"]);
  assert.deepEqual((await m.ask("GET", `/volumes/${id}/uploads`)).json.uploads, []);
});

Deno.test("the size of content is limited, in forms and without", async () => {
  await using m = await TestManager.start({ limits: { uploadBytes: 100_000 } });
  const id = await m.volume("main");
  const at = `/volumes/${id}/files`;
  const chunked = () => new Blob([large]).stream();
  for (const body of [large, chunked()]) {
    assert.equal((await m.ask("PUT", `${at}/x`, { body })).status, 413);
  }
  assert.equal((await m.ask("POST", at, { body: form(["x", large]) })).status, 413);
  assert.equal((await m.ask("GET", `${at}/x`)).status, 404);
});
