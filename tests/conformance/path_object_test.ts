/** The path object: parts, reading, writing, walks and patterns. */

import assert from "node:assert/strict";
import type { Mount, VolumePath } from "../../mod.ts";
import { createVolume, onEachBackend } from "./backends.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

const fails = (code: string, task: Promise<unknown>) =>
  assert.rejects(task, { name: "AloeError", code });

async function found(paths: AsyncIterable<VolumePath>): Promise<string[]> {
  return (await Array.fromAsync(paths)).map(String);
}

/** Creates files by their paths, with their parent directories. */
async function plant(mount: Mount, ...paths: string[]): Promise<void> {
  await mount.batch(async (tx) => {
    for (const path of paths) {
      const file = tx.path(path);
      await file.parent.mkdir({ parents: true, existOk: true });
      await file.writeText(path);
    }
  });
}

onEachBackend("path: names, extensions, parents", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  const facts = (path: string) => {
    const { name, stem, suffix, parent, parts } = mount.path(path);
    return { name, stem, suffix, parent: `${parent}`, parts: [...parts] };
  };
  const top = { name: "", stem: "", suffix: "", parent: "/", parts: [] };
  assert.deepEqual(facts("/"), top);
  assert.deepEqual(facts(""), top);
  assert.deepEqual(facts("//a///b.tar.gz/"), {
    name: "b.tar.gz",
    stem: "b.tar",
    suffix: ".gz",
    parent: "/a",
    parts: ["a", "b.tar.gz"],
  });
  const endings = { "/.profile": "", "/a": "", "/a.": "", "/..": "", "/.": "", "/.a.b": ".b" };
  for (const [path, suffix] of Object.entries(endings)) {
    const { suffix: is, stem, name } = mount.path(path);
    assert.equal(is, suffix, path);
    assert.equal(stem + is, name, path);
  }
  assert.equal(`${mount.path("a/b")}`, "/a/b");
  assert.equal(`${mount.path()}`, "/");
});

onEachBackend("path: joining leads down for every name", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  const a = mount.path("/a");
  assert.equal(`${a.join("b")}`, "/a/b");
  assert.equal(`${a.join("b", "c/d", "e")}`, "/a/b/c/d/e");
  assert.equal(`${a.join("..", ".")}`, "/a/../.");
  assert.equal(`${a.join("/b/")}`, "/a/b");
  assert.equal(`${a.join()}`, "/a");
  assert.equal(`${a.join("")}`, "/a");
  assert.equal(`${a.join("b").parent}`, `${a}`);
  assert.equal(`${mount.path("/").join("x")}`, "/x");
  // A path is a value: joining does not change it, and accesses nothing.
  assert.equal(`${a}`, "/a");
  assert.equal(await a.exists(), false);
  for (const bad of ["a\0", "\ud800"]) {
    assert.throws(() => a.join(bad), { name: "AloeError", code: "invalid" });
    assert.throws(() => mount.path(bad), { name: "AloeError", code: "invalid" });
  }
});

onEachBackend("path: existence and types", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  await plant(mount, "/d/f");
  await mount.symlink("/link", "d/f");
  const is = async (path: string) => {
    const it = mount.path(path);
    return [await it.exists(), await it.isDir(), await it.isFile()];
  };
  assert.deepEqual(await is("/"), [true, true, false]);
  assert.deepEqual(await is("/d"), [true, true, false]);
  assert.deepEqual(await is("/d/f"), [true, false, true]);
  assert.deepEqual(await is("/link"), [true, false, false]);
  assert.deepEqual(await is("/none"), [false, false, false]);
  assert.deepEqual(await is("/d/f/below"), [false, false, false]);
  assert.equal((await mount.path("/d/f").stat()).size, 4);
  await fails("not_found", mount.path("/none").stat());
  await fails("not_a_container", mount.path("/d/f/below").stat());
});

