/** Where bytes lie in chunks, and how streams are cut into them. */

import assert from "node:assert/strict";
import { ChunkMap } from "../../src/content/chunk_map.ts";
import { Chunker } from "../../src/content/chunker.ts";
import { MAX_CHUNKS } from "../../src/limits.ts";

const SIZES = [1, 2, 3, 16, 4096, 65_536, 2 ** 20, 512 * 2 ** 20];

Deno.test("every byte lies in the chunk that has it", () => {
  for (const chunkSize of SIZES) {
    const map = new ChunkMap(chunkSize);
    const edges = [0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 7 * chunkSize, 7 * chunkSize + 1];
    for (const offset of [...edges, 2 ** 40, 2 ** 40 + 1, map.limit - 1]) {
      const { index, within, length } = map.locate(offset);
      assert.equal(map.startOf(index) + within, offset);
      assert.equal(within + length, chunkSize);
      assert.ok(within >= 0 && length > 0, `${offset} of ${chunkSize}`);
      assert.equal(index, map.indexOf(offset));
      assert.equal(within, map.partial(offset));
      assert.equal(map.count(offset + 1), index + 1);
    }
    assert.equal(map.count(0), 0);
    assert.equal(map.locate(map.limit - 1).index, MAX_CHUNKS - 1);
    assert.equal(map.lengthOf(0, chunkSize), chunkSize);
    assert.equal(map.lengthOf(2, 2 * chunkSize + 1), 1);
    assert.equal(map.lengthOf(1, chunkSize), 0);
  }
});

Deno.test("a stream is cut into full chunks and a rest, in order, without copies", () => {
  const data = Uint8Array.from({ length: 40 }, (_, i) => i);
  for (const chunkSize of [1, 7, 8, 39, 40, 41]) {
    const map = new ChunkMap(chunkSize);
    const pieces = [...new Chunker(map).cut(data, 5)];
    assert.equal(pieces.length, map.count(data.length));
    assert.deepEqual(pieces.map(({ index }) => index), pieces.map((_, i) => 5 + i));
    assert.deepEqual(pieces.flatMap(({ data }) => [...data]), [...data]);
    for (const [i, piece] of pieces.entries()) {
      assert.equal(piece.data.buffer, data.buffer);
      assert.equal(piece.data.length, map.lengthOf(i, data.length));
    }
  }
  assert.deepEqual([...new Chunker(new ChunkMap(8)).cut(new Uint8Array(0))], []);
});

Deno.test("what is cut at once is full chunks, and one at least", () => {
  assert.equal(new Chunker(new ChunkMap(16)).batch(100), 96);
  assert.equal(new Chunker(new ChunkMap(16)).batch(16), 16);
  assert.equal(new Chunker(new ChunkMap(16)).batch(5), 16);
});
