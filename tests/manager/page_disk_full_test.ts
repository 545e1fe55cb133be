/// <reference lib="dom" />
/** The page reports a full disk as such, and offers to retry. */

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { isRoot, Scratch } from "../fuse/support.ts";
import { createVolume, file, menu, open, row, upload, viewer } from "./page_steps.ts";
import { accessible, pageTest } from "./page_support.ts";
import { TestManager } from "./support.ts";

const transfers = (page: Page) => page.getByRole("region", { name: "Transfers" });
const told = (page: Page) => page.locator(".toast", { hasText: "The disk is full." });

pageTest("a full disk is not reported as a lost connection", async ({ visitor, manager }) => {
  const { page } = await visitor();
  await createVolume(page, "Full");
  await upload(page, file("a.txt", "one"));
  await page.getByRole("region", { name: "Transfers" }).getByRole("button", { name: "Close" })
    .click();
  const [{ id }] = (await manager.ask("GET", "/volumes")).json;
  let refused = 0;
  const fill = (methods: string[]) =>
    page.route(
      /\/volumes\/[^/]+\/(files|uploads|transfer|directories|jobs|tasks)/,
      async (route) => {
        if (!methods.includes(route.request().method())) return await route.continue();
        refused++;
        const body = '{"status":507,"code":"no_space","detail":"database or disk is full"}';
        await route.fulfill({ status: 507, contentType: "application/problem+json", body });
      },
    );
  const free = () => page.unrouteAll({ behavior: "wait" });

  // Uploads that fail as a PUT, at their creation, and at a piece.
  for (
    const [name, size, method] of [
      ["small.bin", 1000, "PUT"],
      ["begins.bin", 5_000_000, "POST"],
      ["goes.bin", 5_000_000, "PATCH"],
    ] as const
  ) {
    await fill([method]);
    refused = 0;
    await page.getByLabel("Files to upload").setInputFiles([file(name, new Uint8Array(size))]);
    await transfers(page).getByText("The disk is full.").waitFor();
    await transfers(page).getByText("1 file not uploaded").waitFor();
    if (method === "PUT") await accessible(page, "an upload without room");
    assert.equal(refused, 1, "nothing is tried again by itself");
    await free();
    await transfers(page).getByRole("button", { name: `Try ${name} again` }).click();
    await row(page, name).waitFor();
    await transfers(page).getByText(/^\d files? uploaded$/).first().waitFor();
    const stored = await manager.ask("GET", `/volumes/${id}/files/${name}`);
    assert.equal(stored.bytes.length, size);
  }
  await transfers(page).getByRole("button", { name: "Close" }).click();

  // Unsaved text stays, and a retry saves it.
  await open(page, "a.txt");
  await page.getByLabel("Text of a.txt").click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(" more");
  await fill(["PUT"]);
  await page.keyboard.press("Control+s");
  await told(page).waitFor();
  await viewer(page, "a.txt").getByText("Not saved yet").waitFor();
  await free();
  await told(page).getByRole("button", { name: "Try again" }).click();
  await viewer(page, "a.txt").getByText("Not saved yet").waitFor({ state: "detached" });
  assert.equal((await manager.ask("GET", `/volumes/${id}/files/a.txt`)).text, "one more");
  await viewer(page, "a.txt").getByRole("button", { name: "Close", exact: true }).click();

  // A dialog stays open.
  await fill(["POST"]);
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByRole("menuitem", { name: "New folder…" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("box");
  await page.getByRole("dialog").getByRole("button", { name: "Create folder" }).click();
  await page.getByRole("dialog").getByText("The disk is full.").waitFor();
  await free();
  await page.getByRole("dialog").getByRole("button", { name: "Create folder" }).click();
  await page.getByText("An empty folder").waitFor();
  await page.goBack();

  // Deletion needs room too.
  await fill(["POST", "DELETE"]);
  await menu(page, "small.bin", "Move to trash");
  await told(page).waitFor();
  await row(page, "small.bin").waitFor();
  await free();
  await told(page).getByRole("button", { name: "Try again" }).click();
  await row(page, "small.bin").waitFor({ state: "detached" });
});

pageTest("a disk that is full, and then has room", async ({ visitor, expected }) => {
  await using scratch = new Scratch();
  const root = scratch.tmpfs("disk", "64m");
  await Deno.writeFile(`${root}/filler`, new Uint8Array(52_000_000));
  await using manager = await TestManager.start({ root });
  expected.push(new RegExp(`^asked elsewhere: ${manager.url}`));
  const { page } = await visitor();
  // The stop would wait for listeners.
  await using _closing = { [Symbol.asyncDispose]: () => page.close() };
  await page.goto(manager.url);
  await createVolume(page, "Small");
  // All its chunks are different.
  const content = new Uint8Array(24_000_000);
  for (let at = 0; at < content.length; at += 50_000) {
    crypto.getRandomValues(content.subarray(at, at + 50_000));
  }
  await page.getByLabel("Files to upload").setInputFiles([file("large.bin", content)]);
  await transfers(page).getByText("The disk is full.").waitFor();
  await Deno.remove(`${root}/filler`);
  await transfers(page).getByRole("button", { name: "Try large.bin again" }).click();
  await row(page, "large.bin").waitFor();
  const [{ id }] = (await manager.ask("GET", "/volumes")).json;
  const stored = await manager.ask("GET", `/volumes/${id}/files/large.bin`);
  assert.ok(
    stored.bytes.length === content.length && stored.bytes.every((b, i) => b === content[i]),
  );
}, { ignored: isRoot() ? null : "a small disk needs root" });
