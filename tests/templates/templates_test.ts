/** Queries: written for any dialect, and planned by SQLite without scans where it matters. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AloeLite } from "../../mod.ts";
// Loads every template; `docs_test.ts` holds SQLite's texts to them.
import { compileAll } from "../../templates/compile.ts";
import { committedChunks, versionChunks, versionState } from "../../templates/content.ts";
import {
  ancestors,
  hasChild,
  listChildren,
  placements,
  placementsAt,
  placementsIn,
  treeBelow,
  treeTop,
} from "../../templates/edge.ts";
import {
  chunkHashAt,
  committedHashes,
  hasOtherChild,
  inodeById,
  inodeByName,
  inodesAfter,
  newestInodesAfter,
  newestNamesAfter,
} from "../../templates/inode.ts";
import { inodeByNameAt, inodesAtAfter, versionAt, versionEnd } from "../../templates/inode_at.ts";
import {
  childrenAfter,
  childrenThen,
  detailsAfter,
  detailsThen,
  hasNewerChild,
  newestPlacement,
  placementsAfter,
  placementsThen,
} from "../../templates/listing.ts";
import { loadKysely } from "../../templates/kysely.ts";
import { chunksOfThese, contentFacts, orphanRange } from "../../templates/content_change.ts";
import { placementsOfNames } from "../../templates/names.ts";
import { redoOf, unfoldedNodes } from "../../templates/redo.ts";
import {
  childByName,
  NESTED_DEPTH,
  resolveById,
  resolveByPath,
  resolveDeep,
  statById,
  statByPath,
  statDeep,
  walkPath,
} from "../../templates/resolve.ts";
import { sqliteTemplates } from "../../templates/sqlite.ts";
import { sqliteExpressions } from "../../templates/sqlite_expressions.ts";
import { compiled } from "../../templates/sqlite_compiled.ts";
import {
  builderCompiler,
  type Template,
  type TemplateCompiler,
  templates,
} from "../../templates/template.ts";
import { toInteger as integerExpression } from "../../templates/expressions.ts";
import { listRemoved, removedFrom, removedNode, removedTogether } from "../../templates/trash.ts";
import { setUploadLength } from "../../templates/upload.ts";

Deno.test("every template compiles for PostgreSQL too, with the same values", async () => {
  const sqlite = await compileAll();
  const { PostgresQueryCompiler } = await loadKysely();
  const postgres = builderCompiler(new PostgresQueryCompiler(), sqliteExpressions);
  assert.ok(templates.size > 90);
  for (const [name, template] of templates) {
    const { sql, names, constants } = postgres.compile(template);
    assert.deepEqual(names, sqlite[name].names, name);
    assert.deepEqual(constants, sqlite[name].constants, name);
    const numbers = [...sql.matchAll(/\$(\d+)/g)].map((match) => Number(match[1]));
    assert.deepEqual(numbers, names.map((_, index) => index + 1), name);
    assert.ok(!sql.includes("?"), name);
  }
});

Deno.test("a template has the text of the dialect that it is bound for", async () => {
  const { PostgresQueryCompiler } = await loadKysely();
  const postgres = builderCompiler(new PostgresQueryCompiler(), sqliteExpressions);
  const values = { parent: "p", name: "n" };
  for (let round = 0; round < 2; round++) {
    const there = childByName.bind(postgres, values);
    const here = childByName.bind(sqliteTemplates, values);
    assert.deepEqual(there.parameters, ["p", "n"]);
    assert.deepEqual(here.parameters, ["p", "n"]);
    assert.match(there.sql, /\$1.*\$2/);
    assert.match(here.sql, /\?.*\?/);
    assert.equal(here.sql, compiled["resolve.childByName"].sql);
  }
  assert.throws(
    () => sqliteTemplates.compile({ name: "resolve.none" } as never),
    /resolve\.none/,
  );
});

Deno.test("a template is compiled once for each backend, however often they take turns", async () => {
  const { PostgresQueryCompiler, sql } = await loadKysely();
  const counted = (compiler: TemplateCompiler) => {
    const compilations: string[] = [];
    return {
      compilations,
      compile(template: Template<never, unknown>) {
        compilations.push(template.name);
        return compiler.compile(template);
      },
    };
  };
  const toInteger = (value: number) => sql<number>`${value}::bigint`;
  const other = { ...sqliteExpressions, toInteger };
  const postgres = counted(builderCompiler(new PostgresQueryCompiler(), other));
  const sqlite = counted(sqliteTemplates);
  const values = { node: "n", length: 1 };
  for (let round = 0; round < 3; round++) {
    assert.match(setUploadLength.bind(postgres, values).sql, /\$\d+::bigint/);
    assert.match(setUploadLength.bind(sqlite, values).sql, /CAST\(\? AS INTEGER\)/);
  }
  assert.deepEqual(postgres.compilations, [setUploadLength.name]);
  assert.deepEqual(sqlite.compilations, [setUploadLength.name]);
});

Deno.test("an expression cannot be used while no template is built", () => {
  assert.throws(() => integerExpression(1), TypeError);
});

/** Tables whose rows are as many as there are files, by the names that a query gives them. */
function bigTables(sql: string): Set<string> {
  const names = new Set<string>();
  const tables =
    "edge|node|content|content_version|content_chunk|xattr|aloe_(?:version|removed|size|redo|device|subdir)";
  const pattern = new RegExp(`(?:from|join|,) "?(${tables})"?(?: as "?(\\w+)"?)?`, "gi");
  for (const [, table, alias] of sql.matchAll(pattern)) names.add(alias ?? table);
  return names;
}

