/** The file names of glibc and musl. */
const LIBC = ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`, "libc.so"];

/** The functions of a library. */
type Functions<S extends Deno.ForeignLibraryInterface> = Deno.DynamicLibrary<S>["symbols"];

/**
 * Returns the system's C library, which stays open.
 *
 * @param symbols The functions to load.
 * @returns Null when it is not found.
 * @throws {Deno.errors.NotCapable} When native code is not permitted.
 */
export function openLibc<S extends Deno.ForeignLibraryInterface>(symbols: S): Functions<S> | null {
  return Deno.build.os === "linux" ? openLibrary(LIBC, symbols) : null;
}

/**
 * Opens the first existing library of a list. It stays open.
 *
 * @param names File names, as the dynamic linker looks them up.
 * @returns Null when none exists.
 * @throws {Deno.errors.NotCapable} When native code is not permitted.
 */
export function openLibrary<S extends Deno.ForeignLibraryInterface>(
  names: readonly string[],
  symbols: S,
): Functions<S> | null {
  for (const name of names) {
    try {
      return Deno.dlopen(name, symbols).symbols;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
    }
  }
  return null;
}
