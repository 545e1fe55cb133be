/**
 * Builds the single binary of `deno task compile`. It bundles the command line, so that the binary
 * starts faster and holds only what it uses, and compiles the bundle.
 *
 * ```sh
 * deno task compile [--target TARGET] [--output FILE]
 * ```
 *
 * Arguments are passed on to `deno compile`. The environment variable DENORT_BIN names a local
 * runtime to embed instead of a downloaded one.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { buildPage } from "../manager/build_page.ts";
import { PAGE_DIST } from "../manager/page_assets.ts";

const MAIN = fromFileUrl("main.ts");
/** The entry modules of worker threads, which are started with `new URL("./name.ts", …)`. */
const WORKERS = [
  "../fuse/worker.ts",
  "../src/storage/sqlite/checkpoint_worker.ts",
  "../src/crypto/argon2_worker.ts",
  "../manager/jobs/job_input_worker.ts",
  "./watchdog_worker.ts",
  "../manager/jobs/snapshot_worker.ts",
].map(fromFileUrl);
const CONFIG = fromFileUrl("../deno.json");
const LOCK = fromFileUrl("./deno.lock");

function fromFileUrl(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

async function deno(...args: string[]): Promise<void> {
  const { success, code } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  if (!success) throw new Error(`deno ${args[0]} ended with ${code}`);
}

async function bundleModule(folder: string, entry: string): Promise<void> {
  await deno(
    ...[
      "bundle",
      "--quiet",
      "--config",
      CONFIG,
      "--lock",
      LOCK,
      "--platform",
      "deno",
      "--minify",
      "--code-splitting",
    ],
    ...["--outdir", folder, entry],
  );
}

/** Returns a worker's file name in the bundle. */
function bundledName(worker: string): string {
  return worker.replace(/^.*\//, "").replace(/\.ts$/, ".js");
}

/**
 * Rewrites the URLs that start workers: in the bundle, all workers are in one folder under new
 * names.
 */
async function renameWorkers(folder: string): Promise<void> {
  const found = new Set<string>();
  for await (const { name } of Deno.readDir(folder)) {
    const text = await Deno.readTextFile(`${folder}/${name}`);
    const changed = text.replaceAll(
      /new URL\((["'`])\.\/(\w+)\.ts\1,\s*import\.meta\.url\)/g,
      (_, _quote, worker) => {
        found.add(`${worker}.js`);
        return `new URL("./${worker}.js",import.meta.url)`;
      },
    );
    if (changed !== text) await Deno.writeTextFile(`${folder}/${name}`, changed);
  }
  for (const worker of WORKERS.map(bundledName)) {
    if (!found.delete(worker)) throw new Error(`nothing in the bundle starts ${worker}`);
  }
  if (found.size > 0) throw new Error(`not in the bundle: ${[...found].join(", ")}`);
}

/** Matches the code with which the bundler gives CommonJS packages their `require`. */
const REQUIRE =
  /import\s*\{\s*createRequire as (\w+)\s*\}\s*from\s*"node:module";\s*var (\w+)\s*=\s*\1\(import\.meta\.url\);/;

/**
 * Makes `require` load `node:module` on its first call. Otherwise every start loads it, with a
 * large part of the runtime's compatibility layer, which takes as much CPU time as the rest of a
 * short command.
 */
async function deferRequire(folder: string): Promise<void> {
  let found = 0;
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".js")) continue;
    const text = await Deno.readTextFile(`${folder}/${name}`);
    const changed = text.replace(
      REQUIRE,
      (_, _createRequire, require) =>
        `var ${require}=(id)=>process.getBuiltinModule("node:module").createRequire(import.meta.url)(id);`,
    );
    if (changed === text) continue;
    found++;
    await Deno.writeTextFile(`${folder}/${name}`, changed);
  }
  if (found === 0) throw new Error("the bundle has no `require` of the known form");
}

/** Copies the built page to the path where the bundle reads it. */
async function copyPage(folder: string): Promise<void> {
  await buildPage();
  const copy = async (from: string, to: string): Promise<void> => {
    await Deno.mkdir(to, { recursive: true });
    for await (const { name, isDirectory } of Deno.readDir(from)) {
      const paths = [`${from}/${name}`, `${to}/${name}`] as const;
      await (isDirectory ? copy(...paths) : Deno.copyFile(...paths));
    }
  };
  await copy(PAGE_DIST, `${folder}/page_dist`);
}

/**
 * Bundles the command line with all its imports.
 *
 * @param folder The output folder. Its entry is `main.js`; the other `.js` entries start worker
 *   threads; `page_dist` is the web page.
 */
export async function bundle(folder: string): Promise<void> {
  await bundleModule(folder, MAIN);
  for (const worker of WORKERS) await bundleModule(folder, worker);
  await renameWorkers(folder);
  await deferRequire(folder);
  await copyPage(folder);
}

/**
 * Compiles a bundle.
 *
 * @param folder The bundle's folder.
 * @param options Arguments for `deno compile`, including `--output`.
 */
export async function compile(folder: string, options: readonly string[]): Promise<void> {
  // Ignore this folder's configuration, because the bundle contains all imports.
  await deno(
    ...["compile", "--quiet", "--no-config", "--no-check", "--allow-all"],
    ...[...WORKERS.map(bundledName), "page_dist"].flatMap((name) => [
      "--include",
      `${folder}/${name}`,
    ]),
    ...[...options, `${folder}/main.js`],
  );
}

if (import.meta.main) {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-bundle-" });
  try {
    await bundle(folder);
    const named = Deno.args.some((word) => /^(-o|--output(=|$))/.test(word));
    await compile(folder, [...(named ? [] : ["--output", "aloelite"]), ...Deno.args]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
