/** Patterns of paths: what they match, and how long that takes. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { globMatcher } from "../../mod.ts";

/** What a pattern matches of some paths. */
function matched(pattern: string, ...paths: string[]): string[] {
  const matches = globMatcher(pattern);
  return paths.filter(matches);
}

Deno.test("glob: choices", () => {
  assert.deepEqual(matched("{p,q}", "p", "q", "pq", "{p,q}", ""), ["p", "q"]);
  assert.deepEqual(matched("*.{md,txt}", "a.md", "b.txt", "c.rs"), ["a.md", "b.txt"]);
  assert.deepEqual(matched("a{,b}c", "ac", "abc", "abbc"), ["ac", "abc"]);
  assert.deepEqual(matched("{a,b}{c,d}", "ac", "ad", "bc", "bd", "ab"), ["ac", "ad", "bc", "bd"]);
  assert.deepEqual(matched("{a,b{c,d},?}x", "ax", "bcx", "bdx", "zx", "bx", "bex"), [
    "ax",
    "bcx",
    "bdx",
    "zx",
    "bx",
  ]);
  assert.deepEqual(matched("{a/b,c}/d", "a/b/d", "c/d", "a/d"), ["a/b/d", "c/d"]);
  assert.deepEqual(matched("{[a,b],c*}", "a", ",", "b", "cc"), ["a", ",", "b", "cc"]);
  assert.deepEqual(matched("{**/x,y}", "x", "a/x", "a/b/x", "y", "a/y"), [
    "x",
    "a/x",
    "a/b/x",
    "y",
  ]);
  assert.deepEqual(matched("a/{**,b}", "a/b", "a/c/d", "a"), ["a/b", "a/c/d"]);
  assert.deepEqual(matched("a{**,b}", "ac", "a/c", "ab"), ["ac", "ab"]);
  assert.deepEqual(matched("{é,😀}?", "é😀", "😀é", "😀"), ["é😀", "😀é"]);
});

Deno.test("glob: braces that are no choice stand for themselves", () => {
  for (const name of ["{}", "{a}", "{a", "a}", "a,b", "{a,b", "}{", "{a{b}c", "a{b}c}"]) {
    assert.deepEqual(matched(name, name), [name]);
  }
  assert.deepEqual(matched("{{a},b}", "{a}", "b", "a"), ["{a}", "b"]);
  const deep = "{".repeat(1000) + "a,b" + "}".repeat(1000);
  assert.equal(globMatcher(deep)("a"), false);
  assert.equal(globMatcher(`{${"a,".repeat(100_000)}b}`)("b"), true);
});

/** The same as it is explained: choices tried one after the other. */
function plainly(pattern: string[], path: string[]): boolean {
  if (pattern.length === 0) return path.length === 0;
  const [sign, ...rest] = pattern;
  if (sign === "*") {
    return plainly(rest, path) ||
      (path.length > 0 && path[0] !== "/" && plainly(pattern, path.slice(1)));
  }
  if (sign === "{") {
    const end = rest.indexOf("}");
    const choices = rest.slice(0, end).join("").split(",");
    return choices.some((each) => plainly([...each, ...rest.slice(end + 1)], path));
  }
  if (path.length === 0) return false;
  if (sign === "?") return path[0] !== "/" && plainly(rest, path.slice(1));
  return sign === path[0] && plainly(rest, path.slice(1));
}

Deno.test("glob: a backslash makes a special character match itself", () => {
  const cases: [pattern: string, path: string, matches: boolean][] = [
    ["\\*", "*", true],
    ["\\*", "a", false],
    ["a\\*b*", "a*bc", true],
    ["a\\*b*", "axbc", false],
    ["\\?", "?", true],
    ["\\?", "a", false],
    ["\\[a-z]", "[a-z]", true],
    ["\\[a-z]", "b", false],
    ["[\\]x]", "]", true],
    ["[\\]x]", "x", true],
    ["[a\\-z]", "-", true],
    ["[a\\-z]", "b", false],
    ["[\\!a]", "!", true],
    ["[\\!a]", "b", false],
    ["[\\\\]", "\\", true],
    ["\\{a,b}", "{a,b}", true],
    ["\\{a,b}", "a", false],
    ["{a\\,b,c}", "a,b", true],
    ["{a\\,b,c}", "c", true],
    ["{a\\,b,c}", "a", false],
    ["{a,b\\}}", "b}", true],
    ["\\\\", "\\", true],
    ["\\\\*", "\\abc", true],
    ["a\\", "a\\", true],
    ["\\a\\😀", "a😀", true],
    ["d\\/*", "d/e", true],
    ["\\*\\*/x", "a/b/x", false],
    ["\\*\\*/x", "**/x", true],
    ["**\\*", "ab*", true],
    ["**/\\*", "a/b/*", true],
  ];
  for (const [pattern, path, matches] of cases) {
    assert.equal(globMatcher(pattern)(path), matches, `${pattern} ${path}`);
  }
});

Deno.test("glob: matches as it is explained", () => {
  const sign = fc.constantFrom("a", "b", "/", "*x", "?", "{a,b}", "{,ab}", "{a*b,/}", "😀");
  const pattern = fc.array(sign, { maxLength: 7 }).map((signs) => signs.join(""));
  const path = fc.array(fc.constantFrom("a", "b", "x", "/", "😀"), { maxLength: 9 });
  fc.assert(
    fc.property(pattern, path, (pattern, path) => {
      assert.equal(globMatcher(pattern)(path.join("")), plainly([...pattern], path), pattern);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("glob: no pattern takes long", () => {
  const name = "a".repeat(4000);
  const patterns = [
    `${"*a".repeat(200)}*b`,
    `${"{a,a*,*}".repeat(200)}b`,
    `**/${"*a".repeat(200)}/b`,
    `${"{*,?}".repeat(200)}/b`,
    `${"{a,aa}".repeat(500)}b`,
    `${"**/".repeat(200)}b`,
    `${"[a-z]*".repeat(200)}b`,
  ];
  const begun = performance.now();
  for (const pattern of patterns) {
    assert.equal(globMatcher(pattern)(name), false);
    assert.equal(globMatcher(pattern)(`${"a/".repeat(1000)}a`), false);
  }
  // A backtracking matcher takes longer than anybody can wait.
  assert.ok(performance.now() - begun < 60_000);
});
