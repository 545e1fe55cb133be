/**
 * Waits for a promise, but not longer than a time.
 *
 * @param ms The time, ms.
 * @param what The promise. Its result is dropped; a rejection in time is passed on.
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
