/// <reference lib="dom" />
/**
 * The manager stops, a proxy answers in its place, a login ends, a tab crashes:
 * shown and typed content stays, and the page recovers by itself.
 */

import assert from "node:assert/strict";
import type { BrowserContext, Page } from "playwright-core";
import { createVolume, file, open, row, upload, viewer } from "./page_steps.ts";
import { accessible, pageTest, type Stage } from "./page_support.ts";

const PIN = "four random words together";
const note = (page: Page) => page.locator(".connection-note");
const save = (page: Page, name: string) =>
  viewer(page, name).getByRole("button", { name: "Save", exact: true }).click();

async function type(page: Page, name: string, text: string): Promise<void> {
  await page.getByLabel(`Text of ${name}`).click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(text);
  await viewer(page, name).getByText("Not saved yet").waitFor();
}

async function stored({ manager }: Stage, name: string, headers = {}): Promise<string> {
  const [{ id }] = (await manager.ask("GET", "/volumes", { headers })).json;
  return (await manager.ask("GET", `/volumes/${id}/files/${name}`, { headers })).text;
}

const until = async (condition: () => Promise<boolean>) => {
  const end = Date.now() + 15_000;
  while (!await condition()) {
    assert.ok(Date.now() < end, "it does not come");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

pageTest(
  "after a short stop of the manager everything stays, and continues by itself",
  async (stage) => {
    const { visitor, manager } = stage;
    const { page } = await visitor();
    await createVolume(page, "Notes");
    await upload(page, file("a.txt", "one"), file("b.txt", "two"));
    const other = await visitor();
    await other.page.goto(page.url());
    await row(other.page, "a.txt").waitFor();
    await open(page, "a.txt");
    await type(page, "a.txt", " more");

    await manager.halt();
    await note(page).waitFor();
    await note(other.page).waitFor();
    await accessible(other.page, "a manager that cannot be reached");
    // Shown content stays; requests wait.
    await page.getByLabel("Text of a.txt").getByText("one more").waitFor();
    assert.equal(await other.page.getByText("Volume not found").count(), 0);
    await row(other.page, "b.txt").waitFor();
    await other.page.getByRole("link", { name: "Trash" }).click();
    await save(page, "a.txt");
    await viewer(page, "a.txt").getByText("Not reachable, trying again").waitFor();
    await page.getByLabel("Text of a.txt").click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type(" and more");

    await manager.resume();
    await note(page).waitFor({ state: "detached" });
    await note(other.page).waitFor({ state: "detached" });
    await other.page.getByRole("heading", { name: "The trash is empty" }).waitFor();
    await page.locator(".toast", { hasText: "Saved" }).first().waitFor();
    await until(async () => await stored(stage, "a.txt") === "one more and more");

    // Changes during the stop are reported afterwards.
    await other.page.getByRole("link", { name: "Files" }).click();
    await row(other.page, "a.txt").waitFor();
    await manager.halt();
    await note(other.page).waitFor();
    await other.page.getByLabel("Files to upload").setInputFiles([file("c.txt", "three")]);
    const transfers = other.page.getByRole("region", { name: "Transfers" });
    await transfers.getByText("not reachable, trying again").waitFor();
    await manager.resume();
    await row(other.page, "c.txt").waitFor();
    assert.equal(await stored(stage, "c.txt"), "three");
  },
);

pageTest("a proxy that cannot reach the manager removes nothing from the page", async (stage) => {
  const { visitor, expected } = stage;
  expected.push(/^EventSource's response has/);
  const { page } = await visitor();
  await createVolume(page, "Notes");
  await upload(page, file("a.txt", "one"));
  await open(page, "a.txt");
  const editor = page.getByLabel("Text of a.txt");
  const bodies: [status: number, contentType: string, body: string][] = [
    [502, "text/html", "<h1>Bad gateway</h1>"],
    [503, "application/problem+json", '{"status":503,"code":"busy","detail":"stopping"}'],
    [504, "text/plain", ""],
    [401, "text/html", "<h1>Sign in to the proxy</h1>"],
    [200, "text/html", "<h1>Sign in to the network</h1>"],
  ];
  let text = "one";
  for (const [status, contentType, body] of bodies) {
    const label = `${status} ${contentType}`;
    await type(page, "a.txt", ` ${status}`);
    text += ` ${status}`;
    // The change triggers another read; the save is not answered either.
    await page.route(/\/volumes/, (route) => route.fulfill({ status, contentType, body }));
    await stage.manager.volume(`Another ${status}`);
    await note(page).waitFor();
    if (status !== 200) {
      await save(page, "a.txt");
      await viewer(page, "a.txt").getByText("Not reachable, trying again").waitFor();
    }
    assert.equal(await editor.textContent(), text, label);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await note(page).waitFor({ state: "detached" });
    if (status === 200) await save(page, "a.txt");
    await until(async () => await stored(stage, "a.txt") === text);
    await viewer(page, "a.txt").getByText("Not saved yet").waitFor({ state: "detached" });
  }
});

pageTest("a save whose answer is lost is recognised, and not repeated", async (stage) => {
  const { visitor } = stage;
  const { page } = await visitor();
  await createVolume(page, "Notes");
  await upload(page, file("a.txt", "one"));
  await open(page, "a.txt");
  await type(page, "a.txt", " more");
  let lost = 0;
  await page.route(/\/files\/a\.txt/, async (route) => {
    if (route.request().method() !== "PUT" || lost++ > 0) return await route.continue();
    await route.fetch();
    await route.abort("connectionreset");
  });
  await save(page, "a.txt");
  await page.locator(".toast", { hasText: "Saved" }).first().waitFor();
  assert.equal(lost, 1);
  assert.equal(await page.getByText("This file was changed in the meantime").count(), 0);
  assert.equal(await stored(stage, "a.txt"), "one more");
  await type(page, "a.txt", "!");
  await save(page, "a.txt");
  await until(async () => await stored(stage, "a.txt") === "one more!");
});

const TOKEN = "a-token-of-more-than-thirty-two-characters";

pageTest(
  "the login dialog covers shown and typed content after a login has ended",
  async (stage) => {
    const { visitor, manager } = stage;
    const headers = { authorization: `Bearer ${TOKEN}` };
    await manager.ask("POST", "/volumes", { headers, json: { name: "Notes" } });
    const { page } = await visitor();
    const login = page.getByRole("dialog", { name: "Sign in" });
    const signIn = async () => {
      await login.getByLabel("Token").fill(TOKEN);
      await login.getByRole("button", { name: "Sign in" }).click();
      await login.waitFor({ state: "detached" });
    };
    await login.getByLabel("Token").fill("wrong");
    await login.getByRole("button", { name: "Sign in" }).click();
    await login.getByText("This token is wrong.").waitFor();
    await accessible(page, "the login");
    await signIn();
    await page.getByRole("link", { name: /Notes/ }).click();
    await upload(page, file("a.txt", "one"));
    await open(page, "a.txt");
    await type(page, "a.txt", " more");

    // Logins are in memory only: a restarted manager knows none.
    await manager.halt();
    await note(page).waitFor();
    await manager.resume();
    await login.getByText("Your login has ended").waitFor();
    await page.keyboard.press("Escape");
    await login.waitFor();
    await accessible(page, "the login over a file");
    await page.getByText("one more").waitFor();
    await signIn();
    await page.getByLabel("Text of a.txt").getByText("one more").waitFor();
    await save(page, "a.txt");
    await until(async () => await stored(stage, "a.txt", headers) === "one more");
  },
  { manager: { token: TOKEN } },
);

async function encrypted(page: Page): Promise<void> {
  await createVolume(page, "Vault", PIN);
  await unlock(page);
  await page.getByText("An empty volume").waitFor();
}

async function unlock(page: Page): Promise<void> {
  const dialog = page.getByRole("dialog", { name: "Unlock Vault" });
  await page.getByRole("button", { name: "Unlock", exact: true }).click();
  await dialog.getByLabel("PIN").fill(PIN);
  await dialog.getByRole("button", { name: "Unlock" }).click();
  await dialog.waitFor({ state: "detached" });
}

pageTest("a volume that locks itself shows unsaved text again after the PIN", async (stage) => {
  const { visitor, manager } = stage;
  const { page, context } = await visitor();
  await encrypted(page);
  await upload(page, file("a.txt", "one"));
  const other = await context.newPage();
  await other.goto(page.url());
  await row(other, "a.txt").waitFor();
  await open(page, "a.txt");
  await type(page, "a.txt", " more");
  await manager.halt();
  await note(page).waitFor();
  await manager.resume();
  // Stored content is hidden; unsaved text stays for its author.
  await other.getByRole("heading", { name: "Vault is locked" }).waitFor();
  await row(other, "a.txt").waitFor({ state: "hidden" });
  await save(page, "a.txt");
  await page.getByText("Vault is locked. Your unsaved text is still here.").waitFor();
  await page.getByLabel("Text of a.txt").getByText("one more").waitFor();
  await unlock(page);
  await page.locator(".toast", { hasText: "Saved" }).first().waitFor();
  await viewer(page, "a.txt").getByRole("button", { name: "Close", exact: true }).click();
  await row(page, "a.txt").waitFor();
  await other.bringToFront();
  await unlock(other);
  await row(other, "a.txt").waitFor();
});

/** Returns all stored drafts of the browser as text. */
async function kept(page: Page): Promise<string> {
  return await page.evaluate(async () => {
    const asked = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const store = (await asked(indexedDB.open("aloelite"))).transaction("drafts")
      .objectStore("drafts");
    const bytes = (value: unknown) =>
      value instanceof Uint8Array ? new TextDecoder("latin1").decode(value) : value;
    const all = [await asked(store.getAllKeys()), await asked(store.getAll())];
    return JSON.stringify(all, (_key, value) => bytes(value)) +
      JSON.stringify(localStorage) + JSON.stringify(sessionStorage);
  });
}

async function crash(context: BrowserContext, page: Page): Promise<void> {
  const driver = await context.newCDPSession(page);
  const gone = page.waitForEvent("crash");
  await Promise.race([driver.send("Page.crash"), gone]);
  await gone;
}

pageTest("unsaved text is recovered after a tab has crashed", async (stage) => {
  const { visitor, manager } = stage;
  const first = await visitor();
  const { context } = first;
  let { page } = first;
  await createVolume(page, "Notes");
  await upload(page, file("a.txt", "one"), file("b.txt", "two"));
  await open(page, "a.txt");
  const url = page.url();
  const again = async () => {
    await crash(context, page);
    await page.close();
    page = await context.newPage();
    await page.goto(url);
  };
  await type(page, "a.txt", " and a draft");
  await until(async () => (await kept(page)).includes("one and a draft"));
  await again();
  await page.getByLabel("Text of a.txt").getByText("one and a draft").waitFor();
  await page.getByText("Your unsaved text was recovered.").waitFor();
  await accessible(page, "a draft that came back");
  assert.equal(await stored(stage, "a.txt"), "one");
  await type(page, "a.txt", ", going on");
  await until(async () => (await kept(page)).includes("going on"));
  // A second open tab does not get the text of the first.
  const beside = await context.newPage();
  await beside.goto(url);
  await beside.getByLabel("Text of a.txt").getByText("one").waitFor();
  assert.equal(await beside.getByLabel("Text of a.txt").textContent(), "one");
  await beside.close();
  await again();
  await page.getByLabel("Text of a.txt").getByText("one and a draft, going on").waitFor();
  await save(page, "a.txt");
  await until(async () => await stored(stage, "a.txt") === "one and a draft, going on");
  await until(async () => !(await kept(page)).includes("draft"));

  // Another client writes the file before the author returns.
  await type(page, "a.txt", ", late");
  await until(async () => (await kept(page)).includes("late"));
  await crash(context, page);
  await page.close();
  const [{ id }] = (await manager.ask("GET", "/volumes")).json;
  await manager.ask("PUT", `/volumes/${id}/files/a.txt`, { body: "theirs" });
  page = await context.newPage();
  await page.goto(url);
  await page.getByLabel("Text of a.txt").getByText("going on, late").waitFor();
  await page.getByText("This file was changed in the meantime.").waitFor();
  await page.getByRole("button", { name: "Discard mine and show the stored text" }).click();
  await page.getByLabel("Text of a.txt").getByText("theirs").waitFor();
  await until(async () => !(await kept(page)).includes("late"));

  // A discarded draft does not reappear.
  await type(page, "a.txt", " nothing");
  await until(async () => (await kept(page)).includes("nothing"));
  await viewer(page, "a.txt").getByRole("button", { name: "Close", exact: true }).click();
  await page.getByRole("button", { name: "Discard" }).click();
  await until(async () => !(await kept(page)).includes("nothing"));
  await open(page, "a.txt");
  await page.getByLabel("Text of a.txt").getByText("theirs").waitFor();
  assert.equal(await page.getByText("Your unsaved text was recovered.").count(), 0);
});

pageTest("signing out leaves no data in the browser", async (stage) => {
  const { visitor, manager } = stage;
  const { page, context } = await visitor();
  await createVolume(page, "Notes");
  await upload(page, file("a.txt", "one"));
  const folder = page.url();
  await open(page, "a.txt");
  await type(page, "a.txt", " and a draft");
  await until(async () => (await kept(page)).includes("one and a draft"));
  await crash(context, page);
  await page.close();
  const [next, other] = [await context.newPage(), await context.newPage()];
  for (const tab of [next, other]) {
    await tab.goto(folder);
    await row(tab, "a.txt").waitFor();
  }
  assert.ok((await kept(next)).includes("one and a draft"));
  await next.getByRole("button", { name: "Sign out, and lock every volume" }).click();
  await next.waitForURL(`${manager.url}/`);
  await other.waitForURL(`${manager.url}/`);
  assert.ok(!(await kept(next)).includes("draft"));
});

pageTest("the browser stores no text of an encrypted volume in the clear", async (stage) => {
  const { visitor, manager } = stage;
  const { page, context } = await visitor();
  await encrypted(page);
  await upload(page, file("a.txt", "one"));
  await open(page, "a.txt");
  const url = page.url();
  const before = (await kept(page)).length;
  await type(page, "a.txt", " under the mat");
  await until(async () => (await kept(page)).length > before);
  const all = await kept(page);
  assert.ok(!all.includes("under") && !all.includes("mat"), all);
  await crash(context, page);
  await page.close();
  // The key belongs to the volume: it opens the draft after a restart and
  // another unlock.
  await manager.halt();
  await manager.resume();
  const next = await context.newPage();
  await next.goto(url);
  await unlock(next);
  await next.getByLabel("Text of a.txt").getByText("one under the mat").waitFor();

  // The browser's cache does not keep the content either.
  const [{ id }] = (await manager.ask("GET", "/volumes")).json;
  const answer = await context.request.get(`${manager.url}/volumes/${id}/files/a.txt`);
  assert.equal(answer.headers()["cache-control"], "no-store");

  // The key is given only to sessions that have unlocked the volume; a plain
  // volume has none.
  assert.equal((await manager.ask("GET", `/volumes/${id}/draft-key`)).status, 401);
  const plain = await manager.volume("Plain");
  assert.equal((await manager.ask("GET", `/volumes/${plain}/draft-key`)).status, 404);
});
