import { Database, Download, Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { deleteFilesystem, exportUrl, renameFilesystem } from "../api/filesystems.ts";
import type { Filesystem } from "../api/types.ts";
import { Field, IconButton } from "../components/controls.tsx";
import { FormDialog } from "../components/dialog.tsx";
import { bytes, count } from "../lib/format.ts";
import { useCatalog } from "../state/catalog.tsx";
import { ConfirmDialog } from "./confirm_dialog.tsx";
import { save } from "./file_actions.tsx";

type Asking = { what: "rename" | "delete"; file: Filesystem };

/**
 * The files on the manager's disk; each is renamed, downloaded and deleted as a
 * whole.
 */
export function FilesystemLines({ files }: { files: readonly Filesystem[] }) {
  const catalog = useCatalog();
  const [asking, setAsking] = useState<Asking | null>(null);
  const close = () => setAsking(null);
  return (
    <>
      <ul className="card lines">
        {files.map((file) => (
          <li key={file.id}>
            <Database size={19} strokeWidth={1.5} aria-hidden />
            <span className="line-name">
              <strong>{file.name}</strong>
              <small>{bytes(file.size_bytes)}, {count(file.volumes.length, "volume")}</small>
            </span>
            <IconButton
              label={`Rename ${file.name}`}
              onPress={() => setAsking({ what: "rename", file })}
            >
              <Pencil size={17} aria-hidden />
            </IconButton>
            <IconButton label={`Download ${file.name}`} onPress={() => save(exportUrl(file.id))}>
              <Download size={17} aria-hidden />
            </IconButton>
            <IconButton
              label={`Delete ${file.name}`}
              onPress={() => setAsking({ what: "delete", file })}
            >
              <Trash2 size={17} aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
      {asking?.what === "rename" && (
        <RenameDialog file={asking.file} onClose={close} onDone={catalog.reload} />
      )}
      {asking?.what === "delete" && (
        <ConfirmDialog
          title={`Delete ${asking.file.name}`}
          confirm="Delete the file"
          word={asking.file.name}
          onSubmit={async () => {
            await deleteFilesystem(asking.file.id);
            catalog.reload();
          }}
          onClose={close}
        >
          This deletes the file with {count(asking.file.volumes.length, "volume")}{" "}
          and all their versions. It cannot be undone.
        </ConfirmDialog>
      )}
    </>
  );
}

function RenameDialog(
  { file, onClose, onDone }: { file: Filesystem; onClose: () => void; onDone: () => void },
) {
  const [name, setName] = useState(file.name);
  return (
    <FormDialog
      title="Rename the file on disk"
      confirm="Rename"
      disabled={name.trim() === "" || name === file.name}
      onClose={onClose}
      onSubmit={async () => {
        await renameFilesystem(file.id, name);
        onDone();
      }}
    >
      <Field label="Name" value={name} onChange={setName} autoFocus />
    </FormDialog>
  );
}
