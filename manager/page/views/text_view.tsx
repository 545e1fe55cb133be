import { Eye, PencilLine, Save } from "lucide-react";
import { useEffect, useState } from "react";
import type { Volume } from "../api/types.ts";
import { Action, Notice, Waiting } from "../components/controls.tsx";
import { explain } from "../lib/explain.ts";
import { shortTime } from "../lib/format.ts";
import { lazily } from "../lib/lazily.ts";
import { baseName } from "../lib/paths.ts";
import { useTextFile } from "../state/text_file.ts";
import { setUnsaved } from "../state/unsaved.ts";

const Editor = lazily(() => import("../preview/editor.tsx"));
const Markdown = lazily(() => import("../preview/markdown.tsx"));

/** A text editor, read-only if the text cannot be encoded to the same bytes. */
export function TextView(
  { volume, path, node, markdown, version, newest, onDirty }: {
    volume: Volume;
    path: string;
    node: string;
    markdown: boolean;
    version: number | null;
    /** The file's current version. */
    newest: number | null;
    onDirty: (dirty: boolean) => void;
  },
) {
  const { encrypted } = volume;
  const file = useTextFile({ volume: volume.id, encrypted, node, path, version, newest });
  const [reading, setReading] = useState(markdown);
  const name = baseName(path);
  const { stored, text, dirty, saving } = file;

  useEffect(() => onDirty(dirty), [dirty]);
  useEffect(() => () => onDirty(false), []);
  useEffect(() => setUnsaved(dirty ? { name, save: file.save, discard: file.discard } : null));
  useEffect(() => () => setUnsaved(null), []);

  if (stored === null) {
    return file.error === null ? <Waiting /> : <Notice tone="bad">{explain(file.error)}</Notice>;
  }
  const fixed = version !== null || stored.form === null;
  return (
    <div className="text">
      <div className="text-bar">
        {markdown && (
          <Action onPress={() => setReading(!reading)}>
            {reading ? <PencilLine size={16} aria-hidden /> : <Eye size={16} aria-hidden />}
            {reading ? "Edit" : "Preview"}
          </Action>
        )}
        <span className="hint">
          {version !== null
            ? "An older version, read-only."
            : saving === "waiting"
            ? "Not reachable, trying again…"
            : dirty
            ? "Not saved yet"
            : ""}
        </span>
        {!fixed && (!reading || dirty) && (
          <Action
            tone="primary"
            isDisabled={!dirty || saving !== "no"}
            onPress={() => file.save()}
          >
            <Save size={16} aria-hidden /> {saving === "no" ? "Save" : "Saving…"}
          </Action>
        )}
      </div>
      {stored.reason !== null && (
        <Notice tone="info">
          {stored.reason}: it is read-only here, because saving it would change other bytes too.
        </Notice>
      )}
      {file.restored !== null && (
        <Notice tone="info">
          <strong>Your unsaved text was recovered.</strong> Last change:{" "}
          {shortTime(new Date(file.restored).toISOString())}.
          <span className="actions">
            <Action onPress={file.conflict ? file.reload : file.discard}>Discard draft</Action>
          </span>
        </Notice>
      )}
      {file.conflict && (
        <Notice tone="warn">
          <strong>This file was changed in the meantime.</strong>{" "}
          Saving replaces that change, which stays in the versions.
          <span className="actions">
            <Action onPress={() => file.save(true)}>Save mine anyway</Action>
            <Action onPress={file.reload}>Discard mine and show the stored text</Action>
          </span>
        </Notice>
      )}
      {reading ? <Markdown volume={volume.id} path={path} text={text} /> : (
        <Editor
          key={stored.round}
          name={name}
          text={text}
          readOnly={fixed}
          onChange={file.type}
          onSave={() => file.save()}
        />
      )}
    </div>
  );
}
