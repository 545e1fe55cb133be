import { deno } from "./deno.ts";
import type { Runtime } from "./runtime.ts";

export type { FileStatus } from "./runtime.ts";

/** The runtime that this process has. */
export const runtime: Runtime = deno;
