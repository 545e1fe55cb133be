/** What glibc and musl are called. */
const LIBC = ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`, "libc.so"];

/** The functions of a library. */
type Functions<S extends Deno.ForeignLibraryInterface> = Deno.DynamicLibrary<S>["symbols"];

/**
 * The system's C library, which stays open.
 *
 * @param symbols The functions that are called.
 * @returns Null where it is not found.
 * @throws {Deno.errors.NotCapable} When native code is not allowed.
 */
export function openLibc<S extends Deno.ForeignLibraryInterface>(symbols: S): Functions<S> | null {
  return Deno.build.os === "linux" ? openLibrary(LIBC, symbols) : null;
}

/**
 * The first library of some names that is there. It stays open.
 *
 * @param names File names, as the dynamic linker looks them up.
 * @returns Null when there is none.
 * @throws {Deno.errors.NotCapable} When native code is not allowed.
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
