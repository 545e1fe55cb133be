/**
 * Waits for a promise, but not longer than a time.
 *
 * @param ms The time, ms.
 * @param what Its result is left out; its rejection is passed on if it comes in time.
 */
export async function within(ms: number, what: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
  try {
    await Promise.race([what, late]);
  } finally {
    clearTimeout(timer);
  }
}
