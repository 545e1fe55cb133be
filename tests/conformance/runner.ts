/**
 * Runs scenarios that are written down as data: sequences of operations with
 * what they give or the error they raise. Knows nothing of the implementation
 * under test.
 *
 * A file holds `scenarios`, each with a name (`scenario`), a `description`,
 * perhaps `differs` (why the reference does otherwise),
 * perhaps a `setup` (`chunk_size`, `encryption`), perhaps a `harness`
 * (`two_mounts_one_volume`: steps say `via: first` or `via: second`), and
 * `steps`. A step names an operation (`op`) and its `args`; `expect` is what
 * it must give, `raises` the code of its error, and `bind` a name for its value,
 * which later steps call `{ref: name}` or `{ref: name.field}`.
 *
 * Bytes are `{utf8: text}`, `{hex: digits}` or `{repeat: bytes, count: n}`.
 * An expected map names the fields that matter; an expected list is complete
 * but in any order, unless the step says `ordered: true`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parse } from "yaml";

/** A value of a scenario's file, decoded: maps, lists, text, numbers, bytes. */
export type Value = unknown;

/** One step. */
export interface Step {
  /** The operation. */
  op: string;
  /** Its arguments, not yet decoded. */
  args?: Record<string, unknown>;
  /** What it must give. */
  expect?: unknown;
  /** The code of the error that it must raise. */
  raises?: string;
  /** A name for its value. */
  bind?: string;
  /** Which mount it goes through. */
  via?: string;
  /** Whether an expected list is in order. */
  ordered?: boolean;
}

/** One scenario. */
export interface Scenario {
  /** Its name. */
  scenario: string;
  /** What it is about. */
  description?: string;
  /** Why the reference fails it, where this library does otherwise by design. */
  differs?: string;
  /** How the volume is made. */
  setup?: { chunk_size?: number; encryption?: "convergent" | "random" };
  /** `two_mounts_one_volume`, or one mount. */
  harness?: string;
  /** The steps. */
  steps: Step[];
}

/** What is under test: one volume, freshly made for the scenario. */
export interface Subject extends AsyncDisposable {
  /**
   * Does one operation.
   *
   * @param via The mount to go through.
   * @param op The operation, as the scenario names it.
   * @param args Its arguments, decoded.
   * @param run Runs further steps, through another mount where one is given: for operations that hold steps.
   * @returns Its value.
   */
  perform(
    via: "first" | "second",
    op: string,
    args: Record<string, Value>,
    run: (steps: Step[], through?: unknown) => Promise<void>,
    through: unknown,
  ): Promise<Value>;
  /** The code of an error that the subject raised; null for any other. */
  codeOf(error: unknown): string | null;
}

/** A step that the subject has no counterpart for. */
export class NotSupported extends Error {}

/** The scenarios of a file. */
export function readScenarios(path: string | URL): Scenario[] {
  const { scenarios } = parse(Deno.readTextFileSync(path)) as {
    scenarios: Scenario[];
  };
  return scenarios;
}

