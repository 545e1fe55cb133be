/** Signing out in the page locks the unlocked volumes. */

import assert from "node:assert/strict";
import { createVolume, file, upload } from "./page_steps.ts";
import { accessible, pageTest } from "./page_support.ts";

const PIN = "four random words together";

pageTest("signing out locks the volumes", async ({ manager, visitor }) => {
  const { page, context } = await visitor();
  await createVolume(page, "Vault", PIN);
  await page.getByRole("button", { name: "Unlock" }).click();
  const dialog = page.getByRole("dialog", { name: "Unlock Vault" });
  await dialog.getByLabel("PIN").fill(PIN);
  await dialog.getByRole("button", { name: "Unlock" }).click();
  await upload(page, file("secret.txt", "x"));
  const address = page.url();
  const before = (await context.cookies()).find(({ name }) => name === "aloelite_session")!;
  await accessible(page, "with the button that signs out");
  await page.getByRole("button", { name: "Sign out, and lock every volume" }).click();
  await page.getByRole("heading", { level: 1, name: "Vault" }).waitFor({ state: "detached" });
  await page.goto(address);
  await page.getByRole("button", { name: "Unlock" }).waitFor();
  assert.equal(await page.getByText("secret.txt").count(), 0);
  const [{ id }] = (await manager.ask("GET", "/volumes")).json;
  const headers = { cookie: `aloelite_session=${before.value}` };
  assert.equal((await manager.ask("GET", `/volumes/${id}/list`, { headers })).status, 401);
});
