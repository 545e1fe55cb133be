/// <reference lib="dom" />
/**
 * A drag moves the dragged rows; the selection holds existing rows, and follows
 * a rename.
 */

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { ApiError } from "../../manager/page/api/problem.ts";
import { explain } from "../../manager/page/lib/explain.ts";
import { follow } from "../../manager/page/state/marks.ts";
import { menu, names, row } from "./page_steps.ts";
import { pageTest, type Stage } from "./page_support.ts";

Deno.test("marks stay on existing rows, and follow a node to its new placement", () => {
  const rows = (text: string) =>
    text.split(" ").filter(Boolean).map((one) => ({ key: one, id: one[0] }));
  const cases: [before: string, after: string, selected: string, active: string, ends: string][] = [
    ["a b c", "a b c", "a b", "b", "a b/b"],
    // A row disappears: the next one becomes active, or the last.
    ["a b c", "a c", "b", "b", "/c"],
    ["a b c", "a b", "a c", "c", "a/b"],
    ["a b c d", "a d", "b c", "c", "/d"],
    ["a", "", "a", "a", "/"],
    // Renamed: another placement of the node.
    ["a b c", "a c b2", "b", "b", "b2/b2"],
    ["a b c", "b2 c2", "a b", "a", "b2/b2"],
    // A second placement of a node that keeps its first one is another row.
    ["a b", "a b a2", "a", "a", "a/a"],
    ["a a2", "a2", "a", "a", "/a2"],
  ];
  for (const [before, after, selected, active, ends] of cases) {
    const marks = { selection: new Set(selected.split(" ")), active };
    const now = follow(rows(before), rows(after), marks);
    assert.equal(`${[...now.selection].join(" ")}/${now.active ?? ""}`, ends, before + " " + after);
  }
});

async function filled({ manager, visitor }: Stage): Promise<{ page: Page; id: string }> {
  const id = await manager.volume("Desk");
  for (const name of ["a.txt", "b.txt", "c.txt", "d.txt"]) {
    await manager.ask("PUT", `/volumes/${id}/files/${name}`, { body: name });
  }
  await manager.ask("POST", `/volumes/${id}/directories`, { json: { path: "/box" } });
  const { page } = await visitor();
  await page.goto(`${manager.url}/?volume=${id}`);
  await row(page, "d.txt").waitFor();
  return { page, id };
}

const box = (page: Page) => page.locator(".grid-row", { hasText: "box" });
const said = (page: Page) => page.locator(".status > span").first().textContent();
const pick = (page: Page, name: string, modifiers: "Control"[] = []) =>
  row(page, name).locator(".cell-size").click({ modifiers });

async function selected(page: Page): Promise<string[]> {
  return await page.locator('.grid-row[aria-selected="true"] .name-open').allTextContents();
}

pageTest("a drag moves the dragged rows", async (stage) => {
  const { page, id } = await filled(stage);
  const { manager } = stage;
  const inside = async () =>
    (await manager.ask("GET", `/volumes/${id}/list?path=/box`)).json.entries
      .map((entry: { name: string }) => entry.name).sort();

  // A row that is not selected, while another one is.
  await pick(page, "a.txt");
  await row(page, "b.txt").dragTo(box(page));
  await row(page, "b.txt").waitFor({ state: "detached" });
  assert.deepEqual(await inside(), ["b.txt"]);
  assert.deepEqual(await names(page), ["box", "a.txt", "c.txt", "d.txt"]);
  assert.deepEqual(await selected(page), []);

  // Nothing is selected, and another row is active.
  await page.getByRole("grid").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("Escape");
  await row(page, "c.txt").dragTo(box(page));
  await row(page, "c.txt").waitFor({ state: "detached" });
  assert.deepEqual(await inside(), ["b.txt", "c.txt"]);

  // All selected rows, when one of them is dragged.
  await pick(page, "a.txt");
  await pick(page, "d.txt", ["Control"]);
  await row(page, "d.txt").dragTo(box(page));
  await row(page, "a.txt").waitFor({ state: "detached" });
  await row(page, "d.txt").waitFor({ state: "detached" });
  assert.deepEqual(await inside(), ["a.txt", "b.txt", "c.txt", "d.txt"]);

  // Rows from the window of another volume belong to that volume, whatever
  // their path.
  const other = await manager.volume("Other");
  for (const volume of [id, other]) {
    await manager.ask("PUT", `/volumes/${volume}/files/same.txt`, { body: volume });
  }
  await row(page, "same.txt").waitFor();
  await box(page).evaluate((target, volume) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.setData(
      "application/x-aloelite-paths",
      JSON.stringify({ volume, paths: ["/same.txt"] }),
    );
    target.dispatchEvent(new DragEvent("drop", { bubbles: true, dataTransfer }));
  }, other);
  await page.locator(".toast", { hasText: "another volume" }).waitFor();
  assert.deepEqual(await names(page), ["box", "same.txt"]);
});

