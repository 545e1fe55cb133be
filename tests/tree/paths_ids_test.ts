/**
 * Paths and ids: whatever goes in, names come out as they were put together,
 * and ids grow.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { AloeError } from "../../mod.ts";
import { mint, uuid7, type Watermark } from "../../src/ids.ts";
import { checkName, checkNewName, joinPath, splitPath } from "../../src/paths.ts";
import { runs } from "../support/runs.ts";

const options = { numRuns: runs(2000) };

/** A name that can be stored: no slash, no NUL, no half of a surrogate pair, not empty. */
const name = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1 }),
  fc.string({ unit: "binary", minLength: 1 }),
  fc.constantFrom(".", "..", " ", "\\", "*", "-rf", "C:", "~", "\n", "\u{feff}", "e\u0301", "é"),
).filter((text) => !text.includes("/") && !text.includes("\0") && text.isWellFormed());

const code = (task: () => unknown): string => {
  try {
    task();
    return "fine";
  } catch (error) {
    return error instanceof AloeError ? error.code : `${error}`;
  }
};

// --- paths -----------------------------------------------------------------------

Deno.test("paths: what was joined is split into the same", () => {
  fc.assert(
    fc.property(fc.array(name), (names) => {
      const path = joinPath(names);
      assert.deepEqual(splitPath(path), names);
      assert.ok(path.startsWith("/"));
      for (const each of names) checkName(each);
    }),
    options,
  );
});

Deno.test("paths: slashes collapse, before, between and after names", () => {
  const slashes = fc.integer({ min: 1, max: 4 }).map((n) => "/".repeat(n));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, slashes)),
      fc.constantFrom("", "/", "///"),
      (parts, start) => {
        const path = start + parts.map(([each, after]) => each + after).join("");
        const names = parts.map(([each]) => each);
        assert.deepEqual(splitPath(path), names);
        assert.deepEqual(splitPath(path.replace(/\/+$/, "")), names);
        assert.deepEqual(splitPath(joinPath(splitPath(path))), names);
      },
    ),
    options,
  );
  assert.deepEqual(splitPath(""), []);
  assert.deepEqual(splitPath("/"), []);
  assert.deepEqual(splitPath("///"), []);
  assert.equal(joinPath([]), "/");
});

Deno.test("paths: nothing is resolved, so that nothing climbs out", () => {
  assert.deepEqual(splitPath("/a/../.././b"), ["a", "..", "..", ".", "b"]);
  assert.deepEqual(splitPath("a\\b/%2f/c"), ["a\\b", "%2f", "c"]);
});

Deno.test("paths: any text is split or refused, never changed", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat(9), (text, surrogates) => {
      const path = surrogates === 0 ? text + "\ud800" : surrogates === 1 ? `${text}\0` : text;
      if (path.includes("\0") || !path.isWellFormed()) {
        assert.equal(code(() => splitPath(path)), "invalid");
      } else {
        const names = splitPath(path);
        assert.equal(names.join(""), path.replaceAll("/", ""));
        assert.ok(names.every((each) => each !== "" && !each.includes("/")));
      }
    }),
    options,
  );
});

Deno.test("paths: a name is checked", () => {
  assert.equal(code(() => checkName("")), "nameless");
  for (const bad of ["/", "a/b", "a\0b", "\ud800", "a\udfff"]) {
    assert.equal(code(() => checkName(bad)), "invalid", JSON.stringify(bad));
  }
  for (const good of [".", "..", " ", "\u{10ffff}", "x".repeat(100_000)]) checkName(good);
  for (const bad of [".", ".."]) assert.equal(code(() => checkNewName(bad)), "invalid");
  assert.equal(code(() => checkNewName("")), "nameless");
  for (const good of ["...", ".a", "a.", " ", "\u{10fe2e}"]) checkNewName(good);
});

// --- ids --------------------------------------------------------------------------------

