import { useEffect, useRef, useState } from "react";
import { isTransient, withRetry } from "../api/connection.ts";
import { read, write } from "../api/files.ts";
import { ApiError, isCancelled } from "../api/problem.ts";
import { decodeText, encodeText, sameBytes, type TextForm } from "../lib/text_form.ts";
import { DraftKeeper } from "./drafts.ts";
import { say, showError } from "./toasts.ts";

/** A text as it is stored. */
export interface StoredText {
  text: string;
  /** Its byte form; null if it is read-only. */
  form: TextForm | null;
  reason: string | null;
  etag: string | null;
  /** Increases whenever the editor has to start with a new text. */
  round: number;
}

export interface TextFile {
  stored: StoredText | null;
  /** The text in the editor. */
  text: string;
  dirty: boolean;
  error: unknown;
  /** Whether another client has changed the file since. */
  conflict: boolean;
  /** When a restored draft was typed, ms. */
  restored: number | null;
  saving: "no" | "yes" | "waiting";
  type: (text: string) => void;
  /**
   * @param over Whether to overwrite the current content. @returns Whether it
   * is saved.
   */
  save: (over?: boolean) => Promise<boolean>;
  /** Discards the changes. */
  discard: () => void;
  /** Discards the changes and shows the stored text. */
  reload: () => Promise<void>;
}

/**
 * Opens the text of a file for editing. Saving requires the content that the
 * text is based on, so that no other change is overwritten unnoticed. Unsaved
 * text is kept as a draft, which the tab restores.
 *
 * @param version An older version, read-only.
 * @param newest The file's current version.
 */
export function useTextFile(
  { volume, encrypted, node, path, version, newest }: {
    volume: string;
    encrypted: boolean;
    node: string;
    path: string;
    version: number | null;
    newest: number | null;
  },
): TextFile {
  const [stored, setStored] = useState<StoredText | null>(null);
  const [text, setText] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [conflict, setConflict] = useState(false);
  const [restored, setRestored] = useState<number | null>(null);
  const [saving, setSaving] = useState<TextFile["saving"]>("no");
  const dirty = stored !== null && text !== stored.text;
  // Compare with the state when the answer arrives, not when the request was
  // sent.
  const latest = useRef({ text, stored, dirty });
  latest.current = { text, stored, dirty };

  const keeper = useRef<DraftKeeper | null>(null);
  const draftChecked = useRef(false);
  const ended = useRef<AbortController>(new AbortController());
  useEffect(() => {
    ended.current = new AbortController();
    keeper.current = version === null ? new DraftKeeper({ volume, encrypted, node, path }) : null;
    draftChecked.current = false;
    return () => {
      ended.current.abort();
      keeper.current?.close();
    };
  }, [volume, encrypted, node, path, version]);

  const load = async (over: boolean, signal: AbortSignal) => {
    try {
      const { bytes, etag } = await withRetry(
        () => read(volume, path, { version: version ?? undefined, signal }),
        signal,
      );
      const fresh = { ...decodeText(bytes), etag };
      const first = !draftChecked.current;
      draftChecked.current = true;
      const draft = first ? await keeper.current?.find() ?? null : null;
      if (signal.aborted) return;
      const { text, stored, dirty } = latest.current;
      // Text that was typed meanwhile stays; saving it reports the conflict.
      if (dirty && !over && fresh.text !== text) return;
      const back = draft !== null && draft.text !== fresh.text ? draft : null;
      const shown = back?.text ?? fresh.text;
      // The same text stays in the editor, with its position and history.
      const round = stored === null || shown !== text ? (stored?.round ?? 0) + 1 : stored.round;
      setStored(
        back === null ? { ...fresh, round } : {
          ...fresh,
          form: back.form,
          reason: null,
          etag: back.etag,
          round,
        },
      );
      setText(shown);
      setConflict(back !== null && back.etag !== fresh.etag);
      setRestored(back?.at ?? null);
      setError(null);
    } catch (problem) {
      if (!isCancelled(problem)) setError(problem);
    }
  };

  // Show a change by another client at once, unless the editor has unsaved
  // text.
  useEffect(() => {
    if (latest.current.dirty || saving !== "no") return;
    const abort = new AbortController();
    void load(false, abort.signal);
    return () => abort.abort();
  }, [volume, path, version, newest]);

  useEffect(() => {
    if (stored === null || stored.form === null || stored.etag === null) return;
    if (dirty) keeper.current?.keep(text, stored.form, stored.etag);
    else keeper.current?.drop();
  }, [text, dirty, stored]);

  const save = async (over = false): Promise<boolean> => {
    if (stored === null || stored.form === null || saving !== "no" || version !== null) {
      return false;
    }
    const { form } = stored;
    const { signal } = ended.current;
    setSaving("yes");
    let base = stored.etag;
    /** The content of a save whose answer was lost; it may be stored. */
    let unconfirmed: Uint8Array | null = null;
    const put = async (): Promise<{ etag: string | null; text: string }> => {
      const { text } = latest.current;
      const content = encodeText(text, form);
      if (unconfirmed !== null) {
        const now = await read(volume, path, { signal });
        if (sameBytes(now.bytes, unconfirmed)) {
          base = now.etag;
          if (sameBytes(now.bytes, content)) return { etag: base, text };
        }
        unconfirmed = null;
      }
      try {
        const etag = await write(volume, path, content, over ? undefined : base ?? undefined);
        return { etag, text };
      } catch (problem) {
        if (isTransient(problem)) unconfirmed = content;
        throw problem;
      }
    };
    let saved = false;
    try {
      const { etag, text } = await withRetry(put, signal, () => setSaving("waiting"));
      setStored({ ...stored, text, etag });
      setConflict(false);
      setRestored(null);
      saved = true;
      say("Saved");
    } catch (problem) {
      if (problem instanceof ApiError && problem.status === 412) setConflict(true);
      else if (!isCancelled(problem)) showError(problem, () => latestSave.current(over));
    }
    setSaving("no");
    return saved;
  };

  const latestSave = useRef(save);
  latestSave.current = save;

  return {
    stored,
    text,
    dirty,
    error,
    conflict,
    restored,
    saving,
    type: setText,
    save,
    discard: () => {
      keeper.current?.drop();
      if (stored === null) return;
      setText(stored.text);
      setStored({ ...stored, round: stored.round + 1 });
      setRestored(null);
      // The file may have changed meanwhile.
      void load(true, ended.current.signal);
    },
    reload: () => load(true, ended.current.signal),
  };
}
