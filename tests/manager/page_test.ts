/// <reference lib="dom" />
/**
 * The page in a real Chromium: typical use from the first visit on.
 * `ALOELITE_SCREENSHOTS=docs/images` saves the README's pictures.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";
import { AloeLite } from "../../mod.ts";
import {
  closeViewer,
  createVolume,
  file,
  menu,
  names,
  open,
  row,
  upload,
  viewer,
} from "./page_steps.ts";
import { accessible, pageTest, picture } from "./page_support.ts";

const PIN = "four random words together";

/** A PDF of one page with a text. */
function pdf(text: string): string {
  const stream = `BT /F1 24 Tf 72 700 Td (${text}) Tj ET`;
  const objects = [
    "<</Type/Catalog/Pages 2 0 R>>",
    "<</Type/Pages/Kids[3 0 R]/Count 1>>",
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
    `<</Length ${stream.length}>>stream\n${stream}\nendstream`,
    "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
  ];
  let out = "%PDF-1.4\n";
  const at = objects.map((object, index) => {
    const begin = out.length;
    out += `${index + 1} 0 obj${object}endobj\n`;
    return begin;
  });
  const xref = out.length;
  out += `xref\n0 ${at.length + 1}\n0000000000 65535 f \n`;
  for (const each of at) out += `${String(each).padStart(10, "0")} 00000 n \n`;
  return `${out}trailer<</Size ${at.length + 1}/Root 1 0 R>>\nstartxref\n${xref}\n%%EOF`;
}

/** A tone of some seconds, long enough to seek in. */
function wav(seconds: number): Uint8Array {
  const rate = 8000;
  const bytes = new Uint8Array(44 + rate * seconds);
  const view = new DataView(bytes.buffer);
  const text = (at: number, word: string) => bytes.set(new TextEncoder().encode(word), at);
  text(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  text(36, "data");
  view.setUint32(40, rate * seconds, true);
  for (let i = 44; i < bytes.length; i++) bytes[i] = 128 + 60 * Math.sin(i / 8);
  return bytes;
}

/** A picture, drawn by the browser. */
async function png(page: Page): Promise<Uint8Array> {
  const drawn = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [960, 600];
    const c = canvas.getContext("2d")!;
    const sky = c.createLinearGradient(0, 0, 0, 600);
    sky.addColorStop(0, "#f2c9a1");
    sky.addColorStop(1, "#7fb3a1");
    c.fillStyle = sky;
    c.fillRect(0, 0, 960, 600);
    c.fillStyle = "#fff3df";
    c.beginPath();
    c.arc(690, 210, 70, 0, 7);
    c.fill();
    const hills: [number, string][] = [[330, "#4f8a77"], [410, "#2f6b58"], [490, "#17493a"]];
    for (const [y, colour] of hills) {
      c.fillStyle = colour;
      c.beginPath();
      c.moveTo(0, 600);
      for (let x = 0; x <= 960; x += 8) {
        c.lineTo(x, y + 46 * Math.sin(x / (y / 3)) + 18 * Math.sin(x / 37));
      }
      c.lineTo(960, 600);
      c.fill();
    }
    return canvas.toDataURL("image/png").split(",")[1];
  });
  return Uint8Array.fromBase64(drawn);
}

/** A video of one second, recorded by the browser. */
async function webm(page: Page): Promise<Uint8Array> {
  const film = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [160, 90];
    const c = canvas.getContext("2d")!;
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm" });
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    const ended = new Promise((resolve) => recorder.onstop = resolve);
    recorder.start();
    for (let i = 0; i < 20; i++) {
      c.fillStyle = `hsl(${i * 18} 60% 50%)`;
      c.fillRect(0, 0, 160, 90);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    recorder.stop();
    await ended;
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  });
  return Uint8Array.fromBase64(film);
}

