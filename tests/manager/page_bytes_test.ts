/// <reference lib="dom" />
/** The editor changes only the bytes that the user edits. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeText, encodeText } from "../../manager/page/lib/text_form.ts";
import { EDITOR_COMMANDS, EDITOR_STATE } from "../../manager/page/packages.ts";
import { type LineEnds, lineEnds } from "../../manager/page/preview/line_ends.ts";
import { open, row, viewer } from "./page_steps.ts";
import { accessible, pageTest } from "./page_support.ts";

type State = Parameters<LineEnds["read"]>[0];
type Command = (target: { state: State; dispatch: (to: { state: State }) => void }) => boolean;

const { EditorState } = await import(EDITOR_STATE) as {
  EditorState: { create: (options: { doc: string; extensions: unknown[] }) => State };
};
const { history, undo, redo } = await import(EDITOR_COMMANDS) as {
  history: () => unknown;
  undo: Command;
  redo: Command;
};

const utf8 = (text: string) => new TextEncoder().encode(text);
const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const utf16 = (text: string, little: boolean) => {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  [...text].forEach((letter, at) => view.setUint16(at * 2, letter.charCodeAt(0), little));
  return bytes;
};

Deno.test("decoding and encoding a text keeps its bytes", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.string({ unit: "binary", maxLength: 20 }).map(utf8),
        fc.string({ maxLength: 20 }).map((text) => utf8(`\ufeff${text}`)),
        fc.string({ maxLength: 20 }).map((text) => utf16(`\ufeff${text}`, true)),
      ),
      (bytes) => {
        const { text, form } = decodeText(new Uint8Array(bytes));
        if (form !== null) assert.deepEqual(encodeText(text, form), new Uint8Array(bytes));
      },
    ),
  );
  for (
    const [bytes, text, form] of [
      [utf8("aé\r\n"), "aé\r\n", "utf-8"],
      [utf8("\ufeffa"), "a", "utf-8"],
      [utf8("\ufeff\ufeffa"), "\ufeffa", "utf-8"],
      [utf16("\ufeffaé", true), "aé", "utf-16le"],
      [utf16("\ufeffaé", false), "aé", "utf-16be"],
      [utf8(""), "", "utf-8"],
      [latin1("caf\xe9"), "café", null],
      [utf16("ab", true), "a\0b\0", null],
      [Uint8Array.of(0xff, 0xfe, 0x61), "ÿþa", null],
      // A lone surrogate is invalid UTF-16.
      [Uint8Array.of(0xff, 0xfe, 0x00, 0xd8), null, null],
      [Uint8Array.of(0xef, 0xbb, 0xbf, 0xff), "ï»¿ÿ", null],
      [Uint8Array.of(0x61, 0x00), "a\0", null],
      [Uint8Array.of(0xc0, 0x80), "À\u20ac", null],
    ] as const
  ) {
    const got = decodeText(new Uint8Array(bytes));
    if (text !== null) assert.equal(got.text, text);
    assert.equal(got.form?.encoding ?? null, form, JSON.stringify(text));
    assert.equal(got.reason === null, form !== null);
  }
});

Deno.test("lines keep their line ends after edits beside them and undo", () => {
  const line = fc.tuple(
    fc.string({ unit: fc.constantFrom("a", "é", " "), maxLength: 3 }),
    fc.constantFrom("\n", "\r\n", "\r"),
  );
  const edit = fc.record({
    from: fc.nat(40),
    length: fc.nat(4),
    insert: fc.constantFrom("", "x", "y\n", "\nz", "\n\n"),
  });
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 8 }),
      fc.array(edit, { maxLength: 5 }),
      (lines, edits) => {
        const text = lines.map(([words, end]) => words + end).join("") + "end";
        const ends = lineEnds(text);
        let state = EditorState.create({ doc: text, extensions: [history(), ends.extension] });
        assert.equal(ends.read(state), text);
        let last = text;
        for (const { from, length, insert } of edits) {
          const at = Math.min(from, state.doc.length);
          const to = Math.min(at + length, state.doc.length);
          const before = ends.read(
            state.update({ changes: { from: at, to: state.doc.length } }).state,
          );
          const after = ends.read(state.update({ changes: { from: 0, to } }).state);
          state = state.update({
            changes: { from: at, to, insert },
          }).state;
          const now = ends.read(state);
          assert.ok(now.startsWith(before), "what is before it stays");
          assert.ok(now.endsWith(after), "what is after it stays");
          last = now;
        }
        const dispatch = (transaction: { state: State }) => state = transaction.state;
        while (undo({ state, dispatch }));
        assert.equal(ends.read(state), text, "undone");
        while (redo({ state, dispatch }));
        assert.equal(ends.read(state), last, "done again");
      },
    ),
    { numRuns: 500 },
  );
});

pageTest("the editor keeps untouched bytes", async ({ visitor, manager }) => {
  const id = await manager.volume("Texts");
  const url = (name: string) => `/volumes/${id}/files/${name}`;
  const put = (name: string, body: Uint8Array<ArrayBuffer>) =>
    manager.ask("PUT", url(name), { body });
  const bytes = async (name: string) => (await manager.ask("GET", url(name))).bytes;
  const { page } = await visitor();
  await page.goto(`${manager.url}/?volume=${id}`);

  // The text typed at the end of the first line, and the expected file.
  const cases: [name: string, before: Uint8Array<ArrayBuffer>, after: Uint8Array<ArrayBuffer>][] = [
    ["crlf.txt", utf8("one\r\ntwo\r\n"), utf8("one!\r\nnew\r\ntwo\r\n")],
    ["mixed.ini", utf8("one\r\ntwo\nthree\r\nfour"), utf8("one!\r\nnew\r\ntwo\nthree\r\nfour")],
    ["cr.txt", utf8("one\rtwo\rthree"), utf8("one!\rnew\rtwo\rthree")],
    ["bom.csv", utf8("\ufeffone\r\ntwö"), utf8("\ufeffone!\r\nnew\r\ntwö")],
    ["wide.txt", utf16("\ufeffone\r\ntwö", true), utf16("\ufeffone!\r\nnew\r\ntwö", true)],
    ["last.json", utf8("one\n\n\n"), utf8("one!\nnew\n\n\n")],
  ];
  for (const [name, before, after] of cases) {
    await put(name, before);
    await row(page, name).waitFor();
    await open(page, name);
    const editor = page.getByLabel(`Text of ${name}`);
    await editor.getByText("one").waitFor();
    await editor.click();
    await page.keyboard.press("Control+Home");
    await page.keyboard.press("End");
    await page.keyboard.type("!");
    await page.keyboard.press("Enter");
    await page.keyboard.type("new");
    await page.keyboard.press("Control+s");
    await viewer(page, name).getByText("Not saved yet").waitFor({ state: "detached" });
    assert.deepEqual(await bytes(name), after, name);
    // After undo the file is as before.
    for (let i = 0; i < 12; i++) await page.keyboard.press("Control+z");
    await page.keyboard.press("Control+s");
    await viewer(page, name).getByText("Not saved yet").waitFor({ state: "detached" });
    assert.deepEqual(await bytes(name), before, name);
    await viewer(page, name).getByRole("button", { name: "Close", exact: true }).click();
  }

  // A text that cannot be encoded to the same bytes is read-only.
  const fixed: [name: string, content: Uint8Array<ArrayBuffer>, text: string, why: string][] = [
    ["latin.txt", latin1("caf\xe9 one\r\n"), "café one", "not in UTF-8"],
    ["wide.log", utf16("one", true), "o", "not a text file"],
    ["program.bin", Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 0xff, 0xfe), "ELF", "not a text file"],
    ["noise.bin", Uint8Array.of(0x6f, 0x6e, 0x65, 0x80, 0x81), "one", "not in UTF-8"],
  ];
  for (const [name, content, text, why] of fixed) {
    await put(name, content);
    await row(page, name).waitFor();
    await open(page, name);
    if (name.endsWith(".bin")) await page.getByRole("button", { name: "Show as text" }).click();
    const editor = page.getByLabel(`Text of ${name}`);
    await editor.getByText(text).waitFor();
    await viewer(page, name).getByText(why).waitFor();
    await editor.click();
    await page.keyboard.type("typed");
    await page.keyboard.press("Control+s");
    assert.equal(await viewer(page, name).getByRole("button", { name: "Save" }).count(), 0, name);
    assert.ok(!(await editor.textContent())!.includes("typed"), name);
    if (name === "latin.txt") await accessible(page, "a text that cannot be changed");
    assert.deepEqual(await bytes(name), content, name);
    await viewer(page, name).getByRole("button", { name: "Close", exact: true }).click();
  }
});
