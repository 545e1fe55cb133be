/// <reference lib="dom" />
/** The page by keyboard, on a small screen, and in several tabs. */

import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import { createVolume, menu, names, open, row } from "./page_steps.ts";
import { accessible, pageTest, picture, type Stage } from "./page_support.ts";

const PIN = "four random words together";

async function filled({ manager, visitor }: Stage, options = {}) {
  const id = await manager.volume("Desk");
  for (const name of ["a.txt", "b.txt", "c.txt", "d.txt"]) {
    await manager.ask("PUT", `/volumes/${id}/files/${name}`, { body: name });
  }
  await manager.ask("PUT", `/volumes/${id}/files/box/in.txt?parents=1`, { body: "in" });
  const { page, context } = await visitor(options);
  await page.goto(`${manager.url}/?volume=${id}`);
  await row(page, "d.txt").waitFor();
  return { page, context, id };
}

const grid = (page: Page) => page.getByRole("grid");

/** Waits until an element has the focus. */
async function focused(target: Locator): Promise<void> {
  const page = target.page();
  await target.waitFor();
  await page.waitForFunction((one) => one === document.activeElement, await target.elementHandle());
}

pageTest("menus have names", async (stage) => {
  const { page } = await filled(stage);
  const opened = async (label: string, open: () => Promise<void>) => {
    await open();
    await page.getByRole("menu").waitFor();
    await accessible(page, label);
    await page.keyboard.press("Escape");
    await page.getByRole("menu").waitFor({ state: "detached" });
  };
  await opened(
    "a row's menu",
    () => page.getByRole("button", { name: "Actions for a.txt" }).click(),
  );
  await opened("by the right button", () => row(page, "b.txt").click({ button: "right" }));
  await opened("by the keyboard", async () => {
    await grid(page).focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("Shift+F10");
  });
  await opened("what is added", () => page.getByRole("button", { name: "Add" }).click());
  await opened(
    "the volume's menu",
    () => page.getByRole("button", { name: "More for this volume" }).click(),
  );
});

pageTest("a screen of 320 by 256 shows rows and text", async (stage) => {
  const { page } = await filled(stage, { viewport: { width: 320, height: 256 } });
  const seen = async (selector: string) => {
    await page.locator(selector).scrollIntoViewIfNeeded();
    return await page.locator(selector).evaluate((one) => {
      const { top, bottom } = one.getBoundingClientRect();
      return Math.min(bottom, innerHeight) - Math.max(top, 0);
    });
  };
  assert.ok(await seen(".grid-body") >= 100, "the list");
  await accessible(page, "files on a small screen");
  await picture(page, "small");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.ok(!wide, "wider than the screen");
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByRole("menuitem", { name: "New folder…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Create folder" })
    .scrollIntoViewIfNeeded();
  await page.keyboard.press("Escape");
  await open(page, "d.txt");
  const editor = page.getByLabel("Text of d.txt");
  await editor.waitFor();
  assert.ok(await seen(".editor") >= 80, "the text");
  await editor.click();
  await page.keyboard.type("typed ");
  await page.keyboard.press("Control+s");
  await page.getByText("Not saved yet").waitFor({ state: "detached" });
});