pageTest("the first visit, uploads and downloads, moving, the trash", async ({ visitor }) => {
  const { page, context } = await visitor();
  await page.getByRole("heading", { name: "A filesystem in one file" }).waitFor();
  const script = await page.evaluate(() => document.querySelector("script")!.src);
  const loaded = await context.request.get(script);
  assert.equal(loaded.headers()["content-encoding"], "gzip");
  const known = { "if-none-match": loaded.headers().etag };
  assert.equal((await context.request.get(script, { headers: known })).status(), 304);
  await accessible(page, "welcome");
  await createVolume(page, "Photos");
  await page.getByText("An empty volume").waitFor();
  await accessible(page, "an empty volume");

  // Uploads: chosen files, and a dropped folder.
  await upload(page, file("beta.txt", "beta"), file("alpha.txt", "alpha, longer"));
  await page.locator(".files").evaluate((target) => {
    const data = new DataTransfer();
    data.items.add(new File(["dropped"], "dropped.txt"));
    target.dispatchEvent(new DragEvent("drop", { bubbles: true, dataTransfer: data }));
  });
  await row(page, "dropped.txt").waitFor();
  const folder = await Deno.makeTempDir({ prefix: "aloelite-page-" });
  try {
    await Deno.mkdir(`${folder}/Trip/Day 1`, { recursive: true });
    await Deno.writeTextFile(`${folder}/Trip/Day 1/diary.md`, "# Monday\n\nRain.\n");
    await Deno.writeTextFile(`${folder}/Trip/list.txt`, "boots\n");
    await page.getByLabel("Folder to upload").setInputFiles(`${folder}/Trip`);
    await row(page, "Trip").waitFor();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  await page.getByRole("region", { name: "Transfers" }).getByRole("button", { name: "Close" })
    .click();

  // Sorting and search.
  assert.deepEqual(await names(page), ["Trip", "alpha.txt", "beta.txt", "dropped.txt"]);
  await page.getByRole("button", { name: "Size" }).click();
  assert.deepEqual((await names(page)).slice(1), ["beta.txt", "dropped.txt", "alpha.txt"]);
  await page.getByRole("button", { name: "Name" }).click();
  await page.getByRole("searchbox", { name: "Search" }).fill("diary");
  await row(page, "diary.md").waitFor();
  assert.deepEqual(await names(page), ["diary.md"]);
  await page.getByRole("searchbox", { name: "Search" }).fill("");

  // Into a folder and back.
  await open(page, "Trip");
  await open(page, "Day 1");
  await row(page, "diary.md").waitFor();
  assert.match(page.url(), /path=\/Trip\/Day\+1/);
  await page.getByRole("navigation", { name: "Folder" }).getByText("Photos").click();
  await row(page, "beta.txt").waitFor();

  // Rename and move.
  await menu(page, "beta.txt", "Rename…");
  await page.getByRole("dialog").getByLabel("Name").fill("gamma.txt");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await row(page, "gamma.txt").waitFor();
  await menu(page, "gamma.txt", "Move…");
  const tree = page.getByRole("treegrid", { name: "Folders" });
  await tree.getByRole("row", { name: "Trip" }).click();
  await accessible(page, "choosing a folder");
  await page.getByRole("dialog").getByRole("button", { name: "Move to Trip" }).click();
  await row(page, "gamma.txt").waitFor({ state: "detached" });
  await menu(page, "alpha.txt", "Copy…");
  await page.getByRole("dialog").getByRole("button", { name: "Copy to Photos" }).click();
  await page.getByRole("button", { name: /^alpha.*copy|alpha \(|alpha 2/ }).first().waitFor();

  // To the trash, restored by Undo and from the trash.
  await menu(page, "alpha.txt", "Move to trash");
  await row(page, "alpha.txt").waitFor({ state: "detached" });
  await page.locator(".toast", { hasText: "alpha.txt” moved to the trash" })
    .getByRole("button", { name: "Undo" }).click();
  await row(page, "alpha.txt").waitFor();
  await menu(page, "dropped.txt", "Move to trash");
  await row(page, "dropped.txt").waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Trash" }).click();
  await page.getByText("1 item in the trash").waitFor();
  await accessible(page, "trash");
  await page.getByRole("button", { name: "Restore dropped.txt" }).click();
  await page.getByRole("heading", { name: "The trash is empty" }).waitFor();
  await page.getByRole("link", { name: "Files" }).click();
  await row(page, "dropped.txt").waitFor();
  await menu(page, "dropped.txt", "Move to trash");
  await page.getByRole("link", { name: "Trash" }).click();
  await page.getByRole("button", { name: "Empty the trash…" }).click();
  await page.getByRole("button", { name: "Delete all permanently" }).click();
  await page.getByRole("heading", { name: "The trash is empty" }).waitFor();
  await page.getByRole("link", { name: "Files" }).click();

  // Downloads: a file, a folder as a ZIP archive, the whole file.
  const [one] = await Promise.all([
    page.waitForEvent("download"),
    menu(page, "alpha.txt", "Download"),
  ]);
  assert.equal(one.suggestedFilename(), "alpha.txt");
  assert.equal(await Deno.readTextFile(await one.path()), "alpha, longer");
  const [zip] = await Promise.all([
    page.waitForEvent("download"),
    menu(page, "Trip", "Download as zip"),
  ]);
  assert.equal(zip.suggestedFilename(), "Trip.zip");
  const packed = new TextDecoder("latin1").decode(await Deno.readFile(await zip.path()));
  assert.ok(packed.startsWith("PK") && packed.includes("Trip/Day 1/diary.md"));
  await page.getByRole("button", { name: "More for this volume" }).click();
  const [whole] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("menuitem", { name: "Download whole filesystem" }).click(),
  ]);
  const path = await whole.path();
  {
    await using fs = await AloeLite.open(path, { readOnly: true });
    await using mount = await fs.mount(undefined, { access: "ro" });
    assert.equal(await mount.path("/Trip/gamma.txt").readText(), "beta");
  }

  // The volume is deleted, and imported from that file.
  await page.getByRole("button", { name: "More for this volume" }).click();
  await page.getByRole("menuitem", { name: "Delete volume…" }).click();
  await page.getByLabel("Type Photos to confirm").fill("Photos");
  await page.getByRole("button", { name: "Delete volume" }).click();
  await page.getByRole("heading", { name: "A filesystem in one file" }).waitFor();
  await page.getByLabel("Filesystem to import").setInputFiles({
    ...file("photos.aloe", ""),
    buffer: Buffer.from(await Deno.readFile(path)),
  });
  await page.getByRole("link", { name: /Photos/ }).click();
  await row(page, "alpha.txt").waitFor();
});

