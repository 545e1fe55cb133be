/// <reference lib="dom" />
/** The page keeps unsaved text, wherever the user navigates. */

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { createVolume, file, open, row, upload, viewer } from "./page_steps.ts";
import { accessible, pageTest } from "./page_support.ts";

const question = (page: Page) => page.getByRole("dialog", { name: "Not saved yet" });
const answer = (page: Page, name: string) =>
  question(page).getByRole("button", { name, exact: true }).click();

async function type(page: Page, name: string, text: string): Promise<void> {
  const editor = page.getByLabel(`Text of ${name}`);
  await editor.click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(text);
  await viewer(page, name).getByText("Not saved yet").waitFor();
}

pageTest("unsaved text is not lost by navigation", async ({ visitor, manager }) => {
  const { page } = await visitor();
  await createVolume(page, "Notes");
  await upload(page, file("a.txt", "one"), file("b.txt", "two"));
  await page.getByRole("region", { name: "Transfers" }).getByRole("button", { name: "Close" })
    .click();
  const [{ id }] = (await manager.ask("GET", "/volumes")).json;
  const stored = async (name: string) =>
    (await manager.ask("GET", `/volumes/${id}/files/${name}`)).text;
  const editor = page.getByLabel("Text of a.txt");
  const folder = page.url();

  // Back, then stay: the place and the text are unchanged, and editing
  // continues.
  await open(page, "a.txt");
  const address = page.url();
  await type(page, "a.txt", " more");
  await page.goBack();
  await question(page).waitFor();
  await accessible(page, "the question what becomes of changed text");
  await answer(page, "Stay");
  await question(page).waitFor({ state: "detached" });
  await page.waitForFunction((url) => location.href === url, address);
  await editor.getByText("one more").waitFor();
  await page.keyboard.press("Escape");
  await question(page).waitFor();
  await page.keyboard.press("Escape");
  await question(page).waitFor({ state: "detached" });
  await editor.getByText("one more").waitFor();

  // Back, then save: the navigation continues.
  await page.goBack();
  await answer(page, "Save");
  await viewer(page, "a.txt").waitFor({ state: "detached" });
  await page.waitForFunction((url) => location.href === url, folder);
  assert.equal(await stored("a.txt"), "one more");

  // Forward to the same file, then closed without saving.
  await page.goForward();
  await type(page, "a.txt", " and more");
  await viewer(page, "a.txt").getByRole("button", { name: "Close", exact: true }).click();
  await answer(page, "Discard");
  await viewer(page, "a.txt").waitFor({ state: "detached" });
  assert.equal(await stored("a.txt"), "one more");

  // Another version has another text.
  await open(page, "a.txt");
  await viewer(page, "a.txt").getByRole("button", { name: "Versions" }).click();
  await type(page, "a.txt", "!");
  await page.getByRole("button", { name: /^Version 1 / }).click();
  await answer(page, "Stay");
  await editor.getByText("one more!").waitFor();
  await page.goBack();
  await answer(page, "Discard");
  await viewer(page, "a.txt").waitFor({ state: "detached" });

  // Three steps back are three steps; two lead to the same file, without a
  // question.
  await open(page, "b.txt");
  await page.getByLabel("Text of b.txt").getByText("two").waitFor();
  await page.goBack();
  await viewer(page, "b.txt").waitFor({ state: "detached" });
  await open(page, "a.txt");
  await type(page, "a.txt", "?");
  const here = page.url();
  await page.evaluate(() => history.go(-2));
  await editor.getByText("one more?").waitFor();
  await page.evaluate(() => history.go(2));
  await page.waitForFunction((url) => location.href === url, here);
  await page.evaluate(() => history.go(-3));
  await answer(page, "Discard");
  await viewer(page, "a.txt").waitFor({ state: "detached" });
  await page.waitForFunction((url) => location.href === url, folder);
  assert.equal(await stored("a.txt"), "one more");
});

pageTest("text that is typed while a file is read again stays", async ({ visitor, manager }) => {
  const { page } = await visitor();
  await createVolume(page, "Notes");
  await upload(page, file("a.txt", "one"));
  const [{ id }] = (await manager.ask("GET", "/volumes")).json;
  const url = `/volumes/${id}/files/a.txt`;
  await open(page, "a.txt");
  await page.getByLabel("Text of a.txt").getByText("one").waitFor();

  // The answer to the second read is delayed until text is typed.
  let letThrough: (() => void) | null = null;
  const asked = new Promise<void>((resolve) => {
    page.route(`**${url}*`, async (route) => {
      if (route.request().method() !== "GET") return await route.continue();
      resolve();
      await new Promise<void>((go) => letThrough = go);
      await route.continue();
    });
  });
  await manager.ask("PUT", url, { body: "theirs" });
  await asked;
  await type(page, "a.txt", " mine");
  letThrough!();
  await page.unrouteAll({ behavior: "wait" });
  await page.getByLabel("Text of a.txt").getByText("one mine").waitFor();
  await viewer(page, "a.txt").getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("This file was changed in the meantime.").waitFor();
  await page.getByRole("button", { name: "Discard mine and show the stored text" }).click();
  await page.getByLabel("Text of a.txt").getByText("theirs").waitFor();

  // Saving keeps the editor: typing continues.
  await type(page, "a.txt", " and");
  await page.keyboard.press("Control+s");
  await page.getByText("Saved").waitFor();
  await page.waitForTimeout(1500);
  await page.keyboard.type(" mine");
  await page.getByLabel("Text of a.txt").getByText("theirs and mine").waitFor();
  await page.keyboard.press("Control+s");
  await viewer(page, "a.txt").getByText("Not saved yet").waitFor({ state: "detached" });
  assert.equal((await manager.ask("GET", url)).text, "theirs and mine");
  await viewer(page, "a.txt").getByRole("button", { name: "Close", exact: true }).click();
  await row(page, "a.txt").waitFor();
});
