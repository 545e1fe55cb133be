import { useState } from "react";
import { makeDirectory, transfer, write } from "../api/files.ts";
import { ApiError } from "../api/problem.ts";
import { Field } from "../components/controls.tsx";
import { FormDialog } from "../components/dialog.tsx";
import { baseName, join, parent } from "../lib/paths.ts";
import { askConflict } from "../state/conflicts.ts";
import { openFolder } from "../state/route.ts";
import { navigate } from "../state/route.ts";

/** Returns why a name is invalid; null if it is valid. */
function fault(name: string): string | null {
  if (name.includes("/")) return "A name cannot contain a slash.";
  if (name.includes("\0")) return "A name cannot contain a zero byte.";
  return null;
}

interface Props {
  volume: string;
  onClose: () => void;
}

export function RenameDialog({ volume, path, onClose }: Props & { path: string }) {
  const [name, setName] = useState(baseName(path));
  return (
    <FormDialog
      title="Rename"
      confirm="Rename"
      disabled={name === "" || name === baseName(path) || fault(name) !== null}
      onClose={onClose}
      onSubmit={() => rename(volume, path, name)}
    >
      <Field label="Name" value={name} onChange={setName} error={fault(name)} autoFocus />
    </FormDialog>
  );
}

/** Renames an item, and asks what to do if the name is taken. */
async function rename(volume: string, path: string, name: string): Promise<void> {
  const request = { operation: "move" as const, from: [path], to: parent(path), name };
  try {
    await transfer(volume, request);
  } catch (error) {
    if (!(error instanceof ApiError && error.code === "already_exists")) throw error;
    const { choice } = await askConflict({ name, verb: "renamed", more: 0 });
    await transfer(volume, { ...request, on_conflict: choice });
  }
}

export function FolderDialog({ volume, path, onClose }: Props & { path: string }) {
  const [name, setName] = useState("");
  return (
    <FormDialog
      title="New folder"
      confirm="Create folder"
      disabled={name === "" || fault(name) !== null}
      onClose={onClose}
      onSubmit={async () => {
        await makeDirectory(volume, join(path, name));
        openFolder(join(path, name));
      }}
    >
      <Field label="Name" value={name} onChange={setName} error={fault(name)} autoFocus />
    </FormDialog>
  );
}

export function TextFileDialog({ volume, path, onClose }: Props & { path: string }) {
  const [name, setName] = useState("notes.md");
  return (
    <FormDialog
      title="New text file"
      confirm="Create file"
      disabled={name === "" || fault(name) !== null}
      onClose={onClose}
      onSubmit={async () => {
        await write(volume, join(path, name), "", null);
        navigate({ open: join(path, name), panel: null });
      }}
    >
      <Field label="Name" value={name} onChange={setName} error={fault(name)} autoFocus />
    </FormDialog>
  );
}
