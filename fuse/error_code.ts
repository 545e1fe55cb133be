/** The name in `errno.h` of what a system call of the runtime failed with; null when it has none. */
export function errorCode(error: unknown): string | null {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : null;
}