onEachBackend("path: reads, writes and appends bytes and text", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  const file = mount.path("/f");
  await file.writeText("grün 日本");
  assert.equal(await file.readText(), "grün 日本");
  assert.deepEqual(await file.readBytes(), bytes("grün 日本"));
  await file.appendText("!");
  await file.appendBytes(Uint8Array.of(0x3f));
  assert.equal(await file.readText(), "grün 日本!?");
  await file.writeBytes(Uint8Array.of(0, 255, 128));
  assert.deepEqual(await file.readBytes(), Uint8Array.of(0, 255, 128));
  await file.writeText("");
  assert.equal((await file.stat()).size, 0);
  assert.equal(await file.readText(), "");
  await mount.path("/new").appendText("one");
  await mount.path("/newer").appendBytes(bytes("two"));
  assert.equal(await mount.path("/new").readText(), "one");
  assert.equal(await mount.path("/newer").readText(), "two");

  await mount.mkdir("/d");
  const dir = mount.path("/d");
  for (const task of [dir.readBytes(), dir.readText(), dir.writeText("x"), dir.appendText("x")]) {
    await fails("not_an_entry", task);
  }
  const none = mount.path("/none/f");
  for (const task of [none.readText(), none.writeText("x"), none.appendBytes(bytes("x"))]) {
    await fails("not_found", task);
  }
  await fails("not_a_container", file.join("below").writeText("x"));
  await fails("not_an_entry", mount.path("/").writeText("x"));
});

onEachBackend("path: opens to read, to overwrite, to append", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  const file = mount.path("/f");
  await fails("not_found", file.open());
  await fails("not_found", file.open("r"));
  {
    await using writer = await file.open("w");
    assert.equal(await writer.write(bytes("0123456789")), 10);
    assert.equal(writer.tell(), 10);
    // Readers see the content after the writer closes.
    assert.equal(await file.readText(), "");
  }
  {
    await using writer = await file.open("a");
    assert.equal(writer.tell(), 10);
    await writer.write(bytes("ab"));
  }
  {
    await using reader = await file.open();
    assert.equal(text(await reader.read(4)), "0123");
    assert.equal(await reader.seek(-3, "end"), 9);
    assert.equal(text(await reader.read()), "9ab");
    assert.equal((await reader.read()).length, 0);
  }
  await (await file.open("w")).close();
  assert.equal(await file.readText(), "");
  await (await mount.path("/appended").open("a")).close();
  assert.equal(await mount.path("/appended").isFile(), true);

  await mount.mkdir("/d");
  const dir = mount.path("/d");
  for (const task of [dir.open("r"), dir.open("w"), dir.open("a")]) {
    await fails("not_an_entry", task);
  }
  await fails("not_found", mount.path("/none/f").open("w"));
});

onEachBackend("path: creates and removes directories", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  const dir = mount.path("/d");
  assert.equal(await dir.mkdir(), dir);
  await fails("container_exists", dir.mkdir());
  await dir.mkdir({ existOk: true });
  await fails("container_exists", dir.mkdir({ parents: true }));
  await fails("not_found", mount.path("/x/y/z").mkdir());
  await fails("not_found", mount.path("/x/y/z").mkdir({ existOk: true }));
  await mount.path("/x/y/z").mkdir({ parents: true });
  assert.equal(await mount.path("/x/y/z").isDir(), true);

  const file = dir.join("f");
  await file.writeText("1");
  await fails("container_exists", file.mkdir());
  await fails("container_exists", file.mkdir({ existOk: true }));
  await fails("not_a_container", file.join("below").mkdir());
  await fails("not_a_container", file.join("below").mkdir({ parents: true }));

  await fails("not_empty", dir.rmdir());
  await fails("not_a_container", file.rmdir());
  await fails("not_found", mount.path("/none").rmdir());
  await fails("not_empty", mount.path("/").rmdir());
  await mount.path("/x/y/z").rmdir();
  assert.equal(await mount.path("/x/y/z").exists(), false);
  assert.equal(await mount.path("/x/y").exists(), true);
});

onEachBackend("path: removes files and trees", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  await plant(mount, "/d/e/f", "/d/g", "/h", "/i");
  await mount.symlink("/link", "d");
  await fails("not_an_entry", mount.path("/d").unlink());
  await fails("not_found", mount.path("/none").unlink());
  await fails("not_found", mount.path("/none").rmtree());
  await mount.path("/link").unlink();
  await mount.path("/h").unlink();
  await mount.path("/i").rmtree();
  assert.deepEqual(await found(mount.path("/").iterate()), ["/d"]);
  await mount.path("/d").rmtree();
  assert.deepEqual(await found(mount.path("/").iterate()), []);
  assert.equal((await mount.trash()).length, 4);
});

