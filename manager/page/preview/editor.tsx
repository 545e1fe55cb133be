import { HighlightStyle, LanguageDescription, syntaxHighlighting } from "@codemirror/language";
import { languages } from "@codemirror/language-data";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";
import { useEffect, useRef } from "react";
import { lineEnds } from "./line_ends.ts";
import { nonce } from "./nonce.ts";

/**
 * Uses the page's variables for colours, so that light and dark need one theme.
 */
const HIGHLIGHT = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--code-number)" },
  { tag: [tags.comment, tags.meta], color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.heading], color: "var(--code-name)" },
  { tag: [tags.typeName, tags.className, tags.tagName], color: "var(--code-type)" },
  { tag: [tags.propertyName, tags.attributeName], color: "var(--code-property)" },
  { tag: tags.heading, fontWeight: "600" },
  { tag: tags.strong, fontWeight: "600" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.link, textDecoration: "underline" },
]);

const THEME = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--surface)", color: "var(--text)" },
  ".cm-scroller": { fontFamily: "var(--mono)", fontSize: "13.5px", lineHeight: "1.6" },
  ".cm-gutters": {
    backgroundColor: "var(--surface)",
    color: "var(--muted)",
    border: "none",
    paddingInlineEnd: "6px",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused": { outline: "none" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selected) !important",
  },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--text)" },
});

export interface EditorProps {
  name: string;
  /**
   * A new key starts the editor with a new text (another version, the stored
   * text).
   */
  text: string;
  readOnly: boolean;
  /** Called with the changed text, each line with its original end. */
  onChange: (text: string) => void;
  onSave: () => void;
}

/**
 * A text editor with line numbers and colours. Escape, then Tab leaves it by
 * keyboard.
 */
export default function Editor({ name, text, readOnly, onChange, onSave }: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const calls = useRef({ onChange, onSave });
  calls.current = { onChange, onSave };

  useEffect(() => {
    const language = new Compartment();
    const ends = lineEnds(text);
    const view = new EditorView({
      parent: host.current!,
      state: EditorState.create({
        doc: text,
        extensions: [
          EditorView.cspNonce.of(nonce()),
          basicSetup,
          syntaxHighlighting(HIGHLIGHT),
          THEME,
          EditorView.lineWrapping,
          EditorState.readOnly.of(readOnly),
          EditorView.contentAttributes.of({
            "aria-label": `Text of ${name}`,
            ...(readOnly ? { "aria-readonly": "true" } : {}),
          }),
          keymap.of([{
            key: "Mod-s",
            run: () => {
              calls.current.onSave();
              return true;
            },
          }]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) calls.current.onChange(ends.read(update.state));
          }),
          language.of([]),
          ends.extension,
        ],
      }),
    });
    const known = LanguageDescription.matchFilename(languages, name);
    known?.load().then(
      (support) => view.dispatch({ effects: language.reconfigure(support) }),
      // Without a language the text is shown without colours.
      () => {},
    );
    return () => view.destroy();
  }, [name, readOnly]);

  return <div ref={host} className="editor" />;
}
