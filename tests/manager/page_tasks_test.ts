/// <reference lib="dom" />
/**
 * Tasks on many items: progress, cancel, undo, and questions about taken names.
 */

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { file, menu, names, row } from "./page_steps.ts";
import { accessible, pageTest, type Stage } from "./page_support.ts";

async function filled({ manager, visitor }: Stage): Promise<{ page: Page; at: string }> {
  const id = await manager.volume("Desk");
  const at = `/volumes/${id}`;
  for (const name of ["a.txt", "b.txt", "c.txt", "d.txt"]) {
    await manager.ask("PUT", `${at}/files/${name}`, { body: name });
    await manager.ask("PUT", `${at}/files/box/${name}?parents=1`, { body: `old ${name}` });
  }
  await manager.ask("DELETE", `${at}/files/box/d.txt`);
  await manager.ask("POST", `${at}/directories`, { json: { path: "/empty" } });
  const { page } = await visitor();
  await page.goto(`${manager.url}/?volume=${id}`);
  await row(page, "d.txt").waitFor();
  return { page, at };
}

const toast = (page: Page, text: string | RegExp) => page.locator(".toast", { hasText: text });
/**
 * Waits for a message and dismisses it, so that the same text can appear again.
 */
async function told(page: Page, text: string): Promise<void> {
  await toast(page, text).getByRole("button", { name: "Dismiss" }).click();
  await toast(page, text).waitFor({ state: "detached" });
}
const taken = (page: Page, name: string) =>
  page.getByRole("dialog", { name: `“${name}” already exists` });

async function select(page: Page, ...wanted: string[]): Promise<void> {
  await page.getByRole("grid").focus();
  await page.keyboard.press("Escape");
  for (const [i, name] of wanted.entries()) {
    await row(page, name).locator(".cell-size").click(i === 0 ? {} : { modifiers: ["Control"] });
  }
}

async function moveTo(page: Page, folder: string): Promise<void> {
  await page.getByRole("button", { name: "Move selected", exact: true }).click();
  await page.getByRole("treegrid", { name: "Folders" }).getByRole("row", { name: folder }).click();
  await page.getByRole("dialog").getByRole("button", { name: `Move to ${folder}` }).click();
}

pageTest(
  "a delete, a move and a restore are one request each, and are undone by one",
  async (stage) => {
    const { page, at } = await filled(stage);
    const asked: string[] = [];
    page.on("request", (request) => {
      if (request.method() !== "GET") {
        asked.push(
          `${request.method()} ${request.url().split("/volumes/")[1].replace(/^[^/]+/, "")}`,
        );
      }
    });
    await select(page, "a.txt", "b.txt", "c.txt");
    await page.getByRole("button", { name: "Move selected to trash" }).click();
    await toast(page, "3 items moved to the trash").waitFor();
    await row(page, "a.txt").waitFor({ state: "detached" });
    assert.deepEqual(asked, ["POST /tasks"]);
    await toast(page, "3 items").getByRole("button", { name: "Undo" }).click();
    await toast(page, "3 items restored").waitFor();
    await row(page, "a.txt").waitFor();
    assert.equal(asked.filter((one) => one === "POST /tasks").length, 2);

    await select(page, "a.txt", "d.txt");
    await moveTo(page, "empty");
    await toast(page, "2 items moved to empty").waitFor();
    await row(page, "d.txt").waitFor({ state: "detached" });
    await toast(page, "2 items moved").getByRole("button", { name: "Undo" }).click();
    await row(page, "d.txt").waitFor();
    await told(page, "2 items restored");
    await menu(page, "d.txt", "Move to trash");
    await toast(page, "“d.txt” moved to the trash").waitFor();

    // Restored from the trash, and deleted from it permanently.
    await page.getByRole("link", { name: "Trash" }).click();
    await page.getByRole("button", { name: "Restore all" }).click();
    await toast(page, "2 items restored").waitFor();
    await page.getByText("The trash is empty").waitFor();
    const { json } = await stage.manager.ask("GET", `${at}/list?path=/box`);
    assert.equal(json.entries.length, 4);
    // An item that no longer exists is reported with the reason.
    await page.getByRole("link", { name: "Files" }).click();
    await select(page, "a.txt", "b.txt");
    await page.route(/\/tasks$/, async (route) => {
      if (route.request().method() === "POST") {
        await stage.manager.ask("DELETE", `${at}/files/b.txt`);
      }
      await route.continue();
    });
    await page.keyboard.press("Delete");
    await toast(page, /1 of 2 items were not moved to the trash.*“b.txt”: It no longer exists/)
      .waitFor();
  },
);