onEachBackend("path: renames and copies", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  await plant(mount, "/d/e/f", "/g");
  const moved = await mount.path("/g").rename("/d/h");
  assert.equal(`${moved}`, "/d/h");
  assert.equal(await moved.readText(), "/g");
  assert.equal(await mount.path("/g").exists(), false);
  const copy = await mount.path("/d").copy(mount.path("/copy"));
  assert.equal(`${copy}`, "/copy");
  assert.deepEqual((await found(copy.glob("**"))).sort(), ["/copy/e", "/copy/e/f", "/copy/h"]);
  assert.equal(await copy.join("e", "f").readText(), "/d/e/f");
  // The copy is independent: a write to it does not change the source.
  await copy.join("h").writeText("new");
  assert.equal(await moved.readText(), "/g");

  await fails("not_found", mount.path("/none").rename("/x"));
  await fails("not_found", mount.path("/none").copy("/x"));
  await fails("not_found", moved.rename("/none/x"));
  await fails("not_found", moved.copy("/none/x"));
  await fails("not_a_container", copy.rename("/d/h/x"));
  await fails("would_cycle", mount.path("/d").rename("/d/e/d"));
  await fails("not_found", mount.path("/").rename("/x"));
  assert.equal(await mount.path("/d/e/f").exists(), true);
});

onEachBackend("path: annotations", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  const file = mount.path("/f");
  await file.writeText("1");
  assert.deepEqual(await file.metadata(), {});
  await file.setMetadata({ colour: "grün" });
  assert.deepEqual(await file.metadata(), { colour: "grün" });
  await fails("not_found", mount.path("/none").metadata());
  await fails("not_found", mount.path("/none").setMetadata({}));
});

onEachBackend("path: iterates over visible children in the order of placement", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  await plant(mount, "/b", "/a", "/d/x");
  // It hides the older node of the same name.
  await mount.createEntry("/b", bytes("newer"));
  const paths = await Array.fromAsync(mount.path("/").iterate());
  assert.deepEqual(paths.map(String), ["/a", "/d", "/b"]);
  assert.equal(await paths[2].readText(), "newer");
  assert.deepEqual(await found(mount.path("/d").iterate()), ["/d/x"]);
  await fails("not_a_container", found(mount.path("/a").iterate()));
  await fails("not_found", found(mount.path("/none").iterate()));
});

onEachBackend("path: a walk is top-down and can be pruned", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  await plant(mount, "/a/b/c/deep", "/a/skip/hidden", "/a/b/f", "/top");
  await mount.symlink("/link", "a");
  const seen: unknown[] = [];
  for await (const { directory, directories, files } of mount.path("/").walk()) {
    seen.push([`${directory}`, [...directories], files]);
    const skip = directories.indexOf("skip");
    if (skip !== -1) directories.splice(skip, 1);
  }
  assert.deepEqual(seen, [
    ["/", ["a"], ["top", "link"]],
    ["/a", ["b", "skip"], []],
    ["/a/b", ["c"], ["f"]],
    ["/a/b/c", [], ["deep"]],
  ]);
  await fails("not_a_container", Array.fromAsync(mount.path("/top").walk()));
  await fails("not_found", Array.fromAsync(mount.path("/none").walk()));
  // Ending an iteration early releases the file.
  for await (const { directory } of mount.path("/").walk()) {
    if (`${directory}` === "/a") break;
  }
});

