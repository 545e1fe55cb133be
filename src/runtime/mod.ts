import { deno } from "./deno.ts";
import type { Runtime } from "./runtime.ts";

export type { FileStatus } from "./runtime.ts";

/** The runtime of this process. */
export const runtime: Runtime = deno;
