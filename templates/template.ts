import type { Compilable, Kysely, QueryCompiler } from "kysely";
import type { StorageQuery } from "../src/storage/dialect.ts";
import { type Expressions, withExpressions } from "./expressions.ts";
import { kysely } from "./kysely.ts";
import type { Schema } from "./schema.ts";

/** A query's text with what is to be bound to it. */
export interface CompiledTemplate {
  /** The text, in one dialect. */
  sql: string;
  /** For each of its parameters the name of the value, or null for a constant. */
  names: (string | null)[];
  /** The constants, at the places where `names` is null. */
  constants: unknown[];
}

/** Gives templates their text in one dialect. */
export interface TemplateCompiler {
  /** The text of a template. Each template calls it once. */
  compile(template: Template<never, unknown>): CompiledTemplate;
}

/** What a statement changes of what the content of a node is. */
export interface ContentTouch {
  /** The node's id. */
  node: string;
  /** A node whose content becomes, in whole or in part, that of this one. */
  source?: string;
  /** The version whose chunks change. */
  version?: number;
  /** An earlier version of the node whose chunks become those of this one. */
  from?: number;
  /** The first and the last chunk that change; all of them when left out. */
  first?: number;
  last?: number;
  /** What happens to the redo log: records come at its end, or it is another one. */
  redo?: "appended" | "changed";
  /** Whether the node has had no content before. */
  isNew?: boolean;
}

/** What {@linkcode template} is told of its query. */
export interface TemplateOptions<Values> {
  /** Set when a column may hold an integer past 2^53: all are then `bigint`. */
  wide?: boolean;
  /** Set when rows are to be arrays of their columns: to make an object of each takes its time. */
  arrays?: boolean;
  /** Set for a statement that changes content: what it changes. */
  touches?: (values: Values) => ContentTouch;
}

/** A statement to which values are bound at each call. */
export interface Statement<Values, Row> {
  /** The query with its values in place, ready for a connection. */
  bind(compiler: TemplateCompiler, values: Values): StorageQuery;
  /** What it changes of the content of a node. */
  readonly touches?: (values: Values) => ContentTouch;
  /** Only tells the types apart. */
  readonly row?: Row;
}

/** Every template by name, for compiling ahead of time. */
export const templates: Map<string, Template<never, unknown>> = new Map();

/**
 * A query written with Kysely's builder, compiled once for each dialect, its
 * values bound at each call.
 *
 * Building and compiling costs five times what executing does, so neither
 * happens twice.
 */
export class Template<Values, Row> implements Statement<Values, Row> {
  /** File and export, for instance `volume.listVolumes`. */
  readonly name: string;
  declare readonly row?: Row;
  readonly touches?: (values: Values) => ContentTouch;
  readonly #build: (q: Kysely<Schema>, p: Values) => Compilable<Row>;
  readonly #wide: boolean;
  readonly #arrays: boolean;
  /** The text of each compiler that it was bound for. */
  readonly #texts = new Map<TemplateCompiler, CompiledTemplate>();
  /** The compiler that it was bound for last, and its text: one process mostly has one. */
  #compiler: TemplateCompiler | null = null;
  #compiled!: CompiledTemplate;

  constructor(
    name: string,
    build: (q: Kysely<Schema>, p: Values) => Compilable<Row>,
    options: TemplateOptions<Values> = {},
  ) {
    this.name = name;
    this.touches = options.touches;
    this.#build = build;
    this.#wide = options.wide ?? false;
    this.#arrays = options.arrays ?? false;
    templates.set(name, this as Template<never, unknown>);
  }

  bind(compiler: TemplateCompiler, values: Values): StorageQuery {
    if (compiler !== this.#compiler) {
      this.#compiled = this.#textOf(compiler);
      this.#compiler = compiler;
    }
    const { sql, names, constants } = this.#compiled;
    const parameters = new Array(names.length);
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      parameters[i] = name === null ? constants[i] : (values as Record<string, unknown>)[name];
    }
    return { sql, parameters, wide: this.#wide, arrays: this.#arrays };
  }

  #textOf(compiler: TemplateCompiler): CompiledTemplate {
    let text = this.#texts.get(compiler);
    if (text === undefined) {
      text = compiler.compile(this as Template<never, unknown>);
      this.#texts.set(compiler, text);
    }
    return text;
  }

  /** Builds the query and compiles it. Kysely must have been loaded. */
  compileWith(compiler: QueryCompiler, expressions: Expressions): CompiledTemplate {
    const { sql, parameters } = withExpressions(
      expressions,
      () => this.#build(builderFor(compiler), placeholders as Values).compile(),
    );
    return {
      sql,
      names: parameters.map((value) => value instanceof Placeholder ? value.name : null),
      constants: parameters.map((value) => value instanceof Placeholder ? null : value),
    };
  }
}

/**
 * Defines a template; the row type is inferred from the builder.
 *
 * @param name File and export.
 */
export function template<Values = Record<never, never>>(
  name: string,
): <Q extends Compilable<unknown>>(
  build: (q: Kysely<Schema>, p: Values) => Q,
  options?: TemplateOptions<Values>,
) => Template<Values, RowOf<Q>> {
  return (build, options) => new Template(name, build as never, options) as never;
}

/** A statement without values that no builder can say. */
export function raw<Row = unknown>(sql: string): Statement<Record<never, never>, Row> {
  return { bind: () => ({ sql, parameters: [] }) };
}

/**
 * Compiles templates where they are first used. Kysely must have been loaded.
 *
 * @param compiler Kysely's compiler of the dialect.
 * @param expressions What the dialect says in its own way.
 */
export function builderCompiler(
  compiler: QueryCompiler,
  expressions: Expressions,
): TemplateCompiler {
  return { compile: (template) => template.compileWith(compiler, expressions) };
}

/** The rows of a query. */
export type RowOf<Q> = Q extends Compilable<infer Row> ? Row : never;

/** Stands in a compiled query for a value that is bound at each call. */
class Placeholder {
  constructor(readonly name: string) {}
}

/** The placeholders of a template: `p.name` where a value of that name will be. */
const placeholders = new Proxy({}, {
  get: (_target, name) => new Placeholder(String(name)),
});

function builderFor(compiler: QueryCompiler): Kysely<Schema> {
  return new kysely.Kysely<Schema>({
    dialect: {
      createAdapter: () => new kysely.SqliteAdapter(),
      createDriver: () => new kysely.DummyDriver(),
      createIntrospector: (db) => new kysely.SqliteIntrospector(db),
      createQueryCompiler: () => compiler,
    },
  });
}
