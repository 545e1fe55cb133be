/**
 * Runs scenarios that are written as data: sequences of operations with their
 * results or errors. It does not depend on the implementation under test.
 *
 * A file holds `scenarios`. Each has a name (`scenario`), a `description`,
 * optionally `differs` (why the reference behaves differently), optionally a
 * `setup` (`chunk_size`, `encryption`), optionally a `harness`
 * (`two_mounts_one_volume`: steps say `via: first` or `via: second`), and
 * `steps`. A step names an operation (`op`) and its `args`; `expect` is the
 * expected result, `raises` the expected error code, and `bind` a name for the
 * result, which later steps refer to as `{ref: name}` or `{ref: name.field}`.
 *
 * Bytes are `{utf8: text}`, `{hex: digits}` or `{repeat: bytes, count: n}`. An
 * expected map names the fields to compare; an expected list is complete but in
 * any order, unless the step says `ordered: true`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parse } from "yaml";

/** A decoded value of a scenario's file: map, list, text, number, bytes. */
export type Value = unknown;

/** One step. */
export interface Step {
  /** The operation. */
  op: string;
  /** Its arguments, not decoded yet. */
  args?: Record<string, unknown>;
  /** The expected result. */
  expect?: unknown;
  /** The expected error code. */
  raises?: string;
  /** A name for its result. */
  bind?: string;
  /** The mount that it uses. */
  via?: string;
  /** Whether an expected list is ordered. */
  ordered?: boolean;
}

/** One scenario. */
export interface Scenario {
  /** Its name. */
  scenario: string;
  /** Its description. */
  description?: string;
  /** Why the reference fails it, where this library differs by design. */
  differs?: string;
  /** Settings of the volume. */
  setup?: { chunk_size?: number; encryption?: "convergent" | "random" };
  /** `two_mounts_one_volume`; otherwise one mount. */
  harness?: string;
  /** The steps. */
  steps: Step[];
}

/** The implementation under test: one new volume for the scenario. */
export interface Subject extends AsyncDisposable {
  /**
   * Runs one operation.
   *
   * @param via The mount to use.
   * @param op The operation, as the scenario names it.
   * @param args Its decoded arguments.
   * @param run Runs nested steps, optionally through another mount.
   * @returns Its result.
   */
  perform(
    via: "first" | "second",
    op: string,
    args: Record<string, Value>,
    run: (steps: Step[], through?: unknown) => Promise<void>,
    through: unknown,
  ): Promise<Value>;
  /** Returns the code of an error of the subject; null for any other error. */
  codeOf(error: unknown): string | null;
}

/** Thrown for a step that the subject does not support. */
export class NotSupported extends Error {}

/** Returns the scenarios of a file. */
export function readScenarios(path: string | URL): Scenario[] {
  const { scenarios } = parse(Deno.readTextFileSync(path)) as {
    scenarios: Scenario[];
  };
  return scenarios;
}

/**
 * Returns the scenario files of a folder by name; empty if the folder is
 * missing.
 */
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

/** Decodes bytes and references recursively. */
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

/**
 * Returns a field by its name in scenarios: `created_at` for `createdAt`, `0`
 * of a list.
 */
function field(value: Value, name: string): Value {
  if (value === null || typeof value !== "object") return undefined;
  const map = value as Record<string, Value>;
  return name in map ? map[name] : map[name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())];
}

/** Returns the difference from the expected value; null if there is none. */
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
    // An empty map expects an empty map; other maps select fields.
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
