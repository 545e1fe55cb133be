import { useState } from "react";
import { Switch } from "react-aria-components";
import { Action } from "../components/controls.tsx";
import { Dialog } from "../components/dialog.tsx";
import { count } from "../lib/format.ts";
import { type Answer, useConflict } from "../state/conflicts.ts";

/** Asks what to do with an item whose name is taken. */
export function ConflictDialog() {
  const question = useConflict();
  return question === null ? null : <Asking key={question.number} {...question} />;
}

function Asking(
  { name, verb, asVersion = false, more, answer }: NonNullable<ReturnType<typeof useConflict>>,
) {
  const [forAll, setForAll] = useState(false);
  const choose = (choice: Answer["choice"]) => answer({ choice, forAll });
  return (
    <Dialog
      title={`“${name}” already exists`}
      onClose={() => answer({ choice: "skip", forAll: true })}
    >
      <div className="dialog-body">
        <p>
          An item with this name exists. What should happen to the one that is being {verb}?
        </p>
        <p className="hint">
          {asVersion
            ? "Replacing creates a new version; the existing content stays in the history."
            : "The replaced item moves to the trash and can be restored."}
        </p>
        {more > 0 && (
          <Switch className="switch" isSelected={forAll} onChange={setForAll}>
            <span className="switch-track" aria-hidden>
              <span className="switch-knob" />
            </span>
            <span>
              <strong>Do the same for all</strong>
              <small>
                {more === 1 ? "One more name is" : `${count(more, "more name")} are`} taken.
              </small>
            </span>
          </Switch>
        )}
      </div>
      <footer className="dialog-foot">
        <Action onPress={() => choose("skip")}>Skip</Action>
        <Action onPress={() => choose("rename")} autoFocus>Keep both</Action>
        <Action tone="primary" onPress={() => choose("replace")}>Replace</Action>
      </footer>
    </Dialog>
  );
}