pageTest(
  "files are shown, played and edited; versions are restored",
  async ({ visitor, manager, expected }) => {
    const { page } = await visitor();
    await createVolume(page, "Notes");
    await upload(
      page,
      file("read me.md", '# Title\n\n**bold** <img src=x onerror="alert(1)"> [link](/x)\n'),
      file("code.ts", 'export const answer: number = 42; // "why"\n'),
      file("paper.pdf", pdf("Hello PDF")),
      file("tone.wav", wav(20)),
      file("hills.png", await png(page)),
      file("film.webm", await webm(page)),
      file("page.html", "<script>alert(document.domain)</script>"),
      file("blob.bin", new Uint8Array(100)),
    );
    await page.getByRole("region", { name: "Transfers" }).getByRole("button", { name: "Close" })
      .click();
    await picture(page, "files");

    await open(page, "hills.png");
    const image = viewer(page, "hills.png").getByRole("img", { name: "hills.png" });
    await image.waitFor();
    await page.waitForFunction(() =>
      document.querySelector<HTMLImageElement>(".picture")?.naturalWidth === 960
    );
    await viewer(page, "hills.png").getByRole("button", { name: "Details" }).click();
    await accessible(page, "a picture");
    await picture(page, "preview");
    await closeViewer(page, "hills.png");

    await open(page, "paper.pdf");
    await page.getByText("Hello PDF").waitFor({ state: "attached" });
    await page.waitForFunction(() => {
      const canvas = document.querySelector<HTMLCanvasElement>(".pdf-page canvas");
      if (!canvas?.width) return false;
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value, at) => at % 4 === 0 && value < 80 && data[at + 3] === 255);
    });
    await accessible(page, "a PDF");
    await closeViewer(page, "paper.pdf");

    // Seeking requests a range.
    await open(page, "tone.wav");
    await page.waitForFunction(() => (document.querySelector("audio")?.readyState ?? 0) >= 1);
    await page.evaluate(() => {
      document.querySelector("audio")!.currentTime = 15;
    });
    await page.waitForFunction(() => {
      const { readyState, currentTime } = document.querySelector("audio")!;
      return readyState >= 2 && currentTime >= 15;
    });
    await closeViewer(page, "tone.wav");
    await open(page, "film.webm");
    await page.waitForFunction(() => (document.querySelector("video")?.readyState ?? 0) >= 2);
    await closeViewer(page, "film.webm");

    // Attempts are reported while the text is sanitised, where nothing runs
    // either.
    expected.push(/^Executing inline event handler violates/);
    await open(page, "read me.md");
    const frame = page.frameLocator("iframe");
    await frame.getByRole("heading", { name: "Title" }).waitFor();
    assert.equal(await frame.locator("[onerror]").count(), 0);
    await accessible(page, "Markdown");
    await closeViewer(page, "read me.md");

    // HTML is shown as text.
    await open(page, "page.html");
    await page.getByLabel("Text of page.html").getByText("alert").waitFor();
    await closeViewer(page, "page.html");
    await open(page, "blob.bin");
    await page.getByText("There is no preview").waitFor();
    await closeViewer(page, "blob.bin");

    // Edited and saved; the second time another client saves first.
    await open(page, "code.ts");
    const editor = page.getByLabel("Text of code.ts");
    await editor.getByText("answer").waitFor();
    const coloured = await editor.locator("span").first().evaluate((span) =>
      getComputedStyle(span).color !== getComputedStyle(span.closest(".cm-content")!).color
    );
    assert.ok(coloured);
    await editor.click();
    await page.keyboard.press("Control+Home");
    await page.keyboard.type("// first\n");
    await page.keyboard.press("Control+s");
    await page.getByText("Saved").waitFor();
    await accessible(page, "the editor");
    const [{ id }] = (await manager.ask("GET", "/volumes")).json;
    const url = `/volumes/${id}/files/code.ts`;
    assert.match((await manager.ask("GET", url)).text, /^\/\/ first\nexport/);
    await page.keyboard.type("// mine\n");
    await manager.ask("PUT", url, { body: "theirs\n" });
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("This file was changed in the meantime.").waitFor();
    await page.getByRole("button", { name: "Save mine anyway" }).click();
    await page.getByText("This file was changed").waitFor({ state: "detached" });
    assert.match((await manager.ask("GET", url)).text, /^\/\/ first\n\/\/ mine/);
    await viewer(page, "code.ts").getByRole("button", { name: "Versions" }).click();
    await page.getByRole("button", { name: "Restore version 1" }).waitFor();
    await accessible(page, "versions");
    await picture(page, "versions");
    await page.getByRole("button", { name: "Restore version 1" }).click();
    await page.getByText("Version 1 restored").waitFor();
    assert.match((await manager.ask("GET", url)).text, /^export const answer/);
    await closeViewer(page, "code.ts");

    await page.getByRole("link", { name: "Space" }).click();
    await page.getByText("saved", { exact: false }).first().waitFor();
    await page.getByRole("button", { name: "Check all content" }).click();
    await page.getByText("All content was read and is valid.").waitFor();
    await accessible(page, "space");
    await page.getByRole("button", { name: "Health" }).click();
    await page.getByRole("heading", { name: "Health" }).waitFor();
    await page.locator(".checks li").first().waitFor();
    await accessible(page, "health");
  },
);

