/** Common steps on the page, one function each. */

import { Buffer } from "node:buffer";
import type { Page } from "playwright-core";

export async function createVolume(page: Page, name: string, pin?: string): Promise<void> {
  await page.getByRole("button", { name: /^(New volume|Create your first volume)$/ }).click();
  const dialog = page.getByRole("dialog", { name: "New volume" });
  await dialog.getByLabel("Name").fill(name);
  if (pin !== undefined) {
    await dialog.getByText("Encrypt the volume").click();
    await dialog.getByLabel("PIN", { exact: true }).fill(pin);
    await dialog.getByLabel("Repeat PIN").fill(pin);
  }
  await dialog.getByRole("button", { name: "Create volume" }).click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
}

export const file = (name: string, content: string | Uint8Array) => ({
  name,
  mimeType: "application/octet-stream",
  buffer: Buffer.from(content as string),
});

export async function upload(page: Page, ...files: ReturnType<typeof file>[]): Promise<void> {
  await page.getByLabel("Files to upload").setInputFiles(files);
  for (const { name } of files) await row(page, name).waitFor();
}

const nameOf = (page: Page, name: string) =>
  page.locator(".name-open").getByText(name, { exact: true });

export const row = (page: Page, name: string) =>
  page.getByRole("row").filter({ has: nameOf(page, name) });

export const open = (page: Page, name: string) => nameOf(page, name).first().click();

export async function menu(page: Page, name: string, choice: string): Promise<void> {
  await page.getByRole("button", { name: `Actions for ${name}` }).click();
  await page.getByRole("menuitem", { name: choice }).click();
}

export const viewer = (page: Page, name: string) => page.getByRole("dialog", { name });
export const closeViewer = (page: Page, name: string) =>
  viewer(page, name).getByRole("button", { name: "Close", exact: true }).click();

export async function names(page: Page): Promise<string[]> {
  return await page.locator(".grid-row .name-open").allTextContents();
}
