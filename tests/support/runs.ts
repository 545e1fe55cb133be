/** How much random tests try: `ALOELITE_TEST_RUNS` multiplies it. */

/** The factor. */
export const EFFORT: number = Number(Deno.env.get("ALOELITE_TEST_RUNS") ?? "1") || 1;

/** How often something is done that is usually done so often; once at least. */
export function runs(usual: number): number {
  return Math.max(1, Math.round(usual * EFFORT));
}