pageTest("the page asks about taken names, once for each or once for all", async (stage) => {
  const { page, at } = await filled(stage);
  const { manager } = stage;
  const read = async (path: string) =>
    (await manager.ask("GET", `${at}/files${encodeURI(path)}`)).text;

  // One answer for one item, then one for the rest; by keyboard.
  await select(page, "a.txt", "b.txt", "c.txt", "d.txt");
  await moveTo(page, "box");
  await taken(page, "a.txt").waitFor();
  await accessible(page, "a name that is taken");
  assert.equal(
    await page.evaluate(() => document.activeElement?.textContent),
    "Keep both",
  );
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await taken(page, "b.txt").waitFor();
  await taken(page, "b.txt").getByText("Do the same for all").click();
  await taken(page, "b.txt").getByRole("button", { name: "Replace" }).click();
  await toast(page, "3 items moved to box; 2 items replaced, now in the trash").waitFor();
  assert.equal(await read("/a.txt"), "a.txt");
  assert.equal(await read("/box/a.txt"), "old a.txt");
  assert.equal(await read("/box/b.txt"), "b.txt");
  assert.equal(await read("/box/d.txt"), "d.txt");
  await toast(page, "3 items moved").getByRole("button", { name: "Undo" }).click();
  await toast(page, "3 items restored").waitFor();
  assert.equal(await read("/box/c.txt"), "old c.txt");
  assert.equal(await read("/c.txt"), "c.txt");

  // Both are kept; a rename asks too.
  await select(page, "a.txt");
  await moveTo(page, "box");
  await taken(page, "a.txt").getByRole("button", { name: "Keep both" }).click();
  await toast(page, "“a.txt” moved to box; renamed to “a (2).txt”").waitFor();
  await menu(page, "b.txt", "Rename…");
  await page.getByRole("dialog").getByLabel("Name").fill("c.txt");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await taken(page, "c.txt").getByRole("button", { name: "Keep both" }).click();
  await row(page, "c (2).txt").waitFor();

  // A restored item meets a new item with its name.
  await menu(page, "d.txt", "Move to trash");
  await row(page, "d.txt").waitFor({ state: "detached" });
  await manager.ask("PUT", `${at}/files/d.txt`, { body: "new" });
  await page.getByRole("link", { name: "Trash" }).click();
  await page.getByRole("button", { name: /^Restore d.txt/ }).first().click();
  await taken(page, "d.txt").getByRole("button", { name: "Replace" }).click();
  await toast(page, "1 item replaced").waitFor();
  assert.equal(await read("/d.txt"), "d.txt");
});

