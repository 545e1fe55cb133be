import { Eye, PencilLine, Save } from "lucide-react";
import { lazy, useEffect, useRef, useState } from "react";
import { read, write } from "../api/files.ts";
import { ApiError } from "../api/problem.ts";
import type { Volume } from "../api/types.ts";
import { Action, Notice, Waiting } from "../components/controls.tsx";
import { explain } from "../lib/explain.ts";
import { baseName } from "../lib/paths.ts";
import { complain, say } from "../state/toasts.ts";
import { setUnsaved } from "../state/unsaved.ts";

const Editor = lazy(() => import("../preview/editor.tsx"));
const Markdown = lazy(() => import("../preview/markdown.tsx"));

interface Loaded {
  text: string;
  etag: string | null;
  round: number;
}

/**
 * Text that can be changed. What is saved says which content it was made from,
 * so that nobody's work is lost unseen: where another was faster, one is asked.
 */
export function TextView(
  { volume, path, markdown, version, stored, onDirty }: {
    volume: Volume;
    path: string;
    markdown: boolean;
    version: number | null;
    /** The version that the file has now. */
    stored: number | null;
    onDirty: (dirty: boolean) => void;
  },
) {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [text, setText] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [reading, setReading] = useState(markdown);
  const [conflict, setConflict] = useState(false);
  const [saving, setSaving] = useState(false);
  const name = baseName(path);
  const dirty = loaded !== null && text !== loaded.text;
  // As they are when an answer comes, not when it was asked for.
  const latest = useRef({ text, loaded, dirty });
  latest.current = { text, loaded, dirty };

  const load = async (over = false) => {
    try {
      const fresh = await read(volume.id, path, { version: version ?? undefined });
      const { text, loaded, dirty } = latest.current;
      // What was typed meanwhile stays; saving it tells that the file is another one.
      if (dirty && !over && fresh.text !== text) return;
      // The editor goes on with the same text: it keeps its place and its history.
      const round = loaded === null || fresh.text !== text
        ? (loaded?.round ?? 0) + 1
        : loaded.round;
      setLoaded({ ...fresh, round });
      setText(fresh.text);
      setConflict(false);
    } catch (problem) {
      setError(problem);
    }
  };

  // Changed elsewhere: shown at once, unless there is something here to lose.
  useEffect(() => {
    if (!dirty && !saving) load();
  }, [volume.id, path, version, stored]);

  useEffect(() => onDirty(dirty), [dirty]);
  useEffect(() => () => onDirty(false), []);

  const keep = async (over = false): Promise<boolean> => {
    if (loaded === null || saving || version !== null) return false;
    setSaving(true);
    let saved = false;
    try {
      const etag = await write(volume.id, path, text, over ? undefined : loaded.etag ?? undefined);
      setLoaded({ ...loaded, text, etag });
      setConflict(false);
      saved = true;
      say("Saved");
    } catch (problem) {
      if (problem instanceof ApiError && problem.status === 412) setConflict(true);
      else complain(problem);
    }
    setSaving(false);
    return saved;
  };

  useEffect(() => setUnsaved(dirty ? { name, save: () => keep() } : null));
  useEffect(() => () => setUnsaved(null), []);

  if (error !== null) return <Notice tone="bad">{explain(error)}</Notice>;
  if (loaded === null) return <Waiting />;
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
          {version !== null ? "An older version, to look at." : dirty ? "Not saved yet" : ""}
        </span>
        {version === null && (!reading || dirty) && (
          <Action
            tone="primary"
            isDisabled={!dirty || saving}
            onPress={() => keep()}
          >
            <Save size={16} aria-hidden /> {saving ? "Saving…" : "Save"}
          </Action>
        )}
      </div>
      {conflict && (
        <Notice tone="warn">
          <strong>This file was changed in the meantime.</strong>{" "}
          What you save now would stand in its place; the other text stays among the versions.
          <span className="actions">
            <Action onPress={() => keep(true)}>Save mine anyway</Action>
            <Action onPress={() => load(true)}>Drop mine and show the other</Action>
          </span>
        </Notice>
      )}
      {reading ? <Markdown volume={volume.id} path={path} text={text} /> : (
        <Editor
          key={loaded.round}
          name={name}
          text={text}
          readOnly={version !== null}
          onChange={setText}
          onSave={() => keep()}
        />
      )}
    </div>
  );
}
