/** Parsing of command lines: options, commands and operands. */

import assert from "node:assert/strict";
import { GLOBAL_OPTIONS, parseArgs, UsageError } from "../../cli/args.ts";
import { COMMANDS } from "../../cli/commands.ts";

function parse(line: string): unknown[] {
  const { command, operands, flags } = parseArgs(line.split(" "), COMMANDS);
  return [command?.name ?? null, operands, Object.fromEntries(flags)];
}

Deno.test("cli: options are accepted anywhere and in every notation", () => {
  const all = ["ls", ["/a"], { file: "F", long: "", all: "" }];
  for (
    const line of [
      "-f F ls -l -a /a",
      "-fF ls -la /a",
      "ls /a -laf F",
      "ls -lafF /a",
      "--file F ls --long /a --all",
      "ls --all --file=F /a --long",
      "-f X ls -f Y -la --file=F /a",
      "-f X -fF ls -l -l -a -- /a",
    ]
  ) assert.deepEqual(parse(line), all, line);
  assert.deepEqual(parse("volume -f F ls --json"), ["volume ls", [], { file: "F", json: "" }]);
  assert.deepEqual(parse("-f./a.b=c:d ls"), ["ls", [], { file: "./a.b=c:d" }]);
  assert.deepEqual(parse("find --file==x * /y"), ["find", ["*", "/y"], { file: "=x" }]);
  assert.deepEqual(parse("put - -- -x --"), ["put", ["-", "-x", "--"], {}]);
  assert.deepEqual(parse("find -0 *"), ["find", ["*"], { print0: "" }]);
  assert.deepEqual(parse("--version"), [null, [], { version: "" }]);
  assert.deepEqual(parse("cat --version 2 /a"), ["cat", ["/a"], { version: "2" }]);
  assert.deepEqual(parse("trash --help"), [null, ["trash"], { help: "" }]);
  assert.deepEqual(parse("stat -h a b c"), ["stat", ["a", "b", "c"], { help: "" }]);
  assert.deepEqual(parse("-f -"), [null, [], { file: "-" }]);
  for (const line of ["mount -oro,volume=v -o nosuid d", "mount d -o ro,volume=v -onosuid"]) {
    assert.deepEqual(parse(line), ["mount", ["d"], { options: "ro,volume=v,nosuid" }]);
  }
});

Deno.test("cli: unknown options, commands and operands are refused", () => {
  for (
    const [line, message] of [
      ["ls -x", /^unknown option -x$/],
      ["ls -lx", /^unknown option -x$/],
      ["-l ls", /^unknown option -l$/],
      ["ls --nope=1", /^unknown option --nope$/],
      ["ls --no-long", /^unknown option --no-long$/],
      ["ls -? /a", /^unknown option -\?$/],
      ["ls ---", /^unknown option ---$/],
      ["ls -l=1", /^-l takes no value$/],
      ["ls --long=false", /^--long takes no value$/],
      ["ls -f", /^--file needs a value \(FILE\)$/],
      ["ls -f -l", /^--file needs a value/],
      ["ls --file= /a", /^--file needs a value/],
      ["ls -f -- /a", /^--file needs a value/],
      ["-f F lss", /^unknown command lss$/],
      ["volume lss", /^unknown command volume lss$/],
      ["volume -f F", /^volume needs one of: create, ls, rename, rm$/],
      ["tree a b", /^one operand too many: b \(usage: aloelite tree \[PATH\]\)$/],
      ["mv a", /^usage: aloelite mv PATH\.\.\. DEST$/],
    ] as [string, RegExp][]
  ) {
    assert.throws(() => parse(line), (error) => {
      assert.ok(error instanceof UsageError, line);
      assert.match(error.message, message, line);
      return true;
    });
  }
});

Deno.test("cli: no option of a command conflicts with a global one", () => {
  for (const { name, options = [] } of COMMANDS) {
    const known = [...GLOBAL_OPTIONS, ...options];
    for (const key of ["long", "short"] as const) {
      const words = known.map((o) => o[key]).filter((w) => w !== undefined);
      assert.equal(new Set(words).size, words.length, `${name}: ${words}`);
    }
    // `-fFILE` is accepted anywhere, so a letter must have one meaning in all commands.
    for (const { short } of options.filter((o) => o.short !== undefined && o.value !== undefined)) {
      const others = COMMANDS.filter((c) => c.name !== name).flatMap((c) => c.options ?? []);
      assert.ok(others.every((o) => o.short !== short), `${name}: -${short}`);
    }
  }
});
