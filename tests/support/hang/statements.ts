/**
 * Makes each change of a file's content run an endless statement, once the file
 * exists that an environment variable names.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { DatabaseSync, StatementSync } from "node:sqlite";

/** The environment variable. */
export const HANG = "ALOELITE_TEST_HANG";

const sign = Deno.env.get(HANG);
const CHANGES = /^(?:insert into|update) "content/;
const prototype = StatementSync.prototype;
for (const name of ["run", "get", "all", "iterate"] as const) {
  // deno-lint-ignore no-explicit-any
  const call = prototype[name] as (...args: any[]) => any;
  // deno-lint-ignore no-explicit-any
  (prototype as any)[name] = function (this: StatementSync, ...args: unknown[]): unknown {
    if (sign !== undefined && CHANGES.test(this.sourceSQL) && existsSync(sign)) {
      const endless =
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
      call.apply(new DatabaseSync(":memory:").prepare(endless), []);
    }
    return call.apply(this, args);
  };
}
