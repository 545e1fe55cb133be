/**
 * Holds the documents to the code: the format's tables, indexes, triggers and
 * error codes, the tasks that are named, the links between the documents; and
 * the code to what ARCHITECTURE.md promises: the direction of imports, and
 * queries that are compiled ahead of time.
 *
 * The examples in the JSDoc are run by `deno test --doc`, which the task
 * `test` does; those of the README by `readme_test.ts`.
 */

import assert from "node:assert/strict";
import { dirname, join, normalize, relative, sep } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { AloeLite } from "../../mod.ts";
import { compileKnown } from "../../migrations/compile_known.ts";
import { knownSchema } from "../../migrations/known_schema.ts";
import { compileAll } from "../../templates/compile.ts";
import { compiled } from "../../templates/sqlite_compiled.ts";

const REPO = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const read = (path: string) => Deno.readTextFileSync(join(REPO, path));
const manifest = JSON.parse(read("deno.json"));

/** Files of the repository with an ending, by their paths in it. */
function files(ending: string, folder = ""): string[] {
  const found: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(join(REPO, folder))) {
    if (name.startsWith(".") || name === "node_modules" || name === "coverage") continue;
    const path = folder === "" ? name : `${folder}/${name}`;
    if (isDirectory) found.push(...files(ending, path));
    else if (name.endsWith(ending)) found.push(path);
  }
  return found.sort();
}

/** A section of a document: from its heading to the next one of its level or above. */
function section(markdown: string, heading: string): string {
  const lines = markdown.split("\n");
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.includes(heading));
  assert(start !== -1, `no heading ${heading}`);
  const level = /^#+/.exec(lines[start])![0].length;
  const length = lines.slice(start + 1).findIndex((line) =>
    /^#+ /.test(line) && /^#+/.exec(line)![0].length <= level
  );
  return lines.slice(start, length === -1 ? undefined : start + 1 + length).join("\n");
}

/** The rows of the tables in a text: their cells without backticks around them. */
function rows(markdown: string): string[][] {
  return markdown.split("\n").filter((line) => line.startsWith("| `")).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim().replace(/^`(.*)`$/, "$1"))
  );
}

interface SchemaObject {
  type: string;
  name: string;
  table: string;
}

const format = read("docs/FORMAT.md");

