/// <reference lib="dom" />
/** Pictures in Markdown: only those of its own volume. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { pictureAt } from "../../manager/page/preview/pictures.ts";
import { createVolume, file, open, upload, viewer } from "./page_steps.ts";
import { accessible, pageTest } from "./page_support.ts";

Deno.test("a reference to a picture resolves within its volume", () => {
  const from = "/docs/deep/text.md";
  for (
    const [reference, path] of [
      ["a.png", "/docs/deep/a.png"],
      ["./a.PNG", "/docs/deep/a.PNG"],
      ["../a%20b.jpg?size=1#x", "/docs/a b.jpg"],
      ["/a.svg", "/a.svg"],
      ["../../a.gif", "/a.gif"],
      ["../../../a.gif", null],
      ["/../a.gif", null],
      ["a.txt", null],
      ["", null],
      ["%", null],
      ["%zz.png", null],
      ["//host/a.png", null],
      ["\\\\host\\a.png", null],
      ["https://host/a.png", null],
      ["javascript:alert(1)//a.png", null],
      ["data:image/png;base64,AAAA", null],
      ["blob:x.png", null],
    ] as const
  ) assert.equal(pictureAt(reference, from), path, reference);
});

Deno.test("no reference leads out of a volume", () => {
  const part = fc.constantFrom("..", ".", "", "a", "%2e%2e", "%2f", "b.png", "..%2f..", "%5c");
  const folder = fc.constantFrom("a", "b c", "%2e%2e");
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 12 }), fc.array(folder), (parts, at) => {
      const path = pictureAt(`${parts.join("/")}/x.png`, `/${at.join("/")}/text.md`);
      if (path === null) return;
      assert.match(path, /^\/.*x\.png$/);
      assert.ok(!path.split("/").some((name) => name === ".." || name === "."), path);
    }),
  );
});

/** A picture of one pixel. */
const GIF = Uint8Array.from(
  atob("R0lGODlhAQABAIAAAP///wAAACH5BAAAAAAALAAAAAABAAEAAAICRAEAOw=="),
  (c) => c.charCodeAt(0),
);

pageTest(
  "Markdown shows only pictures of its volume",
  async ({ visitor, manager }) => {
    const { page } = await visitor();
    await createVolume(page, "Notes");
    const [{ id }] = (await manager.ask("GET", "/volumes")).json;
    const put = (path: string, body: string | Uint8Array<ArrayBuffer>) =>
      manager.ask("PUT", `/volumes/${id}/files/${path}?parents=1`, { body });
    await put("docs/pictures/a%20b.gif", GIF);
    await put("top.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await put("docs/huge.png", new Uint8Array(5_000_000));
    await put(
      "docs/text.md",
      [
        "# Pictures",
        "![beside](pictures/a%20b.gif)",
        "![above](../top.svg#part)",
        "![rooted](/docs/pictures/a%20b.gif?x)",
        "![missing](none.png) ![huge](huge.png) ![outside](../../etc/a.png) ![text](text.md)",
        `![elsewhere](${manager.url}/volumes/${id}/files/top.svg) ![other](//example.com/a.png)`,
      ].join("\n\n"),
    );
    await open(page, "docs");
    await upload(page, file("later.txt", "x"));
    await open(page, "text.md");
    const frame = page.frameLocator("iframe");
    await frame.getByRole("heading", { name: "Pictures" }).waitFor();
    for (const [name, width] of [["beside", 1], ["above", 9], ["rooted", 1]] as const) {
      const image = frame.locator(`img[alt="${name}"][src]`);
      await image.waitFor({ state: "attached" });
      assert.equal(await image.evaluate((one: HTMLImageElement) => one.naturalWidth), width, name);
    }
    for (const name of ["missing", "huge", "outside", "text", "elsewhere", "other"]) {
      assert.equal(await frame.locator(`img[alt="${name}"]`).getAttribute("src"), null, name);
    }
    await accessible(page, "Markdown with pictures");
    await viewer(page, "text.md").getByRole("button", { name: "Close", exact: true }).click();
  },
);
