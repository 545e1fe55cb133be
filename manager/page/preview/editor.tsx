import { HighlightStyle, LanguageDescription, syntaxHighlighting } from "@codemirror/language";
import { languages } from "@codemirror/language-data";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";
import { useEffect, useRef } from "react";
import { lineEnds } from "./line_ends.ts";
import { nonce } from "./nonce.ts";

/** Colours by the page's own variables: light and dark without a second theme. */
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
  /** Set anew from outside (another version, what is stored now) by another key. */
  text: string;
  readOnly: boolean;
  /** Told of the text as it is then, each line with the end that it had. */
  onChange: (text: string) => void;
  onSave: () => void;
}

/** Text with line numbers and colours. Escape, then Tab leaves it by the keyboard. */
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
      // Without colours it is as readable.
      () => {},
    );
    return () => view.destroy();
  }, [name, readOnly]);

  return <div ref={host} className="editor" />;
}
