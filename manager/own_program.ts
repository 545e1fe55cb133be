/** The variables that a child gets: none that could hold a PIN or a token. */
const PASSED = /^(?:PATH|HOME|TMPDIR|LANG|LC_\w+|XDG_CACHE_HOME|LD_LIBRARY_PATH|DENO_(?!AUTH)\w+)$/;

/** The words that start the command line `aloelite` in a process of its own. */
export function ownProgram(): string[] {
  // Of a compiled program the path is the command line itself.
  if (Deno.build.standalone) return [];
  const here = new URL(import.meta.url);
  const entry = here.pathname.endsWith("/manager/own_program.ts") ? "../cli/main.ts" : "./main.js";
  return ["run", "--quiet", "--allow-all", new URL(entry, here).href];
}

/** The environment of a child. */
export function childEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => PASSED.test(name)),
  );
}
