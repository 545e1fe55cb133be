/**
 * Makes the single binary of `deno task compile`: bundles the command line, so
 * that it starts quicker and carries only what it uses, and compiles the bundle.
 *
 * ```sh
 * deno task compile [--target TARGET] [--output FILE]
 * ```
 *
 * Words are passed on to `deno compile`. The environment variable DENORT_BIN
 * names the runtime to embed it in, where that is not to be downloaded.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

const MAIN = fromFileUrl("main.ts");
const CONFIG = fromFileUrl("../deno.json");

function fromFileUrl(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

async function deno(...args: string[]): Promise<void> {
  const { success, code } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  if (!success) throw new Error(`deno ${args[0]} ended with ${code}`);
}

/**
 * Bundles the command line with all that it imports.
 *
 * @param folder Where the bundle goes. Its entry is `main.js`.
 */
export async function bundle(folder: string): Promise<void> {
  await deno(
    ...[
      "bundle",
      "--quiet",
      "--config",
      CONFIG,
      "--platform",
      "deno",
      "--minify",
      "--code-splitting",
    ],
    ...["--outdir", folder, MAIN],
  );
}

/**
 * Compiles a bundle.
 *
 * @param folder Where it is.
 * @param options Words for `deno compile`, `--output` among them.
 */
export async function compile(folder: string, options: readonly string[]): Promise<void> {
  // Without this folder's configuration: what it imports is in the bundle.
  await deno(
    ...["compile", "--quiet", "--no-config", "--no-check", "--allow-all"],
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
