/** Ranges of content, compared with the bytes themselves. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { rangesOf } from "../../manager/http/ranges.ts";
import { TestManager } from "./support.ts";

/** Larger than one read, and not a multiple of the chunk size. */
const SIZE = 1_200_007;

const content = new Uint8Array(SIZE);
for (let i = 0, state = 3; i < SIZE; i++) {
  state = (state * 1103515245 + 12345) & 0x7fffffff;
  content[i] = state >> 16;
}

/** The parts of a multipart/byteranges body. */
function parts(bytes: Uint8Array, boundary: string): { range: string; data: Uint8Array }[] {
  // Latin-1 keeps each byte unchanged.
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  assert.ok(text.endsWith(`\r\n--${boundary}--\r\n`));
  return text.split(`--${boundary}`).slice(1, -1).map((part) => {
    const end = part.indexOf("\r\n\r\n");
    const range = /content-range: (.*)\r?$/m.exec(part.slice(0, end))![1].trim();
    const data = part.slice(end + 4, -2);
    return { range, data: Uint8Array.from(data, (c) => c.charCodeAt(0)) };
  });
}

const position = fc.oneof(
  fc.nat(SIZE + 10),
  fc.constantFrom(0, 65_535, 65_536, 131_071, 1_048_575, 1_048_576, SIZE - 1, SIZE),
);
const one = fc.oneof(
  fc.tuple(position, position).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
    .map(([start, end]) => ({ text: `${start}-${end}`, start, end: Math.min(end, SIZE - 1) })),
  position.map((start) => ({ text: `${start}-`, start, end: SIZE - 1 })),
  fc.integer({ min: 1, max: SIZE + 10 }).map((last) => ({
    text: `-${last}`,
    start: Math.max(0, SIZE - last),
    end: SIZE - 1,
  })),
);

Deno.test("any range of a file has the expected bytes, and no range fails", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  const file = `/volumes/${id}/files/x.bin`;
  assert.equal((await m.ask("PUT", file, { body: content })).status, 201);
  await fc.assert(
    fc.asyncProperty(one, async ({ text, start, end }) => {
      const { status, headers, bytes } = await m.ask("GET", file, {
        headers: { range: `bytes=${text}` },
      });
      if (start >= SIZE) {
        assert.equal(status, 416);
        assert.equal(headers.get("content-range"), `bytes */${SIZE}`);
        return;
      }
      assert.equal(status, 206);
      assert.equal(headers.get("content-range"), `bytes ${start}-${end}/${SIZE}`);
      assert.equal(headers.get("content-length"), `${end - start + 1}`);
      assert.deepEqual(bytes, content.slice(start, end + 1));
    }),
    { numRuns: 60 },
  );
  const whole = ["chars=0-1", "bytes=x", "bytes=5-2", "bytes 0-1", "bytes=", "nonsense"];
  for (const range of whole) {
    const { status, bytes } = await m.ask("GET", file, { headers: { range } });
    assert.equal(status, 200, range);
    assert.equal(bytes.length, SIZE);
  }
  const head = await m.ask("HEAD", file, { headers: { range: "bytes=0-1" } });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get("content-length"), `${SIZE}`);
});

Deno.test("several ranges are parts, in small files and in large ones", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("main");
  for (const size of [1000, SIZE]) {
    const file = `/volumes/${id}/files/${size}`;
    await m.ask("PUT", file, { body: content.slice(0, size) });
    const range = `bytes=0-9,100-199,${size - 5}-`;
    const { status, headers, bytes } = await m.ask("GET", file, { headers: { range } });
    assert.equal(status, 206);
    const type = headers.get("content-type")!;
    const boundary = /^multipart\/byteranges; boundary=(.+)$/.exec(type)![1];
    assert.equal(headers.get("content-length"), `${bytes.length}`);
    const found = parts(bytes, boundary);
    assert.deepEqual(found.map((part) => part.range), [
      `bytes 0-9/${size}`,
      `bytes 100-199/${size}`,
      `bytes ${size - 5}-${size - 1}/${size}`,
    ]);
    assert.deepEqual(found[1].data, content.slice(100, 200));
    assert.deepEqual(found[2].data, content.slice(size - 5, size));
  }
});

Deno.test("many and overlapping ranges cost no more than the whole", () => {
  const many = (count: number) =>
    `bytes=${Array.from({ length: count }, (_, i) => `${i * 10}-${i * 10}`).join(",")}`;
  assert.equal(rangesOf(many(33), SIZE), null);
  assert.equal(rangesOf(many(32), SIZE)!.length, 32);
  const same = `bytes=${Array(1000).fill("0-").join(",")}`;
  const ranges = rangesOf(same, SIZE);
  assert.ok(ranges === null || ranges.length === 1);
  fc.assert(fc.property(fc.array(one, { minLength: 1, maxLength: 20 }), (wanted) => {
    const found = rangesOf(`bytes=${wanted.map(({ text }) => text).join(",")}`, SIZE);
    if (found === null) return;
    const sum = found.reduce((total, { start, end }) => total + end - start + 1, 0);
    assert.ok(sum <= SIZE);
    for (const { start, end } of found) assert.ok(start >= 0 && start <= end && end < SIZE);
  }));
});
