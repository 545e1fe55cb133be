/** The pieces written to one chunk: their storage, and the speed of lookups. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { bisect } from "../../src/vfs/bisect.ts";
import { DirtyChunk } from "../../src/vfs/dirty_chunk.ts";

Deno.test("bisect finds the first index in few comparisons", () => {
  fc.assert(fc.property(fc.nat(20_000), fc.nat(20_000), (length, at) => {
    let comparisons = 0;
    const found = bisect(length, (i) => (comparisons++, i < at));
    assert.equal(found, Math.min(length, at));
    assert(comparisons <= Math.ceil(Math.log2(length + 1)), `${comparisons} of ${length}`);
  }));
});

Deno.test("a dirty chunk's totals and ranges match the written bytes", () => {
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.tuple(fc.constant("write"), fc.nat(99), fc.integer({ min: 1, max: 9 })),
    },
    { weight: 1, arbitrary: fc.tuple(fc.constant("cut"), fc.nat(99), fc.constant(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("saved"), fc.constant(0), fc.constant(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("unsave"), fc.constant(0), fc.constant(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("rebase"), fc.constant(0), fc.constant(0)) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const chunk = new DirtyChunk(100);
      const written = new Array<number | null>(100).fill(null);
      let value = 0;
      for (const [what, at, count] of steps) {
        if (what === "write") {
          const data = new Uint8Array(Math.min(count, 100 - at)).fill(++value);
          chunk.write(at, data);
          written.fill(value & 255, at, at + data.length);
        } else if (what === "cut") {
          chunk.cut(at);
          written.fill(null, at);
        } else if (what === "saved") {
          chunk.saved(0);
          assert.equal(chunk.unsavedBytes, 0);
        } else if (what === "unsave") {
          chunk.unsave();
          assert.equal(chunk.unsavedBytes, written.filter((byte) => byte !== null).length);
        } else {
          chunk.rebase("zeros");
          written.fill(null);
        }
        const ranges = chunk.unsavedRanges();
        assert.equal(chunk.unsavedBytes, ranges.reduce((sum, { data }) => sum + data.length, 0));
        assert.equal(chunk.written, written.some((byte) => byte !== null));
        assert(chunk.memory >= written.filter((byte) => byte !== null).length);
      }
      for (let from = 0; from < 100; from += 7) {
        for (let to = from + 1; to <= 100; to += 9) {
          const all = written.slice(from, to).every((byte) => byte !== null);
          assert.equal(chunk.covers(from, to), all, `${from} to ${to}`);
          const seen = new Uint8Array(to - from);
          chunk.overlay(seen, from);
          assert.deepEqual([...seen], written.slice(from, to).map((byte) => byte ?? 0));
        }
      }
    }),
    { numRuns: 200 },
  );
});
