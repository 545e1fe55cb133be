/// <reference lib="dom" />
/** Stopped uploads: cancelled ones are deleted, others resume. */

import assert from "node:assert/strict";
import type { BrowserContext, Page } from "playwright-core";
import { createVolume, row } from "./page_steps.ts";
import { accessible, pageTest } from "./page_support.ts";
import type { TestManager } from "./support.ts";

const SIZE = 24_000_000;

async function onDisk(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-page-" });
  try {
    const content = new Uint8Array(SIZE).map((_, at) => at >> 10);
    for (const name of ["one.bin", "two.bin"]) await Deno.writeFile(`${folder}/${name}`, content);
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Upload speed of the browser in bytes a second; -1 for no limit. */
async function throttle(context: BrowserContext, page: Page) {
  const driver = await context.newCDPSession(page);
  await driver.send("Network.enable");
  return (bytes: number) =>
    driver.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: bytes,
    });
}

async function unfinished(manager: TestManager) {
  const [{ id }] = (await manager.ask("GET", "/volumes")).json;
  return (await manager.ask("GET", `/volumes/${id}/uploads`)).json.uploads as {
    path: string;
    offset: number;
  }[];
}

const until = async (condition: () => Promise<boolean>) => {
  const end = Date.now() + 30_000;
  while (!await condition()) {
    assert.ok(Date.now() < end, "it does not come");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const transfers = (page: Page) => page.getByRole("region", { name: "Transfers" });
const choose = (page: Page, path: string) => page.getByLabel("Files to upload").setInputFiles(path);

pageTest("a cancelled upload leaves nothing, however it is interrupted", async (stage) => {
  const { visitor, manager } = stage;
  const { page, context } = await visitor();
  await createVolume(page, "Large");
  const speed = await throttle(context, page);
  await onDisk(async (folder) => {
    // While a request sends it.
    await speed(3_000_000);
    await choose(page, `${folder}/one.bin`);
    await until(async () => (await unfinished(manager))[0]?.offset > 0);
    await transfers(page).getByRole("button", { name: "Cancel one.bin" }).click();
    await transfers(page).waitFor({ state: "detached" });
    await until(async () => (await unfinished(manager)).length === 0);

    // For a while the manager has not noticed the end of that request.
    let held = 0;
    await page.route(/\/uploads\//, async (route) => {
      if (route.request().method() !== "DELETE" || held++ > 1) return await route.continue();
      await route.fulfill({
        status: 423,
        contentType: "application/problem+json",
        body: '{"code":"lock_held"}',
      });
    });
    await choose(page, `${folder}/one.bin`);
    await until(async () => (await unfinished(manager))[0]?.offset > 0);
    await transfers(page).getByRole("button", { name: "Cancel all" }).click();
    await until(async () => (await unfinished(manager)).length === 0);
    assert.equal(held, 3);
    await page.unrouteAll({ behavior: "wait" });

    // Before its address is known.
    let begun: (() => void) | null = null;
    const asked = new Promise<void>((resolve) => begun = resolve);
    let letThrough: (() => void) | null = null;
    const free = new Promise<void>((resolve) => letThrough = resolve);
    await page.route(/\/uploads$/, async (route) => {
      if (route.request().method() !== "POST") return await route.continue();
      const response = await route.fetch();
      begun!();
      await free;
      await route.fulfill({ response });
    });
    await choose(page, `${folder}/one.bin`);
    await asked;
    assert.equal((await unfinished(manager)).length, 1);
    await transfers(page).getByRole("button", { name: "Cancel one.bin" }).click();
    letThrough!();
    await until(async () => (await unfinished(manager)).length === 0);
    await page.unrouteAll({ behavior: "wait" });

    // The page is closed before the deletion: the next visit does it.
    await page.route(/\/uploads\//, async (route) => {
      if (route.request().method() === "DELETE") await route.abort();
      else await route.continue();
    });
    await choose(page, `${folder}/two.bin`);
    await until(async () => (await unfinished(manager))[0]?.offset > 0);
    await transfers(page).getByRole("button", { name: "Cancel two.bin" }).click();
    await transfers(page).waitFor({ state: "detached" });
    assert.equal((await unfinished(manager)).length, 1);
    const { url } = { url: page.url() };
    await page.close();
    const next = await context.newPage();
    await next.goto(url);
    await until(async () => (await unfinished(manager)).length === 0);
    await next.getByText("An empty volume").waitFor();
    assert.equal(await transfers(next).count(), 0);
    const [{ id }] = (await manager.ask("GET", "/volumes")).json;
    assert.equal((await manager.ask("GET", `/volumes/${id}/usage`)).json.stored_bytes, 0);
  });
});

pageTest("unfinished uploads are listed after a reload, and resume", async (stage) => {
  const { visitor, manager } = stage;
  const { page, context } = await visitor();
  await createVolume(page, "Large");
  const speed = await throttle(context, page);
  await onDisk(async (folder) => {
    await speed(4_000_000);
    await choose(page, `${folder}/one.bin`);
    await until(async () => (await unfinished(manager))[0]?.offset > 0);
    await choose(page, `${folder}/two.bin`);
    await until(async () => (await unfinished(manager)).every(({ offset }) => offset > 0));
    await until(async () => (await unfinished(manager)).length === 2);
    page.once("dialog", (dialog) => dialog.accept());
    await page.reload();
    await speed(-1);
    await transfers(page).getByText("2 unfinished uploads").waitFor();
    const resume = transfers(page).getByRole("button", { name: /^Resume one.bin/ });
    await resume.waitFor();
    await accessible(page, "uploads that are not finished");

    // Another file of that name and size is refused.
    const [{ mtime }] = [await Deno.stat(`${folder}/one.bin`)];
    await Deno.mkdir(`${folder}/other`);
    await Deno.writeFile(`${folder}/other/one.bin`, new Uint8Array(SIZE));
    await Deno.utime(`${folder}/other/one.bin`, new Date(), new Date(mtime!.getTime() + 1000));
    const pick = async (path: string) => {
      const [chooser] = await Promise.all([page.waitForEvent("filechooser"), resume.click()]);
      await chooser.setFiles(path);
    };
    await pick(`${folder}/other/one.bin`);
    await page.locator(".toast", { hasText: "is not the file of an unfinished upload" })
      .waitFor();
    const before = await unfinished(manager);
    const sent: number[] = [];
    page.on("request", (request) => {
      if (request.method() === "PATCH") sent.push(Number(request.headers()["upload-offset"]));
    });
    await pick(`${folder}/one.bin`);
    await row(page, "one.bin").waitFor();
    assert.ok(sent[0] > 0 && sent[0] >= before.find(({ path }) => path === "/one.bin")!.offset);
    const [{ id }] = (await manager.ask("GET", "/volumes")).json;
    const stored = await manager.ask("GET", `/volumes/${id}/files/one.bin`);
    assert.deepEqual(stored.bytes, await Deno.readFile(`${folder}/one.bin`));

    await transfers(page).getByRole("button", { name: "Discard two.bin" }).click();
    await until(async () => (await unfinished(manager)).length === 0);
    await transfers(page).getByRole("button", { name: "Close" }).click();
    await transfers(page).waitFor({ state: "detached" });
  });
});
