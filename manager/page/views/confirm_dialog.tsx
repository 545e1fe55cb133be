import { type ReactNode, useState } from "react";
import { Field } from "../components/controls.tsx";
import { FormDialog } from "../components/dialog.tsx";

/**
 * Asks before an irreversible operation; for the most destructive, requires a
 * typed word.
 */
export function ConfirmDialog(
  { title, confirm, word, children, onSubmit, onClose }: {
    title: string;
    confirm: string;
    word?: string;
    children: ReactNode;
    onSubmit: () => Promise<unknown>;
    onClose: () => void;
  },
) {
  const [written, setWritten] = useState("");
  return (
    <FormDialog
      title={title}
      confirm={confirm}
      danger
      disabled={word !== undefined && written !== word}
      onSubmit={onSubmit}
      onClose={onClose}
    >
      <p>{children}</p>
      {word !== undefined && (
        <Field
          label={`Type ${word} to confirm`}
          value={written}
          onChange={setWritten}
          autoFocus
        />
      )}
    </FormDialog>
  );
}
