import { fileURLToPath } from "node:url";

/** The variables that a child gets: none that could hold a PIN or a token. */
const PASSED = /^(?:PATH|HOME|TMPDIR|LANG|LC_\w+|XDG_CACHE_HOME|LD_LIBRARY_PATH|DENO_(?!AUTH)\w+)$/;

/** The words that start the command line `aloelite` in a process of its own. */
export function ownProgram(): string[] {
  // Of a compiled program the path is the command line itself.
  if (Deno.build.standalone) return [];
  const here = new URL(import.meta.url);
  const entry = here.pathname.endsWith("/manager/own_program.ts") ? "../cli/main.ts" : "./main.js";
  const url = new URL(entry, here);
  // The packages' versions of a clone; the package and the bundle bring theirs.
  const lock = url.protocol === "file:" && url.pathname.endsWith("/cli/main.ts")
    ? [`--lock=${fileURLToPath(new URL("deno.lock", url))}`]
    : [];
  return ["run", "--quiet", "--allow-all", ...lock, url.href];
}

/** The environment of a child. */
export function childEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => PASSED.test(name)),
  );
}