pageTest(
  "two browsers: an unlock affects one; changes show in both",
  async ({ visitor, manager }) => {
    const first = await visitor();
    const second = await visitor({ colorScheme: "dark" });
    await createVolume(first.page, "Vault", PIN);
    await first.page.getByRole("heading", { name: "Vault is locked" }).waitFor();
    await second.page.getByRole("link", { name: /Vault/ }).click();
    await second.page.getByRole("heading", { name: "Vault is locked" }).waitFor();
    await accessible(second.page, "a locked volume, dark");

    await first.page.getByRole("button", { name: "Unlock" }).click();
    const dialog = first.page.getByRole("dialog", { name: "Unlock Vault" });
    await dialog.getByLabel("PIN").fill("wrong");
    await dialog.getByRole("button", { name: "Unlock" }).click();
    await dialog.getByRole("alert").waitFor();
    await dialog.getByLabel("PIN").fill(PIN);
    await dialog.getByRole("button", { name: "Unlock" }).click();
    await first.page.getByText("An empty volume").waitFor();
    await upload(first.page, file("secret.txt", "under the mat"));
    assert.ok(await second.page.getByRole("heading", { name: "Vault is locked" }).isVisible());
    const [{ id }] = (await manager.ask("GET", "/volumes")).json;
    assert.equal((await manager.ask("GET", `/volumes/${id}/list`)).status, 401);

    await second.page.getByRole("button", { name: "Unlock" }).click();
    await second.page.getByLabel("PIN").fill(PIN);
    await second.page.getByRole("dialog").getByRole("button", { name: "Unlock" }).click();
    await row(second.page, "secret.txt").waitFor();
    await accessible(second.page, "files, dark");
    await upload(first.page, file("more.txt", "more"));
    await row(second.page, "more.txt").waitFor({ timeout: 60_000 });
    await picture(second.page, "dark");

    await first.page.getByRole("button", { name: "Lock", exact: true }).click();
    await first.page.getByRole("heading", { name: "Vault is locked" }).waitFor();
    await row(second.page, "secret.txt").waitFor();
    // The browser stores no typed text in the clear.
    const kept = JSON.stringify(await first.context.storageState());
    assert.ok(!kept.includes(PIN));
  },
);