const FORMAT = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** The millisecond and the counter in an id. */
function parts(id: string): [ms: number, seq: number] {
  return [parseInt(id.slice(0, 8) + id.slice(9, 13), 16), parseInt(id.slice(15, 18), 16)];
}

/** Runs something while the clock says what it is told to. */
function withClock<T>(times: () => number, task: () => T): T {
  const { now } = Date;
  Date.now = times;
  try {
    return task();
  } finally {
    Date.now = now;
  }
}

Deno.test("ids: uuid7 has the form, the time, and differs", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 5000; i++) {
    const before = Date.now();
    const id = uuid7();
    assert.match(id, FORMAT);
    const [ms] = parts(id);
    assert.ok(ms >= before && ms <= Date.now());
    seen.add(id);
  }
  assert.equal(seen.size, 5000);
  // The counter's bits are random in these, all of them.
  const bits = Array.from({ length: 200 }, () => parts(uuid7())[1]);
  assert.equal(bits.reduce((a, b) => a | b), 0xfff);
  assert.equal(bits.reduce((a, b) => a & b), 0);
});

Deno.test("ids: minted ones are in the form, grow, and leave their watermark", () => {
  const mark: Watermark = { ts: 0, seq: 0, moved: false };
  let last = "";
  for (let i = 0; i < 20_000; i++) {
    const id = mint(mark);
    assert.match(id, FORMAT);
    assert.ok(id > last, `${id} after ${last}`);
    assert.deepEqual(parts(id), [mark.ts, mark.seq]);
    assert.equal(mark.moved, true);
    last = id;
  }
});

Deno.test("ids: more than 4096 in a millisecond borrow from the next", () => {
  const mark: Watermark = { ts: 0, seq: 0, moved: false };
  const at = 1_700_000_000_000;
  withClock(() => at, () => {
    let last = "";
    for (let i = 0; i < 3 * 4096 + 10; i++) {
      const id = mint(mark);
      assert.ok(id > last);
      assert.deepEqual(parts(id), [at + Math.floor(i / 4096), i % 4096]);
      last = id;
    }
  });
});

Deno.test("ids: they grow whatever the clock does, and whatever the watermark was", () => {
  const start = 1_700_000_000_000;
  const clocks = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      fc.integer({ min: 1, max: 3 }),
      // Steps back, of a moment or of years.
      fc.integer({ min: -5, max: -1 }),
      fc.integer({ min: -100_000_000_000, max: 100_000_000_000 }),
    ),
    { minLength: 1, maxLength: 300 },
  );
  const marks = fc.record({
    ts: fc.oneof(
      fc.constant(0),
      fc.integer({ min: start - 10, max: start + 10 }),
      fc.constant(start + 10 ** 11),
    ),
    seq: fc.oneof(fc.nat(4095), fc.constant(4095), fc.constant(4094)),
  });
  fc.assert(
    fc.property(clocks, marks, (steps, { ts, seq }) => {
      const mark: Watermark = { ts, seq, moved: false };
      let now = start;
      let last: [number, number] = [ts, seq];
      let lastId = "";
      for (const step of steps) {
        now += step;
        const id = withClock(() => now, () => mint(mark));
        const [ms, counter] = parts(id);
        assert.match(id, FORMAT);
        assert.ok(id > lastId);
        assert.ok(ms > last[0] || (ms === last[0] && counter > last[1]));
        // As the format has it: the clock, unless the watermark is ahead of it.
        if (now > last[0]) assert.deepEqual([ms, counter], [now, 0]);
        else if (last[1] < 4095) assert.deepEqual([ms, counter], [last[0], last[1] + 1]);
        else assert.deepEqual([ms, counter], [last[0] + 1, 0]);
        assert.deepEqual([mark.ts, mark.seq, mark.moved], [ms, counter, true]);
        last = [ms, counter];
        lastId = id;
      }
    }),
    { numRuns: runs(300) },
  );
});