Deno.test("lookups, listings and reads go by indexes alone, in a file that nobody analysed", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "a.aloe");
    await (await AloeLite.open(file)).close();
    using database = new DatabaseSync(file, { readOnly: true });
    const checked = [
      resolveDeep,
      resolveById,
      statDeep,
      statById,
      walkPath,
      childByName,
      listChildren,
      childrenAfter,
      childrenThen,
      detailsThen,
      placementsThen,
      hasNewerChild,
      newestPlacement,
      hasChild,
      placements,
      placementsAt,
      ancestors,
      treeTop,
      treeBelow,
      placementsIn,
      listRemoved,
      committedChunks,
      versionChunks,
      versionState,
      inodeById,
      inodeByName,
      inodesAfter,
      hasOtherChild,
      committedHashes,
      chunkHashAt,
      inodeByNameAt,
      inodesAtAfter,
      versionAt,
      versionEnd,
      redoOf,
      contentFacts,
      orphanRange,
      chunksOfThese,
      unfoldedNodes,
      removedNode,
      removedFrom,
      removedTogether,
    ].map((template) => template.name);
    for (let depth = 0; depth <= NESTED_DEPTH; depth++) {
      checked.push(resolveByPath(depth).name, statByPath(depth).name);
    }
    const found: string[] = [];
    for (const name of checked) {
      const { sql, constants } = compiled[name];
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all(...constants as (string | number | null)[]).map((row) => String(row.detail));
      assert.ok(plan.length > 0, name);
      const big = bigTables(sql);
      assert.ok(big.size > 0, name);
      for (const step of plan) {
        const [, how, table] = /^(SCAN|SEARCH) (\S+)/.exec(step) ?? [];
        // An index made for one query costs as much as a scan.
        const scans = how === "SCAN" || step.includes("AUTOMATIC");
        if (scans && big.has(table)) found.push(`${name}: ${step}`);
      }
    }
    assert.deepEqual(found, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a name is found in the name index, and nothing is sorted to find it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "a.aloe");
    await (await AloeLite.open(file)).close();
    using database = new DatabaseSync(file, { readOnly: true });
    const plan = (name: string) => {
      const { sql, constants } = compiled[name];
      return database.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all(...constants as (string | number | null)[]).map((row) => String(row.detail));
    };
    for (let depth = 0; depth <= NESTED_DEPTH; depth++) {
      for (const name of [resolveByPath(depth).name, statByPath(depth).name]) {
        const steps = plan(name);
        const lookups = steps.filter((step) => step.includes("edge_from_name"));
        assert.equal(lookups.length, depth, `${name}: ${steps.join("; ")}`);
        assert.ok(lookups.every((step) => step.includes("(from_id=? AND name=?)")), name);
      }
    }
    for (
      const name of [
        childByName.name,
        listChildren.name,
        childrenAfter.name,
        detailsAfter.name,
        committedChunks.name,
        inodeByName.name,
        inodesAfter.name,
        newestInodesAfter.name,
        newestNamesAfter.name,
        committedHashes.name,
        inodesAtAfter.name,
        placementsAfter.name,
      ]
    ) {
      assert.ok(!plan(name).some((step) => step.includes("TEMP B-TREE")), name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what asks for a name in a directory never walks the directory", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "a.aloe");
    await (await AloeLite.open(file)).close();
    using database = new DatabaseSync(file, { readOnly: true });
    const asking: string[] = [];
    for (const [name, { sql, constants }] of Object.entries(await compileAll())) {
      if (!/"from_id" = /.test(sql) || !/[ ."]name" = /.test(sql)) continue;
      if (/^update /.test(sql)) continue;
      asking.push(name);
      const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all(...constants as (string | number | null)[]).map((row) => String(row.detail));
      const found = steps.filter((step) => step.includes("(from_id=? AND name=?"));
      assert.ok(found.length > 0, `${name}: ${steps.join("; ")}`);
      // Only a listing goes through a directory; what hides a row of it is looked up.
      if (/(After|Then)$/.test(name)) continue;
      const walks = steps.filter((step) => /\(from_id=\?( AND edge_id|\))/.test(step));
      assert.deepEqual(walks, [], name);
    }
    for (const each of [childByName, placementsAt, inodeByNameAt, placementsOfNames]) {
      assert.ok(asking.includes(each.name), each.name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
