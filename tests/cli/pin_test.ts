/** The command line: PINs from every source. */

import assert from "node:assert/strict";
import { aloelite, Bench, onTerminal, quoted, RUN } from "../support/cli.ts";

const PIN = "correct horse";

Deno.test("cli: PINs from files, variables and descriptors", async () => {
  using bench = new Bench();
  const right = bench.path("right");
  const wrong = bench.path("wrong");
  Deno.writeTextFileSync(right, `${PIN}\n`);
  Deno.writeTextFileSync(wrong, "battery staple");
  await bench.ok([]);
  const made = await bench.json(
    [
      "volume",
      "create",
      "s",
      "--encrypt",
      "--enc-mode",
      "random",
      "--pin-file",
      right,
    ],
  );
  assert.equal(made.encryption, "random");

  const s = ["-v", "s"];
  await bench.ok([...s, "put", "-", "/f", "--pin-file", right], {
    stdin: "secret",
  });
  assert.equal(
    await bench.ok([...s, "--pin-env", "P", "cat", "/f"], { env: { P: PIN } }),
    "secret",
  );
  const fd = await new Deno.Command("bash", {
    args: [
      "-c",
      `${
        quoted([
          Deno.execPath(),
          ...RUN,
          "-f",
          bench.file,
          ...s,
          "cat",
          "/f",
          "--pin-fd",
          "7",
        ])
      }` +
      ` 7<<<'${PIN}'`,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  assert.equal(new TextDecoder().decode(fd.stdout), "secret");
  assert.equal(
    await bench.ok([...s, "pin", "check", "--pin-fd", "0"], {
      stdin: `${PIN}\n`,
    }),
    "the PIN is right\n",
  );

  const messages = [
    await bench.fails(1, [...s, "ls", "--pin-file", wrong]),
    await bench.fails(1, [...s, "pin", "check", "--pin-file", wrong]),
  ];
  for (const message of messages) {
    assert.match(message, /volume s: wrong PIN/);
    assert.doesNotMatch(message, /battery|correct/);
  }
  assert.match(
    await bench.fails(1, [...s, "ls"]),
    /volume s: encrypted; give its PIN with/,
  );
  // The variable is used only on request.
  await bench.fails(1, [...s, "ls"], { env: { ALOELITE_PIN: PIN } });
  assert.match(
    await bench.fails(1, ["-v", "main", "ls", "--pin-file", right]),
    /volume main: not encrypted; omit the PIN option/,
  );
  assert.match(
    await bench.fails(2, [...s, "ls", "--pin-file", right, "--pin-env", "P"]),
    /give only one of --pin-file and --pin-env/,
  );
  assert.match(
    await bench.fails(1, [...s, "ls", "--pin-file", "none"]),
    /none: no such file/,
  );
  assert.match(
    await bench.fails(1, [...s, "ls", "--pin-env", "NONE"]),
    /NONE: no such environment variable/,
  );
  assert.match(
    await bench.fails(1, [...s, "ls", "--pin-fd", "99"]),
    /descriptor 99: not open/,
  );
  assert.match(
    await bench.fails(2, [...s, "ls", "--pin-fd", "x"]),
    /number of a descriptor/,
  );
  assert.match(
    await bench.fails(2, ["volume", "create", "t", "--encrypt"]),
    /PIN .* is required/,
  );

  await bench.ok([
    ...s,
    "pin",
    "change",
    "--pin-file",
    right,
    "--new-pin-file",
    wrong,
  ]);
  await bench.fails(1, [...s, "cat", "/f", "--pin-file", right]);
  assert.equal(
    await bench.ok([...s, "cat", "/f", "--pin-file", wrong]),
    "secret",
  );
});

Deno.test("cli: encrypted snapshots and exports", async () => {
  using bench = new Bench();
  const env = { P: PIN, Q: "other" };
  const made = await bench.json(["--pin-env", "P"], { env });
  assert.equal(made.volumes[0].encryption, "convergent");
  await bench.ok(["put", "-", "/f", "--pin-env", "P"], {
    env,
    stdin: "secret",
  });
  await bench.ok(["snapshot", "same", "--pin-env", "P"], { env });
  await bench.ok(
    ["-v", "main", "snapshot", "new", "--pin-env", "P", "--dest-pin-env", "Q"],
    { env },
  );
  assert.equal(
    await bench.ok(["-v", "same", "cat", "/f", "--pin-env", "P"], { env }),
    "secret",
  );
  assert.equal(
    await bench.ok(["-v", "new", "cat", "/f", "--pin-env", "Q"], { env }),
    "secret",
  );

  // An encrypted volume never becomes plain by omission.
  const other = bench.path("other.aloe");
  const from = ["-v", "main", "--pin-env", "P", "export", other];
  assert.equal((await bench.json(from, { env })).encryption, "convergent");
  const keyed = await bench.json(
    [...from, "--rename", "k", "--dest-pin-env", "Q", "--enc-mode", "random"],
    { env },
  );
  assert.equal(keyed.encryption, "random");
  const plain = await bench.json([...from, "--rename", "open", "--plain"], {
    env,
  });
  assert.equal(plain.encryption, "none");
  const cat = async (...args: string[]): Promise<string> =>
    (await aloelite(["-f", other, "cat", "/f", ...args], { env })).out;
  assert.equal(await cat("-v", "main", "--pin-env", "P"), "secret");
  assert.equal(await cat("-v", "k", "--pin-env", "Q"), "secret");
  assert.equal(await cat("-v", "open"), "secret");
  const raw = await Deno.readFile(bench.file);
  assert.equal(new TextDecoder("latin1").decode(raw).includes("secret"), false);

  const back = await bench.json(
    ["import", other, "--from", "k", "--source-pin-env", "Q", "--pin-env", "P"],
    { env },
  );
  assert.equal(back.encryption, "convergent");
  assert.equal(
    await bench.ok(["-v", "k", "cat", "/f", "--pin-env", "P"], { env }),
    "secret",
  );
  assert.match(
    await bench.fails(1, ["import", other, "--from", "main", "--rename", "x"], {
      env,
    }),
    /give its PIN with --source-pin-file/,
  );
});

Deno.test({
  name: "cli: prompts for PINs on a terminal",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using bench = new Bench();
    await bench.ok([]);
    const create = ["-f", bench.file, "volume", "create", "s", "--encrypt"];
    const differ = await onTerminal(create, ["one\r", "two\r"]);
    assert.equal(differ.code, 1);
    assert.match(differ.shown, /the two PINs differ; nothing was changed/);
    // Backspace deletes a whole character.
    const made = await onTerminal(create, ["kä\x7f\x7fcafé\r", "café\r"]);
    assert.equal(made.code, 0, made.shown);
    assert.doesNotMatch(made.shown, /caf/);

    const args = ["-f", bench.file, "-v", "s", "pin", "check"];
    const right = await onTerminal(args, ["café\r"]);
    assert.match(right.shown, /PIN of volume s: \r\n(.|\s)*the PIN is right/);
    assert.equal(right.code, 0);
    const wrong = await onTerminal(args, ["tea\r"]);
    assert.match(wrong.shown, /volume s: wrong PIN/);
    assert.equal(wrong.code, 1);
    const stopped = await onTerminal(args, ["ca\x03"]);
    assert.equal(stopped.code, 130);
    assert.doesNotMatch(stopped.shown, /right|wrong|at /);
    const env = { P: "café" };
    await bench.ok(["-v", "s", "pin", "check", "--pin-env", "P"], { env });
  },
});