pageTest("by keyboard alone, and on a phone", async ({ visitor, manager }) => {
  const id = await manager.volume("Keys");
  for (const name of ["a.txt", "b.txt", "c.txt"]) {
    await manager.ask("PUT", `/volumes/${id}/files/${name}`, { body: name });
  }
  await manager.ask("POST", `/volumes/${id}/directories`, { json: { path: "/folder" } });
  const { page } = await visitor();
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  await page.getByRole("link", { name: /Keys/ }).focus();
  await press("Enter");
  await row(page, "b.txt").waitFor();
  const grid = page.getByRole("grid");
  for (let i = 0; i < 30; i++) {
    await press("Tab");
    if (await grid.evaluate((grid) => grid === document.activeElement)) break;
  }
  assert.ok(await grid.evaluate((grid) => grid === document.activeElement));
  await press("Home", "Enter");
  await page.getByText("An empty folder").waitFor();
  await grid.focus();
  await press("Backspace");
  await row(page, "c.txt").waitFor();
  await grid.focus();
  await press("End", "F2");
  await page.getByRole("dialog", { name: "Rename" }).waitFor();
  await press("Control+a");
  await page.keyboard.type("z.txt");
  await press("Enter");
  await row(page, "z.txt").waitFor();
  await grid.focus();
  await press("Home", "ArrowDown", "Shift+ArrowDown", "Delete");
  await row(page, "b.txt").waitFor({ state: "detached" });
  assert.deepEqual(await names(page), ["folder", "z.txt"]);

  const phone = await visitor({
    viewport: { width: 390, height: 780 },
    hasTouch: true,
    isMobile: true,
  });
  await phone.page.getByRole("link", { name: /Keys/ }).tap();
  await row(phone.page, "z.txt").waitFor();
  await accessible(phone.page, "files on a phone");
  const wide = await phone.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.ok(!wide, "wider than the phone");
  await picture(phone.page, "phone");
  await phone.page.getByRole("button", { name: "Actions for z.txt" }).tap();
  await phone.page.getByRole("menuitem", { name: "Open" }).tap();
  await phone.page.getByLabel("Text of z.txt").waitFor();
});

pageTest("a folder of 50,000 files", async ({ visitor, manager }) => {
  const id = await manager.volume("Many");
  const [{ fs_id }] = (await manager.ask("GET", "/volumes")).json;
  {
    await using fs = await AloeLite.open(`${manager.root}/filesystems/${fs_id}.aloe`);
    await using mount = await fs.mount();
    await mount.batch(async (tx) => {
      for (let i = 0; i < 50_000; i++) await tx.put(`/${String(i).padStart(5, "0")}.txt`, "x");
    });
  }
  const { page } = await visitor();
  await page.goto(`${manager.url}/?volume=${id}`);
  await row(page, "00000.txt").waitFor();
  await page.getByText("50,000 items", { exact: true }).waitFor({ timeout: 60_000 });
  assert.ok((await names(page)).length < 100);
  await page.getByRole("grid").focus();
  await page.keyboard.press("End");
  await row(page, "49999.txt").waitFor();
  await page.keyboard.type("31234");
  await row(page, "31234.txt").waitFor();
  assert.ok((await names(page)).length < 100);
});

pageTest(
  "an upload is cancelled; another one resumes",
  async ({ visitor, manager }) => {
    const { page, context } = await visitor();
    await createVolume(page, "Large");
    const driver = await context.newCDPSession(page);
    await driver.send("Network.enable");
    const speed = (bytes: number) =>
      driver.send("Network.emulateNetworkConditions", {
        offline: false,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: bytes,
      });
    await speed(2_000_000);
    const folder = await Deno.makeTempDir({ prefix: "aloelite-page-" });
    try {
      await Deno.writeFile(`${folder}/one.bin`, new Uint8Array(60_000_000).fill(1));
      await page.getByLabel("Files to upload").setInputFiles(`${folder}/one.bin`);
      const transfers = page.getByRole("region", { name: "Transfers" });
      await transfers.getByRole("progressbar").first().waitFor();
      await transfers.getByRole("button", { name: "Cancel one.bin" }).click();
      await transfers.waitFor({ state: "detached" });
      assert.deepEqual(await names(page), []);

      await page.getByLabel("Files to upload").setInputFiles(`${folder}/one.bin`);
      await transfers.getByText(/ MB of /).first().waitFor();
      await transfers.getByRole("button", { name: "Pause one.bin" }).click();
      await transfers.getByText(/paused at/).waitFor();
      await speed(-1);
      await transfers.getByRole("button", { name: "Resume one.bin" }).click();
      await row(page, "one.bin").waitFor({ timeout: 60_000 });
      const [{ id }] = (await manager.ask("GET", "/volumes")).json;
      const stored = await manager.ask("GET", `/volumes/${id}/files/one.bin`);
      assert.equal(stored.bytes.length, 60_000_000);
      assert.ok(stored.bytes.every((byte) => byte === 1));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