Deno.test("FORMAT.md has every table, column, index and trigger of a new file, and no other", async () => {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-docs-" });
  try {
    const path = join(folder, "new.db");
    await (await AloeLite.open(path)).close();
    using database = new DatabaseSync(path, { readOnly: true });
    const objects = database.prepare(
      "SELECT type, name, tbl_name AS 'table' FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    ).all() as unknown as SchemaObject[];
    const ours = (name: string) => name.startsWith("aloe_");
    const names = (type: string) =>
      objects.filter((o) => o.type === type && !ours(o.name)).map((o) => o.name).sort();

    const tables = section(format, "Tables");
    const documented = [...tables.matchAll(/^### `(\w+)`/gm)].map((match) => match[1]).sort();
    assert.deepEqual(documented, names("table"));
    for (const table of documented) {
      const columns = database.prepare(`SELECT name, type FROM pragma_table_info(?)`).all(table);
      assert.deepEqual(
        rows(section(tables, `\`${table}\`:`)).map(([name, type]) => `${name} ${type}`).sort(),
        columns.map((column) => `${column.name} ${column.type}`).sort(),
        table,
      );
    }
    const firstCells = (heading: string) =>
      rows(section(format, heading)).map(([name]) => name).sort();
    assert.deepEqual(firstCells("Indexes"), names("index"));
    assert.deepEqual(firstCells("Triggers and views"), names("trigger"));

    const additions = rows(section(format, "What we add"));
    assert.deepEqual(
      additions.map(([name]) => name).sort(),
      objects.map((o) => o.name).filter(ours).sort(),
    );
    for (const [table, meaning] of additions.filter(([, what]) => what.startsWith("table"))) {
      for (const { name } of database.prepare("SELECT name FROM pragma_table_info(?)").all(table)) {
        assert(meaning.includes(`\`${name}\``), `${table}.${name}`);
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("FORMAT.md has every error code, in the order of errors.ts", () => {
  const codes = [...read("src/errors.ts").matchAll(/^ {2}\| "(\w+)"/gm)].map((match) => match[1]);
  assert(codes.length > 20);
  assert.deepEqual(rows(section(format, "Error codes")).map(([code]) => code), codes);
});

Deno.test("the tasks that documents name exist", () => {
  for (const path of files(".md")) {
    for (const [, task] of read(path).matchAll(/deno(?:@[\d.]+)? task (?:-q )?([a-z]\w*)/g)) {
      assert(task in manifest.tasks, `${path}: deno task ${task}`);
    }
  }
});

Deno.test("the change log begins with the package's version", () => {
  assert.equal(/^## \[?(\d+\.\d+\.\d+)/m.exec(read("CHANGELOG.md"))?.[1], manifest.version);
});

/** A heading's anchor, as code hosts make it. */
function anchor(heading: string): string {
  return heading.trim().toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}

Deno.test("links between documents lead somewhere", () => {
  for (const path of files(".md")) {
    const text = read(path).replace(/^```.*?^```/gms, "");
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file, fragment] = target.split("#");
      const linked = file === "" ? path : normalize(join(dirname(path), file));
      let content = "";
      assert.doesNotThrow(() => {
        if (!Deno.statSync(join(REPO, linked)).isDirectory) content = read(linked);
      }, `${path}: ${target}`);
      if (fragment === undefined) continue;
      const anchors = [...content.matchAll(/^#+ (.*)$/gm)].map((match) => anchor(match[1]));
      assert(anchors.includes(fragment), `${path}: ${target}`);
    }
  }
});

/** The layers of ARCHITECTURE.md, from the top down; each file is in the first that fits. */
const LAYERS: RegExp[] = [
  /^cli\//,
  /^manager\//,
  /^mod\.ts$/,
  /^fuse\//,
  /^src\/(aloelite|mount|volume_path)\.ts$/,
  /^src\/vfs\//,
  /^src\/((ops|internal)\.ts$|ops\/|registry\/)/,
  /^src\/content\//,
  /^src\/(tree\/|(watermark|mount_handle|mount_secrets|content_seals|sealed_changes|expiry|pack_format)\.ts$)/,
  /^src\/storage\//,
  /^(templates|migrations)\//,
  /^src\/crypto\//,
  /^src\/(runtime\/|(errors|types|limits|paths|names|safe_name|msgpack_depth|ids|clock|time_limits|glob|yield_to_event_loop|byte_budget|side_files)\.ts$)/,
];

/** What the upper layers may use of those below. */
const FACES: string[][] = [
  // Names are taken from arguments before anything is loaded.
  [
    "mod.ts",
    "fuse/mod.ts",
    "manager/mod.ts",
    "manager/jobs/job_program.ts",
    "src/names.ts",
    "src/side_files.ts",
    "src/runtime/libc.ts",
    "src/yield_to_event_loop.ts",
  ],
  [
    "mod.ts",
    "src/ops.ts",
    "src/internal.ts",
    "src/errors.ts",
    "src/paths.ts",
    "src/names.ts",
    "src/safe_name.ts",
    "src/yield_to_event_loop.ts",
    "src/byte_budget.ts",
    "src/side_files.ts",
    "src/runtime/libc.ts",
    "src/registry/mod.ts",
    "fuse/mod.ts",
  ],
];

/** The modules that a module imports to run; imports of types alone are left out. */
function imports(path: string): string[] {
  const found: string[] = [];
  const pattern =
    /^(?:import|export)\s(?!type\s)([^;]*?)from "(\.[^"]+)"|^import "(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/gm;
  for (const [, what = "", named, bare, dynamic] of read(path).matchAll(pattern)) {
    const parts = what.replace(/[{}\n]/g, " ").split(",").map((part) => part.trim())
      .filter((part) => part !== "");
    if (parts.length > 0 && parts.every((part) => part.startsWith("type "))) continue;
    const target = join(dirname(path), named ?? bare ?? dynamic);
    found.push(relative(".", target).split(sep).join("/"));
  }
  return found;
}

Deno.test("imports go downwards from layer to layer", () => {
  const sources = [...files(".ts"), ...files(".tsx")].filter((path) =>
    !/^(tests|bench)\//.test(path)
  );
  let checked = 0;
  for (const path of sources) {
    const layer = LAYERS.findIndex((pattern) => pattern.test(path));
    assert(layer !== -1, `${path}: in no layer of ARCHITECTURE.md`);
    for (const target of imports(path).filter((each) => each.endsWith(".ts"))) {
      const below = LAYERS.findIndex((pattern) => pattern.test(target));
      assert(below >= layer, `${path} imports ${target}`);
      checked++;
      // What makes the binary knows what has to be in it.
      if (FACES[layer] === undefined || below === layer || path === "cli/compile.ts") continue;
      assert(FACES[layer].includes(target), `${path} imports ${target}, not ${FACES[layer][0]}`);
    }
  }
  assert(checked > 200);
});

/** The rooms of the manager, from the top down; each of its files is in the first that fits. */
const ROOMS: [name: string, files: RegExp][] = [
  ["entry", /^manager\/(main|mod|serve|manager|environment|build_page)\.ts$/],
  ["routes", /^manager\/routes\//],
  ["jobs", /^manager\/jobs\//],
  ["mounts", /^manager\/mounts\//],
  ["volumes", /^manager\/volumes\//],
  ["http", /^manager\/http\//],
  ["api", /^manager\/api\//],
  ["ground", /^manager\/[\w]+\.ts$/],
];

/** Rooms of one floor: they know nothing of each other. */
const NEIGHBOURS = ["jobs", "mounts"];

/** Every module that a module names in its imports, for types too. */
function references(path: string): string[] {
  const pattern =
    /^(?:import|export)\s[^;]*?from "(\.[^"]+)"|^import "(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/gm;
  return [...read(path).matchAll(pattern)].map(([, named, bare, dynamic]) =>
    relative(".", join(dirname(path), named ?? bare ?? dynamic)).split(sep).join("/")
  );
}

Deno.test("imports in the manager go downwards from room to room, those of types too", () => {
  const roomOf = (path: string) => ROOMS.findIndex(([, pattern]) => pattern.test(path));
  let checked = 0;
  for (const path of files(".ts", "manager").filter((each) => !each.startsWith(PAGE))) {
    const room = roomOf(path);
    assert(room !== -1, `${path}: in no room of the manager`);
    for (const target of references(path).filter((each) => each.startsWith("manager/"))) {
      if (target === "manager/page/packages.ts" && path === "manager/build_page.ts") continue;
      const below = roomOf(target);
      assert(below >= room, `${path} imports ${target}`);
      if (below === room) continue;
      const both = [ROOMS[room][0], ROOMS[below][0]];
      assert(!both.every((each) => NEIGHBOURS.includes(each)), `${path} imports ${target}`);
      checked++;
    }
  }
  assert(checked > 100);
});

Deno.test("no module of the manager imports itself by way of others", () => {
  const done = new Set<string>();
  const follow = (path: string, way: readonly string[]): void => {
    assert(!way.includes(path), [...way, path].join(" imports "));
    if (done.has(path) || !path.startsWith("manager/")) return;
    for (const target of references(path)) follow(target, [...way, path]);
    done.add(path);
  };
  for (const path of [...files(".ts", "manager"), ...files(".tsx", "manager")]) follow(path, []);
  assert(done.size > 150);
});

const PAGE = "manager/page/";

/** The only file of the page that names the manager's schemas, for their types. */
const API_TYPES = `${PAGE}api/types.ts`;

Deno.test("the page imports its own files, packages, and the types of the API", () => {
  const sources = [...files(".ts", "manager/page"), ...files(".tsx", "manager/page")];
  assert(sources.length > 60);
  assert.deepEqual(imports(API_TYPES), []);
  for (const path of sources) {
    for (const target of references(path)) {
      if (path === API_TYPES && target.startsWith("manager/api/")) continue;
      assert(target.startsWith(PAGE), `${path} imports ${target}`);
    }
  }
});

/** Specifiers of the modules that a module imports to run, as they are written. */
function specifiers(path: string): string[] {
  return [...read(path).matchAll(/^(?:import|export)\s(?!type\s)([^;]*?)from "([^"]+)"/gm)]
    .filter(([, what]) =>
      !what.replace(/[{}\n]/g, " ").split(",").map((part) => part.trim())
        .filter((part) => part !== "").every((part) => part.startsWith("type "))
    )
    .map(([, , specifier]) => specifier);
}

Deno.test("a short command loads none of the runtime's compatibility layer but SQLite", () => {
  // Each of the others (`node:fs`, `node:module`, …) costs more CPU time than the command.
  const paths = new Set(
    [
      "cli/main.ts",
      "mod.ts",
      ...["ls", "cat", "put", "get", "stat"].map((c) => `cli/commands/${c}.ts`),
    ],
  );
  for (const path of paths) {
    for (const specifier of specifiers(path)) {
      if (specifier.startsWith(".")) paths.add(normalize(join(dirname(path), specifier)));
      else assert(!/^node:(?!sqlite$)/.test(specifier), `${path} imports ${specifier}`);
    }
  }
  assert(paths.size > 100);
});

Deno.test("the library knows one runtime in src/runtime/ alone, and syntax that is erased", () => {
  const sources = files(".ts").filter((path) => path.startsWith("src/"));
  assert(sources.length > 100);
  for (const path of sources) {
    const code = read(path).replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
    if (!path.startsWith("src/runtime/")) {
      assert(!/\bDeno\./.test(code), `${path}: calls Deno`);
      assert(!/\bnew Worker\(/.test(code), `${path}: starts a worker by itself`);
    }
    // What Node runs as it is: a type can be left out, and nothing has to be made of it.
    assert(
      !/constructor\((?:[^)]*,)?\s*(?:private|protected|public|readonly)\s/.test(code),
      `${path}: has a parameter property`,
    );
    assert(
      !/^\s*(?:export\s+)?(?:const\s+)?(?:enum|namespace)\s+\w+\s*\{/m.test(code),
      `${path}: is not erased`,
    );
  }
});

Deno.test("the engine is used through its two faces, types too, of which one is public", () => {
  let uses = 0;
  for (const path of files(".ts").filter((path) => /^(src\/vfs|fuse|manager|cli)\//.test(path))) {
    for (const [, name] of read(path).matchAll(/\b(?:from|import) ?\(?"(\.[^"]+)"/g)) {
      const target = relative(".", join(dirname(path), name)).split(sep).join("/");
      assert(!/^src\/(ops|content|tree|storage|crypto)\//.test(target), `${path}: ${target}`);
      if (/^src\/(ops|internal)\.ts$/.test(target)) uses++;
    }
  }
  assert(uses > 30);
  const { exports } = JSON.parse(read("deno.json")) as { exports: Record<string, string> };
  assert.equal(exports["./ops"], "./src/ops.ts");
  assert(!Object.values(exports).includes("./src/internal.ts"));
  const named = (path: string) =>
    [...read(path).matchAll(/^export (?:type )?\{([^}]*)\}/gm)]
      .flatMap(([, names]) => names.split(",").map((name) => name.replace("type ", "").trim()))
      .filter((name) => name !== "");
  const both = named("src/internal.ts").filter((name) => named("src/ops.ts").includes(name));
  assert.deepEqual(both, []);
});

Deno.test("a backend of storage is imported at the one place that chooses", () => {
  const chooser = "src/storage/backends.ts";
  const inside = "src/storage/sqlite/";
  let chosen = 0;
  for (const path of files(".ts").filter((path) => !/^(tests|bench)\//.test(path))) {
    if (path.startsWith(inside)) continue;
    for (const target of imports(path)) {
      if (target.startsWith(inside)) {
        assert.equal(path, chooser, `${path} imports ${target}`);
        chosen++;
      }
      // What only SQLite says is asked for by its backend alone.
      if (!/^(templates|migrations)\//.test(path)) {
        assert(!target.startsWith("templates/sqlite"), `${path} imports ${target}`);
      }
    }
  }
  assert(chosen > 0);
});

Deno.test("what storage imports knows nothing of volumes, types neither", () => {
  const known = new Set([
    "src/errors.ts",
    "migrations/check_schema.ts",
    "templates/file.ts",
    "templates/template.ts",
  ]);
  let checked = 0;
  for (const path of files(".ts").filter((path) => /^src\/storage\/[^/]+$/.test(path))) {
    for (const [, name] of read(path).matchAll(/\bfrom "(\.[^"]+)"/g)) {
      const target = relative(".", join(dirname(path), name)).split(sep).join("/");
      assert(target.startsWith("src/storage/") || known.has(target), `${path} imports ${target}`);
      checked++;
    }
  }
  assert(checked > 20);
});

/** The only module that may import the templates that write a table. */
const WRITERS: Record<string, string> = {
  content: "src/content/manifest_store.ts",
  content_version: "src/content/manifest_store.ts",
  aloe_version: "src/content/manifest_store.ts",
  aloe_orphan: "src/content/manifest_store.ts",
  aloe_hole: "src/content/manifest_store.ts",
  content_chunk: "src/content/chunk_pool.ts",
  edge: "src/tree/placement_store.ts",
  aloe_removed: "src/tree/placement_store.ts",
  aloe_subdir: "src/tree/placement_store.ts",
  aloe_unlinked: "src/tree/placement_store.ts",
};

/** The tables that their writers alone read, too. */
const PRIVATE = ["content_version", "content_chunk"];

/** Templates that read such a table with others in one query, and may be imported by anyone. */
const SHARED_READS: Record<string, string> = {
  "abandoned.abandonedLocks": "finds the locks of versions that were begun",
  "listing.detailsAfter": "lists a directory with the targets of its links",
  "listing.detailsThen": "the same",
  "maintenance.counts": "counts the rows of each table",
  "maintenance.impossibleCells": "checks the cells of each table",
  "resolve.readByPath": "reads a small file by its path in one query",
  "seal.lastIndex": "makes the tags of content from its rows, in a layer below",
  "seal.olderSize": "the same",
  "seal.olderVersions": "the same",
  "seal.sealState": "the same",
  "seal.sealedRows": "the same",
};

/** The templates that a module imports, as `file.export`. */
function importedTemplates(path: string): string[] {
  const found: string[] = [];
  const pattern = /^(?:import|export)\s(?!type\s)([^;]*?)from "(\.[^"]*\/templates\/(\w+)\.ts)"/gm;
  for (const [, what, , file] of read(path).matchAll(pattern)) {
    assert(!what.includes("*"), `${path}: imports all of templates/${file}.ts`);
    for (const part of what.replace(/[{}\n]/g, " ").split(",")) {
      const [, name] = /^\s*(?!type\s)(\w+)/.exec(part) ?? [];
      if (name !== undefined) found.push(`${file}.${name}`);
    }
  }
  return found;
}

/** The texts of a template: one that is compiled for several depths has several. */
function texts(template: string): string[] {
  return Object.entries(compiled)
    .filter(([name]) => name === template || name.startsWith(`${template}.`))
    .map(([, { sql }]) => sql);
}

Deno.test("the templates of tables with an owner are imported by the owner alone", () => {
  const owners = new Set(PRIVATE.map((table) => WRITERS[table]));
  const seen = new Set<string>();
  for (const path of files(".ts").filter((path) => !/^(tests|bench|templates)\//.test(path))) {
    for (const template of importedTemplates(path)) {
      for (const sql of texts(template)) {
        const written = /^(?:insert into|update|delete from) "(\w+)"/i.exec(sql)?.[1] ?? "";
        const owner = WRITERS[written];
        if (owner !== undefined) {
          seen.add(written);
          assert.equal(path, owner, `${path} imports ${template}, which writes ${written}`);
        } else if (PRIVATE.some((table) => new RegExp(`\\b${table}\\b`).test(sql))) {
          if (SHARED_READS[template] === undefined) {
            assert(owners.has(path), `${path} imports ${template}, which reads what is not its`);
          }
        }
      }
    }
  }
  assert.deepEqual([...seen].sort(), Object.keys(WRITERS).sort());
  for (const template of Object.keys(SHARED_READS)) assert(texts(template).length > 0, template);
});

Deno.test("the known schema is what the migrations write (else: deno task templates)", async () => {
  assert.deepEqual(await compileKnown(), knownSchema);
});

Deno.test("SQLite's texts are what the templates compile to (else: deno task templates)", async () => {
  assert.deepEqual(structuredClone(await compileAll()), compiled);
});