pageTest("a deletion or move can be undone by keyboard, at any time", async (stage) => {
  const { page } = await filled(stage);
  await page.clock.install();
  await grid(page).focus();
  await page.keyboard.press("End");
  await page.keyboard.press("Delete");
  await row(page, "d.txt").waitFor({ state: "detached" });
  const undo = page.getByRole("button", { name: "Undo" });
  await undo.waitFor();
  await page.clock.runFor(120_000);
  await undo.waitFor();
  await accessible(page, "what can be undone");
  await focused(grid(page));
  await page.keyboard.press("Control+z");
  await row(page, "d.txt").waitFor();
  await undo.waitFor({ state: "detached" });

  // By the tab key too; the next operation replaces the earlier undo.
  for (const name of ["a.txt", "b.txt"]) {
    await menu(page, name, "Move to trash");
    await row(page, name).waitFor({ state: "detached" });
    await page.locator(".toast", { hasText: name }).waitFor();
  }
  assert.equal(await undo.count(), 1);
  await page.keyboard.press("F6");
  for (let i = 0; i < 8; i++) {
    if (await undo.evaluate((one) => one === document.activeElement)) break;
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await row(page, "b.txt").waitFor();

  await grid(page).focus();
  await page.keyboard.press("End");
  await page.getByRole("button", { name: "Move selected", exact: true }).click();
  await page.getByRole("treegrid", { name: "Folders" }).getByRole("row", { name: "box" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Move to box" }).click();
  await row(page, "d.txt").waitFor({ state: "detached" });
  await undo.waitFor();
  // In a text field the keys undo its text.
  await page.getByRole("searchbox", { name: "Search" }).focus();
  await page.keyboard.press("Control+z");
  await undo.waitFor();
  await grid(page).focus();
  await page.keyboard.press("Control+z");
  await row(page, "d.txt").waitFor();
});

pageTest("the focus stays near the work", async (stage) => {
  const { page } = await filled(stage);
  // Deleted by the row's menu, by the bar, by a right click.
  await menu(page, "a.txt", "Move to trash");
  await row(page, "a.txt").waitFor({ state: "detached" });
  await focused(grid(page));
  await row(page, "b.txt").locator(".cell-size").click();
  await page.getByRole("button", { name: "Move selected to trash" }).click();
  await row(page, "b.txt").waitFor({ state: "detached" });
  await focused(grid(page));
  await row(page, "c.txt").click({ button: "right" });
  await page.getByRole("menuitem", { name: "Move to trash" }).click();
  await row(page, "c.txt").waitFor({ state: "detached" });
  await focused(grid(page));
  // The next row becomes active; it is not selected.
  await page.keyboard.press("Delete");
  await page.keyboard.press("Space");
  await page.getByText("1 item selected of 2").waitFor();
  await page.keyboard.press("Delete");
  await row(page, "d.txt").waitFor({ state: "detached" });
  assert.deepEqual(await names(page), ["box"]);

  // In the trash: the next row's button, then the main part.
  await page.getByRole("link", { name: "Trash" }).click();
  await page.getByText("4 items in the trash").waitFor();
  const back = page.getByRole("button", { name: /^Restore .*\.txt$/ });
  for (let left = 3; left > 0; left--) {
    await back.first().focus();
    await page.keyboard.press("Enter");
    await page.getByText(`${left} item${left === 1 ? "" : "s"} in the trash`).waitFor();
    await focused(back.first());
  }
  await page.getByRole("button", { name: /permanently$/ }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Delete permanently", exact: true }).click();
  await page.getByRole("heading", { name: "The trash is empty" }).waitFor();
  await focused(page.locator("#main"));

  // Unlocked: the files; locked: the button that unlocks.
  await page.getByRole("link", { name: "aloelite" }).click();
  await createVolume(page, "Vault", PIN);
  const unlock = page.getByRole("button", { name: "Unlock", exact: true });
  await unlock.click();
  await page.getByLabel("PIN").fill(PIN);
  await page.keyboard.press("Enter");
  await page.getByText("An empty volume").waitFor();
  await focused(grid(page));
  await page.getByRole("button", { name: "Lock", exact: true }).click();
  await focused(unlock);
  await page.getByRole("button", { name: "More for this volume" }).click();
  await page.getByRole("menuitem", { name: "Delete volume…" }).click();
  await page.getByLabel("Type Vault to confirm").fill("Vault");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Volumes" }).waitFor();
  await focused(page.locator("#main"));

  // A click on an empty area does not move the focus back.
  await page.getByRole("button", { name: "New volume" }).focus();
  await page.mouse.click(40, 600);
  await stage.manager.volume("Another");
  await page.getByRole("link", { name: /Another/ }).waitFor();
  assert.ok(await page.evaluate(() => ["BODY", "MAIN"].includes(document.activeElement!.tagName)));
});

pageTest("the column buttons come before the rows", async (stage) => {
  const { page } = await filled(stage);
  await page.getByRole("button", { name: "Add" }).focus();
  await page.keyboard.press("Tab");
  await focused(page.getByRole("checkbox", { name: "Select all" }));
  for (const name of ["Name", "Kind", "Size", "Modified"]) {
    await page.keyboard.press("Tab");
    await focused(page.getByRole("button", { name, exact: true }));
  }
  await page.keyboard.press("Tab");
  await focused(grid(page));
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("columnheader", { name: "Modified" }).and(
    page.locator('[aria-sort="ascending"]'),
  )
    .waitFor({ state: "attached" });
});

pageTest("names are links: the middle button opens another tab", async (stage) => {
  const { page, context, id } = await filled(stage);
  const other = async (click: () => Promise<void>): Promise<Page> => {
    const here = page.url();
    const [tab] = await Promise.all([context.waitForEvent("page"), click()]);
    assert.equal(page.url(), here);
    return tab;
  };
  const middle = (target: Locator) => other(() => target.click({ button: "middle" }));
  const name = (text: string) => page.locator(".name-open").getByText(text, { exact: true });

  assert.equal(await page.getByRole("link", { name: "box" }).count(), 1);
  const folder = await middle(name("box"));
  await row(folder, "in.txt").waitFor();
  assert.match(folder.url(), /path=\/box$/);
  // Up by the path bar.
  const [top] = await Promise.all([
    context.waitForEvent("page"),
    folder.getByRole("link", { name: "Desk" }).click({ button: "middle" }),
  ]);
  await row(top, "a.txt").waitFor();
  await folder.getByRole("link", { name: "Desk" }).click();
  await row(folder, "a.txt").waitFor();
  const file = await middle(name("a.txt"));
  await file.getByLabel("Text of a.txt").getByText("a.txt").waitFor();
  // A modifier key selects, as in every list.
  await name("b.txt").click({ modifiers: ["Control"] });
  await name("box").click({ modifiers: ["Control"] });
  await page.getByText("2 items selected").waitFor();
  assert.equal(context.pages().length, 4);
  // A browser has six connections for all tabs.
  for (const tab of [folder, top, file]) await tab.close();
  // A dragged name drags its row.
  await name("c.txt").dragTo(page.locator(".grid-row", { hasText: "box" }));
  await row(page, "c.txt").waitFor({ state: "detached" });

  await page.getByRole("link", { name: "aloelite" }).click();
  const volume = page.getByRole("link", { name: /Desk/ });
  const opened = await middle(volume);
  await row(opened, "a.txt").waitFor();
  assert.match(opened.url(), new RegExp(`volume=${id}$`));
  await other(() => volume.click({ modifiers: ["Control"] }));
  await volume.click();
  await row(page, "a.txt").waitFor();
  await page.goBack();
  await volume.waitFor();
});