pageTest("the selection holds existing rows, and follows a rename", async (stage) => {
  const { page, id } = await filled(stage);
  const { manager } = stage;

  // Renamed here, and by another client: it stays selected.
  await pick(page, "b.txt");
  await menu(page, "b.txt", "Rename…");
  await page.getByRole("dialog").getByLabel("Name").fill("z.txt");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await row(page, "z.txt").waitFor();
  assert.deepEqual(await selected(page), ["z.txt"]);
  assert.match((await said(page))!, /^1 item selected/);
  await manager.ask("POST", `/volumes/${id}/transfer`, {
    json: { operation: "move", from: ["/z.txt"], to: "/", name: "y.txt" },
  });
  await row(page, "y.txt").waitFor();
  assert.deepEqual(await selected(page), ["y.txt"]);
  const [one] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download selected" }).click(),
  ]);
  assert.equal(one.suggestedFilename(), "y.txt");
  assert.equal(await Deno.readTextFile(await one.path()), "b.txt");

  // Deleted: of two selected rows one remains, then none, and the actions
  // disappear.
  await pick(page, "a.txt", ["Control"]);
  assert.match((await said(page))!, /^2 items selected/);
  await manager.ask("DELETE", `/volumes/${id}/files/y.txt`);
  await row(page, "y.txt").waitFor({ state: "detached" });
  assert.deepEqual(await selected(page), ["a.txt"]);
  assert.match((await said(page))!, /^1 item selected of 4$/);
  await menu(page, "a.txt", "Move to trash");
  await row(page, "a.txt").waitFor({ state: "detached" });
  assert.equal(await said(page), "3 items");
  assert.equal(await page.getByRole("button", { name: "Download selected" }).count(), 0);

  // Moved elsewhere.
  await pick(page, "c.txt");
  await page.getByRole("button", { name: "Move selected", exact: true }).click();
  await page.getByRole("treegrid", { name: "Folders" }).getByRole("row", { name: "box" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Move to box" }).click();
  await row(page, "c.txt").waitFor({ state: "detached" });
  assert.equal(await said(page), "2 items");
  assert.deepEqual(await selected(page), []);

  // A search hides selected rows: hidden rows are not selected.
  await pick(page, "d.txt");
  await page.getByRole("searchbox", { name: "Search" }).fill("c.txt");
  await row(page, "c.txt").waitFor();
  await row(page, "d.txt").waitFor({ state: "detached" });
  assert.equal(await said(page), "1 item");
  // A result of a search in another folder is kept up to date too.
  await pick(page, "c.txt");
  await manager.ask("DELETE", `/volumes/${id}/files/box/c.txt`);
  await row(page, "c.txt").waitFor({ state: "detached" });
  assert.equal(await said(page), "0 items");
});

Deno.test("an error is explained for every code, also for names of object properties", () => {
  for (const code of ["__proto__", "constructor", "toString", "hasOwnProperty", "unheard_of"]) {
    assert.equal(explain(new ApiError(500, code, "Error", "it broke")), "It broke.");
  }
  assert.match(explain(new ApiError(400, "bad_key", "Error", "x")), /PIN/);
});