/** The scenario files of a folder, by name; empty where there is no such folder. */
export function scenarioFiles(folder: URL): { name: string; url: URL }[] {
  try {
    return Array.from(Deno.readDirSync(folder))
      .filter((entry) => entry.name.endsWith(".yaml"))
      .map(({ name }) => ({ name, url: new URL(name, folder) }))
      .toSorted((a, b) => a.name < b.name ? -1 : 1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Runs one scenario. */
export async function runScenario(
  scenario: Scenario,
  subject: Subject,
): Promise<void> {
  const bound = new Map<string, Value>();
  const run = async (steps: Step[], through?: unknown): Promise<void> => {
    for (const [index, step] of steps.entries()) {
      const where = `step ${index + 1} (${step.op}) of ${scenario.scenario}`;
      await runStep(step, where, subject, bound, run, through);
    }
  };
  await run(scenario.steps);
}

async function runStep(
  step: Step,
  where: string,
  subject: Subject,
  bound: Map<string, Value>,
  run: (steps: Step[], through?: unknown) => Promise<void>,
  through: unknown,
): Promise<void> {
  const { steps, ...rest } = step.args ?? {};
  const args = decode(rest, bound) as Record<string, Value>;
  if (steps !== undefined) args.steps = steps;
  const via = (step.via ?? "first") as "first" | "second";
  let value: Value;
  try {
    value = await subject.perform(via, step.op, args, run, through);
  } catch (error) {
    const code = subject.codeOf(error);
    if (step.raises === undefined || code === null) {
      if (
        error instanceof NotSupported || error instanceof assert.AssertionError
      ) throw error;
      throw new Error(`${where} failed`, { cause: error });
    }
    assert.equal(code, step.raises, where);
    return;
  }
  assert(
    step.raises === undefined,
    `${where}: no error, ${step.raises} expected`,
  );
  if (step.bind !== undefined) bound.set(step.bind, value);
  if ("expect" in step) {
    const fault = mismatch(
      decode(step.expect, bound),
      value,
      step.ordered ?? false,
    );
    assert(fault === null, `${where}: ${fault}`);
  }
}

/** Decodes bytes and references, all the way down. */
function decode(value: unknown, bound: Map<string, Value>): Value {
  if (Array.isArray(value)) return value.map((item) => decode(item, bound));
  if (value === null || typeof value !== "object") return value;
  const map = value as Record<string, unknown>;
  const keys = Object.keys(map).toSorted().join();
  if (keys === "utf8") return new TextEncoder().encode(String(map.utf8));
  if (keys === "hex") {
    return Uint8Array.fromHex(String(map.hex).replaceAll(" ", ""));
  }
  if (keys === "count,repeat") {
    const unit = decode(map.repeat, bound) as Uint8Array;
    const bytes = new Uint8Array(unit.length * Number(map.count));
    for (let at = 0; at < bytes.length; at += unit.length) bytes.set(unit, at);
    return bytes;
  }
  if (keys === "ref") return lookup(String(map.ref), bound);
  return Object.fromEntries(
    Object.entries(map).map(([key, item]) => [key, decode(item, bound)]),
  );
}

function lookup(reference: string, bound: Map<string, Value>): Value {
  const [name, ...fields] = reference.split(".");
  if (!bound.has(name)) throw new Error(`nothing is bound to ${name}`);
  let value = bound.get(name);
  for (const name of fields) value = field(value, name);
  return value;
}

/** A field by the name that scenarios use: `created_at` for `createdAt`, `0` of a list. */
function field(value: Value, name: string): Value {
  if (value === null || typeof value !== "object") return undefined;
  const map = value as Record<string, Value>;
  return name in map ? map[name] : map[name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())];
}

/** What is wrong with a value; null when it is as expected. */
function mismatch(
  expected: Value,
  actual: Value,
  ordered: boolean,
): string | null {
  const said = () => `${show(actual)} is not ${show(expected)}`;
  if (expected instanceof Uint8Array) {
    return actual instanceof Uint8Array && actual.toHex() === expected.toHex() ? null : said();
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) {
      return said();
    }
    if (ordered) {
      return expected.every((item, at) => mismatch(item, actual[at], true) === null)
        ? null
        : said();
    }
    const left = [...actual];
    for (const item of expected) {
      const at = left.findIndex((other) => mismatch(item, other, false) === null);
      if (at < 0) return `${said()} (no ${show(item)})`;
      left.splice(at, 1);
    }
    return null;
  }
  if (expected !== null && typeof expected === "object") {
    const entries = Object.entries(expected);
    // An empty map means an empty map; the fields of any other are a selection.
    if (entries.length === 0) {
      return actual !== null && typeof actual === "object" &&
          Object.keys(actual).length === 0
        ? null
        : said();
    }
    for (const [key, item] of entries) {
      const fault = mismatch(item, field(actual, key), ordered);
      if (fault !== null) return `${key}: ${fault}`;
    }
    return null;
  }
  if (typeof actual === "bigint" && typeof expected === "number") {
    return actual === BigInt(expected) ? null : said();
  }
  return Object.is(actual ?? null, expected ?? null) ? null : said();
}

function show(value: Value): string {
  return JSON.stringify(value, (_, item) => {
    if (item instanceof Uint8Array) return `bytes ${item.toHex()}`;
    return typeof item === "bigint" ? String(item) : item;
  });
}