onEachBackend("glob: names, depths, directories", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  await plant(mount, "/a.md", "/b.txt", "/d/c.md", "/d/e/f.md", "/d/e/g", "/.h", "/d/.i/j.md");
  const glob = async (pattern: string, under = "/") =>
    (await found(mount.path(under).glob(pattern))).sort();
  assert.deepEqual(await glob("*"), ["/.h", "/a.md", "/b.txt", "/d"]);
  assert.deepEqual(await glob("*.md"), ["/a.md"]);
  assert.deepEqual(await glob("?.md"), ["/a.md"]);
  assert.deepEqual(await glob("??.md"), []);
  assert.deepEqual(await glob("a.md"), ["/a.md"]);
  assert.deepEqual(await glob("A.MD"), []);
  assert.deepEqual(await glob("*/*.md"), ["/d/c.md"]);
  assert.deepEqual(await glob("*/*/*.md"), ["/d/.i/j.md", "/d/e/f.md"]);
  assert.deepEqual(await glob("d/e"), ["/d/e"]);
  assert.deepEqual(await glob("/d//e/"), ["/d/e"]);
  assert.deepEqual(await glob("**/*.md"), ["/a.md", "/d/.i/j.md", "/d/c.md", "/d/e/f.md"]);
  assert.deepEqual(await glob("d/**/f.md"), ["/d/e/f.md"]);
  assert.deepEqual(await glob("**/e"), ["/d/e"]);
  assert.deepEqual(await glob("**/d/**/g"), ["/d/e/g"]);
  assert.deepEqual(await glob("*.md", "/d"), ["/d/c.md"]);
  assert.deepEqual(await glob("**/*.md", "/d"), ["/d/.i/j.md", "/d/c.md", "/d/e/f.md"]);
  assert.equal((await glob("**")).length, 10);
  assert.deepEqual(await glob("none/*"), []);
  await fails("invalid", glob(""));
  await fails("invalid", glob("/"));
  // A directory comes before its content.
  const order = await found(mount.path("/").glob("**"));
  for (const path of order) {
    const above = path.slice(0, path.lastIndexOf("/"));
    assert.ok(above === "" || order.indexOf(above) < order.indexOf(path), path);
  }
});

onEachBackend("glob: character classes", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  await plant(mount, "/a", "/b", "/c", "/[ab]", "/[a]", "/!", "/-", "/]", "/7");
  const glob = async (pattern: string) => (await found(mount.path("/").glob(pattern))).sort();
  assert.deepEqual(await glob("[ab]"), ["/a", "/b"]);
  assert.deepEqual(await glob("[a-c]"), ["/a", "/b", "/c"]);
  assert.deepEqual(await glob("[0-9]"), ["/7"]);
  assert.deepEqual(await glob("[[]ab]"), ["/[ab]"]);
  assert.deepEqual(await glob("[!a-c]"), ["/!", "/-", "/7", "/]"]);
  // A bracket that opens no class is literal.
  await plant(mount, "/[", "/[a", "/[]", "/[!]", "/a]");
  for (const name of ["[", "[a", "[]", "[!]", "a]"]) {
    assert.deepEqual(await glob(name), [`/${name}`]);
  }
});

onEachBackend("glob: other characters are literal", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  const odd = [
    "!x",
    "(a|b)",
    "!(a)",
    "+(a)",
    "@(a)",
    "{a}",
    "{1..3}",
    "a+",
    "a$",
    "^a",
    "$&",
    "#a",
    "~",
    "a b",
    "a.b",
    "'a'",
    '"a"',
    "a\\b",
    "\\(a",
    "\\d",
    "a\\",
    "日本",
    "-",
    ",",
  ];
  // Names that the odd names would match as patterns.
  const plain = ["x", "a", "b", "ab", "aa", "axb", "1", "2", "(a", "7", "d"];
  await plant(mount, ...[...odd, ...plain].map((name) => `/t/${name}`));
  const wrong: Record<string, string[]> = {};
  for (const name of odd) {
    // A backslash makes the next character plain, so it stands for itself when doubled.
    const pattern = name.replaceAll("\\", "\\\\");
    const names = (await Array.fromAsync(mount.path("/t").glob(pattern))).map((path) => path.name);
    if (names.length !== 1 || names[0] !== name) wrong[name] = names;
    const within = await found(mount.path("/").glob(`t/${pattern}`));
    if (within.length !== 1 || within[0] !== `/t/${name}`) wrong[`t/${name}`] = within;
  }
  assert.deepEqual(wrong, {});
  const all = (await Array.fromAsync(mount.path("/t").glob("*"))).map((path) => path.name);
  assert.deepEqual(all.sort(), [...odd, ...plain].sort());
});

onEachBackend("glob: matches characters, not UTF-16 code units", async (backend) => {
  await using volume = await createVolume(backend, { chunkSize: 4 });
  const { mount } = volume;
  await plant(mount, "/é", "/日", "/😀", "/😀😀");
  const glob = async (pattern: string) => (await found(mount.path("/").glob(pattern))).sort();
  assert.deepEqual(await glob("?"), ["/é", "/日", "/😀"].sort());
  assert.deepEqual(await glob("??"), ["/😀😀"]);
  assert.deepEqual(await glob("[😀日]"), ["/日", "/😀"]);
});
