/** The pool stores chunks by address, and does not know their users. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { AloeLite } from "../../mod.ts";
import { ChunkPool, type PooledChunk } from "../../src/content/chunk_pool.ts";

const NOTHING = new Uint8Array(0);

function chunk(text: string): PooledChunk {
  const data = new TextEncoder().encode(text);
  return { data, length: data.length, N_c: NOTHING, enc_tag: NOTHING };
}

Deno.test("the pool puts, gets, has and deletes chunks by their addresses", async () => {
  const folder = await Deno.makeTempDir({ prefix: "aloelite-pool-" });
  try {
    await using fs = await AloeLite.open(join(folder, "a.aloe"), { durability: "normal" });
    await fs.db.write(async (tx) => {
      const pool = new ChunkPool(tx);
      assert.equal(await pool.largest(), 0);
      assert.equal(await pool.put("aa", chunk("one")), true);
      assert.equal(await pool.put("bb", chunk("three")), true);
      // An existing address keeps its chunk.
      assert.equal(await pool.put("aa", chunk("other")), false);

      const texts = async (...hashes: string[]) =>
        [...await pool.get(hashes)].map((
          [hash, { data, length }],
        ) => [hash, new TextDecoder().decode(data), length]).sort();
      assert.deepEqual(await texts(), []);
      assert.deepEqual(await texts("aa"), [["aa", "one", 3]]);
      assert.deepEqual(await texts("none"), []);
      assert.deepEqual(await texts("bb", "none", "aa"), [["aa", "one", 3], ["bb", "three", 5]]);
      assert.equal(await pool.has("aa"), true);
      assert.equal(await pool.has("none"), false);
      assert.equal(await pool.largest(), 5);

      assert.equal(await pool.delete([]), 0);
      assert.equal(await pool.delete(["none", "aa"]), 1);
      assert.deepEqual(await texts("aa", "bb"), [["bb", "three", 5]]);
      assert.deepEqual(await pool.deleteUnreferenced(), { chunks: 1, bytes: 5 });
      assert.equal(await pool.has("bb"), false);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