pageTest("an upload onto a taken name asks, and reports what it replaced", async (stage) => {
  const { page, at } = await filled(stage);
  const { manager } = stage;
  const read = async (path: string) =>
    (await manager.ask("GET", `${at}/files${encodeURI(path)}`)).text;
  const send = (...files: ReturnType<typeof file>[]) =>
    page.getByLabel("Files to upload").setInputFiles(files);
  const transfers = page.getByRole("region", { name: "Transfers" });
  // Small and large files use different requests.
  for (const size of [4, 3_900_000, 6_000_000]) {
    const content = "n".repeat(size);
    await manager.ask("PUT", `${at}/files/a.txt`, { body: "before" });
    const [{ version }] = (await manager.ask("GET", `${at}/history?path=/a.txt`)).json.versions;
    await send(file("a.txt", content));
    await taken(page, "a.txt").getByRole("button", { name: "Replace" }).click();
    await transfers.getByText(`replaced version ${version}, which is kept`).waitFor();
    assert.equal((await read("/a.txt")).length, size);
    await send(file("b.txt", content));
    await taken(page, "b.txt").getByRole("button", { name: "Skip" }).click();
    await transfers.getByText("skipped: the name exists").waitFor();
    assert.equal(await read("/b.txt"), "b.txt");
    await send(file("c.txt", content));
    await taken(page, "c.txt").getByRole("button", { name: "Keep both" }).click();
    await transfers.getByText(/renamed to “c \(\d\).txt”/).waitFor();
    assert.equal(await read("/c.txt"), "c.txt");
    await transfers.getByRole("button", { name: "Close" }).click();
  }
  // One answer for all; free names are not asked about.
  await send(file("a.txt", "1"), file("b.txt", "2"), file("c.txt", "3"), file("new.txt", "4"));
  const dialog = page.getByRole("dialog", { name: /already exists/ });
  await dialog.getByText("Do the same for all").click();
  await dialog.getByRole("button", { name: "Replace" }).click();
  await transfers.getByText("4 files uploaded").waitFor();
  assert.deepEqual(await Promise.all(["a", "b", "c", "new"].map((name) => read(`/${name}.txt`))), [
    "1",
    "2",
    "3",
    "4",
  ]);
  assert.equal(await dialog.count(), 0);

  // The answer to one is lost: the retry finds its own file.
  let lost = 0;
  await page.route(/\/files\/lost.txt/, async (route) => {
    if (route.request().method() !== "PUT" || lost++ > 0) return await route.continue();
    await route.fetch();
    await route.abort();
  });
  await send(file("lost.txt", "once"));
  await transfers.getByText("5 files uploaded").waitFor();
  assert.equal(lost, 2);
  assert.equal((await manager.ask("GET", `${at}/history?path=/lost.txt`)).json.versions.length, 1);
  assert.deepEqual((await manager.ask("GET", `${at}/uploads`)).json.uploads, []);
});

pageTest("a task shows its progress, continues after a reload, and is cancelled", async (stage) => {
  const { page, at } = await filled(stage);
  const { manager } = stage;
  // The events of a long task.
  const running = {
    id: "long",
    operation: "remove",
    to: null,
    state: "running",
    total: 50_000,
    processed: 12_500,
    succeeded: 12_500,
    replaced: 0,
    renamed: 0,
    skipped: 0,
    failed: 0,
    failures: [],
    error: null,
    undoable: false,
    result: null,
    started_at: "2026-01-01T00:00:00Z",
    ended_at: null,
  };
  let now: Record<string, unknown> = running;
  const ended: string[] = [];
  await page.route(/\/tasks(\/long)?$/, async (route) => {
    const method = route.request().method();
    const one = route.request().url().endsWith("long");
    if (method === "DELETE") {
      ended.push("long");
      now = { ...running, state: "cancelled", undoable: true };
      return await route.fulfill({ status: 204 });
    }
    if (method === "POST") return await route.fulfill({ status: 202, json: now });
    await route.fulfill({ json: one ? now : { tasks: [now] } });
  });
  await select(page, "a.txt", "b.txt");
  await page.keyboard.press("Delete");
  const tell = () =>
    manager.ask("POST", `${at}/tasks`, { json: { operation: "remove", paths: ["/none"] } });
  await tell();
  const transfers = page.getByRole("region", { name: "Transfers" });
  await transfers.getByText("12,500 of 50,000").waitFor();
  assert.equal(
    await transfers.getByRole("progressbar").getAttribute("aria-valuenow"),
    "25",
  );
  assert.equal(
    await transfers.getByRole("status").textContent(),
    "Moving to the trash 50,000 items",
  );
  await accessible(page, "a task that runs");
  await page.reload();
  await transfers.getByText("12,500 of 50,000").waitFor();
  await transfers.getByRole("button", { name: /^Cancel: / }).click();
  await tell();
  await toast(page, /12,500 items moved to the trash; then cancelled/).waitFor();
  await transfers.waitFor({ state: "detached" });
  assert.deepEqual(ended, ["long"]);
  assert.ok((await names(page)).includes("a.txt"));
});
