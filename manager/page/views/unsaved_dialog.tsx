import { useState } from "react";
import { Action } from "../components/controls.tsx";
import { Dialog } from "../components/dialog.tsx";
import { useLeaving } from "../state/unsaved.ts";

/** Asks what to do with unsaved text before navigation. */
export function UnsavedDialog() {
  const leaving = useLeaving();
  const [busy, setBusy] = useState(false);
  if (leaving === null) return null;
  const { name, stay, discard, save } = leaving;
  const keep = async () => {
    setBusy(true);
    await save();
    setBusy(false);
  };
  return (
    <Dialog title="Not saved yet" onClose={stay}>
      <div className="dialog-body">
        <p>Your changes in {name} are not saved.</p>
      </div>
      <footer className="dialog-foot">
        <Action onPress={stay}>Stay</Action>
        <Action tone="danger" onPress={discard}>Discard</Action>
        <Action tone="primary" isDisabled={busy} onPress={keep} autoFocus>
          {busy ? "Saving…" : "Save"}
        </Action>
      </footer>
    </Dialog>
  );
}
