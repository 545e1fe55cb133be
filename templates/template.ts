import {
  type Compilable,
  type CompiledQuery,
  DummyDriver,
  type InferResult,
  Kysely,
  type QueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
} from "kysely";
import type { StorageQuery } from "../src/storage/dialect.ts";
import type { Schema } from "./schema.ts";

/** Stands in a compiled query for a value that is bound at each call. */
class Placeholder {
  constructor(readonly name: string) {}
}

/** The placeholders of a template: `p.name` where a value of that name will be. */
const placeholders = new Proxy({}, {
  get: (_target, name) => new Placeholder(String(name)),
});

/** What {@linkcode Template} is told of its query. */
export interface TemplateOptions {
  /** Set when a column may hold an integer past 2^53: all are then `bigint`. */
  wide?: boolean;
}

/**
 * A query written with Kysely's builder, compiled once for each dialect, its
 * values bound at each call.
 *
 * Building and compiling costs five times what executing does, so neither
 * happens twice.
 */
export class Template<Values, Row> {
  readonly #build: (q: Kysely<Schema>, p: Values) => Compilable<Row>;
  readonly #wide: boolean;
  #compiler: QueryCompiler | null = null;
  #compiled!: CompiledQuery<Row>;
  #names!: (string | null)[];

  constructor(
    build: (q: Kysely<Schema>, p: Values) => Compilable<Row>,
    options: TemplateOptions = {},
  ) {
    this.#build = build;
    this.#wide = options.wide ?? false;
  }

  /** The query with its values in place, ready for a connection. */
  bind(compiler: QueryCompiler, values: Values): StorageQuery {
    if (compiler !== this.#compiler) this.#compile(compiler);
    const { sql, query, queryId, parameters } = this.#compiled;
    const names = this.#names;
    const bound = new Array(names.length);
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      bound[i] = name === null ? parameters[i] : (values as Record<string, unknown>)[name];
    }
    return { sql, query, queryId, parameters: bound, wide: this.#wide };
  }

  #compile(compiler: QueryCompiler): void {
    this.#compiled = this.#build(builderFor(compiler), placeholders as Values)
      .compile();
    this.#names = this.#compiled.parameters.map((value) =>
      value instanceof Placeholder ? value.name : null
    );
    this.#compiler = compiler;
  }
}

/** A template; the row type is inferred from the builder. */
export function template<Values = Record<never, never>>(): <
  Q extends Compilable<unknown>,
>(
  build: (q: Kysely<Schema>, p: Values) => Q,
  options?: TemplateOptions,
) => Template<Values, RowOf<Q>> {
  return (build, options) =>
    new Template(
      build as unknown as (q: Kysely<Schema>, p: Values) => Compilable<never>,
      options,
    );
}

type RowOf<Q> = Q extends Compilable<infer Row> ? Row : never;
export type { InferResult };

function builderFor(compiler: QueryCompiler): Kysely<Schema> {
  return new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => compiler,
    },
  });
}
