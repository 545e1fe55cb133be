import { useState } from "react";
import { FormDialog } from "../components/dialog.tsx";
import { count } from "../lib/format.ts";
import { baseName, parent } from "../lib/paths.ts";
import { attempt } from "../state/toasts.ts";
import { transferInto } from "./file_actions.tsx";
import { FolderTree } from "./folder_tree.tsx";

/** Asks for the destination of a move or copy. */
export function TransferDialog(
  { volume, title, operation, paths, onClose }: {
    volume: string;
    title: string;
    operation: "move" | "copy";
    paths: readonly string[];
    onClose: () => void;
  },
) {
  const here = parent(paths[0]);
  const [to, setTo] = useState(here);
  const what = paths.length === 1 ? `“${baseName(paths[0])}”` : count(paths.length, "item");
  const verb = operation === "move" ? "Move" : "Copy";
  return (
    <FormDialog
      title={`${verb} ${what}`}
      confirm={`${verb} to ${to === "/" ? title : baseName(to)}`}
      disabled={operation === "move" && to === here}
      onClose={onClose}
      // The task runs in the background; the page can be used, or closed,
      // meanwhile.
      onSubmit={() => {
        void attempt(() => transferInto(volume, operation, paths, to));
        return Promise.resolve();
      }}
    >
      <p className="hint">
        {operation === "copy"
          ? "A copy shares its content with the original until one of them changes: it takes no space."
          : "Choose the destination folder."}
      </p>
      <FolderTree
        volume={volume}
        title={title}
        chosen={to}
        forbidden={new Set(operation === "move" ? paths : [])}
        onChoose={setTo}
      />
    </FormDialog>
  );
}
