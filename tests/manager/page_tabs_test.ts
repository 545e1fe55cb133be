/// <reference lib="dom" />
/** Many open tabs of the page. */

import assert from "node:assert/strict";
import { row } from "./page_steps.ts";
import { pageTest } from "./page_support.ts";

pageTest("eight visible tabs share one feed, and each is notified", async (stage) => {
  const { manager, visitor } = stage;
  const id = await manager.volume("Desk");
  const at = `/volumes/${id}`;
  await manager.ask("PUT", `${at}/files/first.txt`, { body: "1" });
  const { context, page } = await visitor();
  const url = `${manager.url}/?volume=${id}`;
  let feeds = 0;
  context.on("request", (request) => {
    if (new URL(request.url()).pathname === "/events") feeds++;
  });
  await page.goto(url);
  await row(page, "first.txt").waitFor();
  const tabs = [page];
  for (let i = 0; i < 7; i++) {
    const tab = await context.newPage();
    await tab.goto(url);
    // Without a free connection this would wait forever.
    await row(tab, "first.txt").waitFor();
    tabs.push(tab);
  }
  // By now the last tab has had time to get the lock.
  await tabs[7].waitForFunction(async () => (await navigator.locks.query()).pending!.length === 7);
  const before = feeds;
  assert.ok(before <= 2, `${before} feeds`);
  await manager.ask("PUT", `${at}/files/second.txt`, { body: "2" });
  for (const tab of tabs) await row(tab, "second.txt").waitFor();

  // The tab with the feed closes: another tab takes it over, and misses
  // nothing.
  await page.close();
  await manager.ask("PUT", `${at}/files/third.txt`, { body: "3" });
  for (const tab of tabs.slice(1)) await row(tab, "third.txt").waitFor();
  assert.equal(feeds, before + 1);
});
