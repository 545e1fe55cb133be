/// <reference lib="dom" />
/**
 * The page renames and deletes files on disk, and opens a volume without a
 * folder.
 */

import assert from "node:assert/strict";
import { createVolume } from "./page_steps.ts";
import { accessible, pageTest } from "./page_support.ts";

pageTest("files on disk are renamed and deleted", async ({ visitor, manager }) => {
  const { page } = await visitor();
  await createVolume(page, "Notes");
  await page.getByRole("link", { name: "aloelite" }).click();
  await page.getByRole("button", { name: "Rename Notes" }).click();
  const dialog = page.getByRole("dialog", { name: "Rename the file on disk" });
  await dialog.getByLabel("Name").fill("Archive 2026");
  await accessible(page, "renaming a file on disk");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("button", { name: "Download Archive 2026" }).waitFor();
  const [{ id, name }] = (await manager.ask("GET", "/filesystems")).json;
  assert.equal(name, "Archive 2026");

  await page.getByRole("button", { name: "Delete Archive 2026" }).click();
  const sure = page.getByRole("dialog", { name: "Delete Archive 2026" });
  assert.equal(await sure.getByRole("button", { name: "Delete the file" }).isDisabled(), true);
  await sure.getByLabel("Type Archive 2026 to confirm").fill("Archive 2026");
  await sure.getByRole("button", { name: "Delete the file" }).click();
  await page.getByRole("button", { name: "Create your first volume" }).waitFor();
  assert.equal((await manager.ask("GET", `/filesystems/${id}`)).status, 404);
});

pageTest("a volume is kept open without a folder", async ({ visitor, manager }) => {
  const { page } = await visitor();
  await createVolume(page, "Notes");
  const [{ id }] = (await manager.ask("GET", "/volumes")).json;
  await page.getByRole("link", { name: "Mount" }).click();
  await page.getByText("As a folder").click();
  await accessible(page, "the mount view");
  await page.getByRole("button", { name: "Mount", exact: true }).click();
  await page.getByRole("heading", { name: "Open in the manager" }).waitFor();
  await page.getByText("keeps the volume open, without a folder").waitFor();
  assert.equal((await manager.ask("GET", `/volumes/${id}/mount`)).json.frontend, "direct");
  await page.getByRole("button", { name: "Unmount" }).click();
  await page.getByRole("heading", { name: "Mount", exact: true }).waitFor();
  assert.equal((await manager.ask("GET", `/volumes/${id}/mount`)).json.frontend, null);
});
