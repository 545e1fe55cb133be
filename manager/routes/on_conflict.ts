import type { OnConflict } from "../../src/ops.ts";
import { Problem } from "../http/problem.ts";
import { ON_CONFLICT } from "../api/common.ts";

/** Parses what is to be done where a name is taken; `replace` by default. @throws {Problem} 400. */
export function onConflictOf(wish: string | null): OnConflict {
  const { success, data } = ON_CONFLICT.safeParse(wish ?? "replace");
  if (success) return data;
  throw new Problem(400, "invalid", `on_conflict: one of ${ON_CONFLICT.options.join(", ")}`);
}
