/**
 * Builds the web page into `manager/page_dist`: `deno task page`.
 *
 * Names of scripts and styles have a hash of their content, so that browsers may
 * cache them forever; `manifest.json` has the names.
 */
import { gzipSync } from "node:zlib";
import { type Manifest, PACKED, PAGE_DIST } from "./page_assets.ts";
import { PDF, SWAGGER } from "./page/packages.ts";

const SOURCE = `${import.meta.dirname}/page`;

/** The lock file of the page's packages. */
const LOCK = `--lock=${import.meta.dirname}/../deno.lock`;

/** A hash of all that the page is built from. */
export async function sourceHash(): Promise<string> {
  const paths: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) await walk(path);
      else paths.push(path);
    }
  };
  await walk(SOURCE);
  paths.push(import.meta.filename!);
  let all = "";
  for (const path of paths.sort()) {
    all += `${path.slice(import.meta.dirname!.length)}\n${await Deno.readTextFile(path)}\n`;
  }
  return await hashed(new TextEncoder().encode(all));
}

/**
 * Builds the page, unless the present one was built from the same sources. It runs
 * in a process of its own, so that this one does not load the page's packages.
 */
export async function buildPage(): Promise<void> {
  if (await isBuilt(await sourceHash())) return;
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", LOCK, import.meta.filename!],
    stdout: "null",
  }).spawn().status;
  if (!success) throw new Error("the page cannot be built");
}

async function isBuilt(source: string): Promise<boolean> {
  try {
    const there = JSON.parse(await Deno.readTextFile(`${PAGE_DIST}/manifest.json`)) as Manifest;
    return there.source === source;
  } catch {
    return false;
  }
}

async function build(): Promise<Manifest> {
  const source = await sourceHash();
  // Built aside, then renamed: a running manager never serves half a page.
  const out = await Deno.makeTempDir({ dir: import.meta.dirname, prefix: "page_dist." });
  await Deno.mkdir(`${out}/assets`, { recursive: true });
  await bundle(out);
  const manifest: Manifest = {
    source,
    script: await rename(`${out}/assets`, "main.js", "main"),
    style: await put(`${out}/assets`, "styles.css", await Deno.readFile(`${SOURCE}/styles.css`)),
    icon: await put(`${out}/assets`, "icon.svg", await Deno.readFile(`${SOURCE}/icon.svg`)),
  };
  await copyPackages(out);
  await pack(out);
  await Deno.writeTextFile(`${out}/manifest.json`, JSON.stringify(manifest, null, 2));
  await Deno.remove(PAGE_DIST, { recursive: true }).catch(() => {});
  try {
    await Deno.rename(out, PAGE_DIST);
  } catch (error) {
    await Deno.remove(out, { recursive: true });
    // Another process has put the same page in place.
    if (!await isBuilt(source)) throw error;
  }
  return manifest;
}

async function bundle(out: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      LOCK,
      "--quiet",
      "--platform=browser",
      "--format=esm",
      "--code-splitting",
      "--minify",
      `--outdir=${out}/assets`,
      `${SOURCE}/main.tsx`,
    ],
    env: { NODE_ENV: "production" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Copies the files that the PDF viewer and the API reader load by URL. */
async function copyPackages(out: string): Promise<void> {
  const pdf = new URL(".", PDF);
  await Deno.mkdir(`${out}/assets/pdf`);
  await Deno.copyFile(
    new URL("build/pdf.worker.min.mjs", pdf),
    `${out}/assets/pdf/worker.mjs`,
  );
  for (const folder of ["wasm", "standard_fonts", "cmaps"]) {
    await Deno.mkdir(`${out}/assets/pdf/${folder}`);
    for await (const { name } of Deno.readDir(new URL(folder, pdf))) {
      // Scripts in PDF files are not run.
      if (name.startsWith("quickjs")) continue;
      await Deno.copyFile(new URL(`${folder}/${name}`, pdf), `${out}/assets/pdf/${folder}/${name}`);
    }
  }
  await Deno.mkdir(`${out}/docs`);
  for (const name of ["swagger-ui-bundle.js", "swagger-ui.css", "LICENSE"]) {
    await Deno.copyFile(new URL(name, SWAGGER), `${out}/docs/${name}`);
  }
}

/** Compresses every file of a folder in place. */
async function pack(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) {
      await pack(path);
      continue;
    }
    await Deno.writeFile(path + PACKED, gzipSync(await Deno.readFile(path), { level: 9 }));
    await Deno.remove(path);
  }
}

async function rename(folder: string, from: string, stem: string): Promise<string> {
  const to = `${stem}-${await hashed(await Deno.readFile(`${folder}/${from}`))}.js`;
  await Deno.rename(`${folder}/${from}`, `${folder}/${to}`);
  return to;
}

async function put(
  folder: string,
  name: string,
  content: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const dot = name.lastIndexOf(".");
  const to = `${name.slice(0, dot)}-${await hashed(content)}${name.slice(dot)}`;
  await Deno.writeFile(`${folder}/${to}`, content);
  return to;
}

async function hashed(content: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", content);
  return new Uint8Array(digest).toHex().slice(0, 12);
}

if (import.meta.main) {
  const started = performance.now();
  const { script } = await build();
  const { size } = await Deno.stat(`${PAGE_DIST}/assets/${script}${PACKED}`);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `manager/page_dist: ${script}, ${Math.round(size / 1000)} kB packed, in ${seconds} s`,
  );
}
