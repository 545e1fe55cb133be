import assert from "node:assert/strict";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import axe from "axe-core";
import type { ManagerOptions } from "../../manager/mod.ts";
import { buildPage } from "../../manager/build_page.ts";
import { TestManager } from "./support.ts";

/** Paths of Chromium on Debian and other systems. */
const PROGRAMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

function program(): string | null {
  for (const path of PROGRAMS) {
    try {
      Deno.statSync(path);
      return path;
    } catch {
      // Not at this path.
    }
  }
  return null;
}

/** A browser with the page of its own manager. */
export interface Stage {
  manager: TestManager;
  browser: Browser;
  /** Expected browser messages: attacks that the browser blocks. */
  expected: RegExp[];
  /** Opens the page as a new visitor: without cookies and settings. */
  visitor(options?: BrowserContextOptions): Promise<{ context: BrowserContext; page: Page }>;
}

/** The parts of a browser test. */
export interface PageTestOptions {
  /** Options of its manager. */
  manager?: ManagerOptions;
  /** Additional arguments of the browser. */
  browser?: string[];
  /** Returns why browser tests cannot run here; null if they can. */
  ignored?: string | null;
}

/**
 * Declares a test in a real browser. Browser errors, requests to other hosts,
 * and policy violations fail it.
 */
export function pageTest(
  name: string,
  body: (stage: Stage) => Promise<void>,
  options: PageTestOptions = {},
): void {
  const executablePath = program();
  const why = executablePath === null ? "no chromium" : options.ignored ?? null;
  Deno.test({
    name: `page: ${name}${why === null ? "" : ` (ignored: ${why})`}`,
    ignore: why !== null,
    // The driver keeps timers and a pipe of its own.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await buildPage();
      await using manager = await TestManager.start(options.manager);
      const browser = await chromium.launch({
        executablePath: executablePath!,
        args: [
          "--no-sandbox",
          "--autoplay-policy=no-user-gesture-required",
          ...options.browser ?? [],
        ],
      });
      const faults: string[] = [];
      const expected: RegExp[] = [];
      const watch = (page: Page) => {
        page.on("console", (message) => {
          // The page shows refused requests itself, and their own tests check
          // them.
          if (message.type() === "error" && !/^Failed to load resource/.test(message.text())) {
            faults.push(message.text());
          }
        });
        page.on("pageerror", (error) => faults.push(error.stack ?? error.message));
        page.on("request", (request) => {
          const url = request.url();
          if (!url.startsWith(manager.url) && !/^(?:data|blob|about):/.test(url)) {
            faults.push(`asked elsewhere: ${url}`);
          }
        });
      };
      try {
        await body({
          manager,
          browser,
          expected,
          visitor: async (options = {}) => {
            const context = await browser.newContext({
              viewport: { width: 1280, height: 800 },
              acceptDownloads: true,
              ...options,
            });
            context.setDefaultTimeout(60_000);
            context.on("page", watch);
            const page = await context.newPage();
            await page.goto(manager.url);
            return { context, page };
          },
        });
        const left = faults.filter((fault) => !expected.some((each) => each.test(fault)));
        assert.deepEqual(left, []);
      } finally {
        await browser.close();
      }
    },
  });
}

/** Checks a view for accessibility: serious violations fail. */
export async function accessible(page: Page, view: string): Promise<void> {
  // Run by the driver, to which the page's policy does not apply.
  await page.evaluate(axe.source);
  const broken = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run({ resultTypes: ["violations"] });
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) =>
        nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 200)} ${node.failureSummary}`)
      );
  });
  assert.deepEqual(broken, [], view);
}

/** Saves a screenshot if a folder is configured. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = Deno.env.get("ALOELITE_SCREENSHOTS");
  if (folder === undefined) return;
  await page.evaluate("document.fonts.ready");
  await page.waitForTimeout(150);
  await page.screenshot({ path: `${folder}/${name}.png`, animations: "disabled" });
}
