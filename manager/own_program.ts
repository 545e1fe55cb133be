import { fileURLToPath } from "node:url";

/** The variables that a child process inherits: none that could hold a PIN or a token. */
const PASSED = /^(?:PATH|HOME|TMPDIR|LANG|LC_\w+|XDG_CACHE_HOME|LD_LIBRARY_PATH|DENO_(?!AUTH)\w+)$/;

/** The arguments of the runtime that start the command line `aloelite` in a process. */
export function ownProgram(): string[] {
  // A compiled program is the command line itself.
  if (Deno.build.standalone) return [];
  const here = new URL(import.meta.url);
  const entry = here.pathname.endsWith("/manager/own_program.ts") ? "../cli/main.ts" : "./main.js";
  const url = new URL(entry, here);
  // A clone needs the lock file of the packages; the package and the bundle have their own.
  const lock = url.protocol === "file:" && url.pathname.endsWith("/cli/main.ts")
    ? [`--lock=${fileURLToPath(new URL("deno.lock", url))}`]
    : [];
  return ["run", "--quiet", "--allow-all", ...lock, url.href];
}

/** The environment of a child process. */
export function childEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => PASSED.test(name)),
  );
}
