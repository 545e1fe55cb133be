import {
  Download,
  Ellipsis,
  Files,
  HardDriveDownload,
  KeyRound,
  Lock,
  LockKeyhole,
  Pencil,
  PieChart,
  Trash2,
} from "lucide-react";
import { useRef, useState } from "react";
import { reportPinRequired, reportUnlocked } from "../api/connection.ts";
import { exportUrl } from "../api/filesystems.ts";
import { list } from "../api/files.ts";
import type { Volume } from "../api/types.ts";
import { deleteVolume, lock } from "../api/volumes.ts";
import { Action, Empty, IconButton, Notice, Waiting } from "../components/controls.tsx";
import { type Choices, MenuButton } from "../components/menu.tsx";
import { explain } from "../lib/explain.ts";
import { useCatalog } from "../state/catalog.tsx";
import { useResource } from "../state/resource.ts";
import { navigate, openVolume, useRoute, type View } from "../state/route.ts";
import { attempt, say } from "../state/toasts.ts";
import { useLocked } from "../state/trouble.ts";
import { hasUnsaved } from "../state/unsaved.ts";
import { ConfirmDialog } from "./confirm_dialog.tsx";
import { save } from "./file_actions.tsx";
import { FilesView } from "./files_view.tsx";
import { MountView } from "./mount_view.tsx";
import { ChangePinDialog, RenameVolumeDialog, UnlockDialog } from "./pin_dialogs.tsx";
import { SpaceView } from "./space_view.tsx";
import { TrashView } from "./trash_view.tsx";
import { Viewer } from "./viewer.tsx";

const TABS: readonly { view: View; label: string; icon: typeof Files }[] = [
  { view: "files", label: "Files", icon: Files },
  { view: "trash", label: "Trash", icon: Trash2 },
  { view: "space", label: "Space", icon: PieChart },
  { view: "mount", label: "Mount", icon: HardDriveDownload },
];

/** One volume: files, trash, space and mount; hidden until it is unlocked. */
export function VolumeView({ id }: { id: string }) {
  const catalog = useCatalog();
  const found = catalog.volumes.data?.find((one) => one.id === id);
  // Unsaved text of a deleted volume stays until the user discards it.
  const last = useRef(found);
  if (found !== undefined) last.current = found;
  const volume = found ?? (hasUnsaved() ? last.current : undefined);
  if (volume) return <Known volume={volume} />;
  if (catalog.volumes.data === undefined) {
    const { error } = catalog.volumes;
    return error === undefined ? <Waiting /> : <Notice tone="bad">{explain(error)}</Notice>;
  }
  return (
    <Empty
      icon={<Files size={26} strokeWidth={1.4} />}
      title="Volume not found"
      action={<Action onPress={() => navigate({ page: "home", volume: "" })}>All volumes</Action>}
    >
      It was deleted, or the address is wrong.
    </Empty>
  );
}

function Known({ volume }: { volume: Volume }) {
  const { view, open } = useRoute();
  const catalog = useCatalog();
  const [asking, setAsking] = useState<"unlock" | "pin" | "rename" | "delete" | null>(null);
  const probe = useResource(
    volume.encrypted ? `open:${volume.id}` : null,
    (signal) => list(volume.id, "/", { limit: 1, signal }),
  );
  const closed = useLocked(volume.id);
  const waits = volume.encrypted && probe.loading && !closed;
  // After unlocking again the user is at the same place.
  const [opened, setOpened] = useState(!volume.encrypted);
  if (!opened && !closed && !waits) setOpened(true);
  const title = volume.name ?? "Volume";
  /** Whether a file is shown; it stays when the volume locks itself while text is unsaved. */
  const viewing = open !== null && opened && (!closed || hasUnsaved());
  const close = () => setAsking(null);

  const choices: Choices = [
    {
      id: "rename",
      label: "Rename…",
      icon: <Pencil size={16} />,
      run: () => setAsking("rename"),
    },
    ...(volume.encrypted
      ? [{
        id: "pin",
        label: "Change PIN…",
        icon: <KeyRound size={16} />,
        run: () => setAsking("pin"),
      }]
      : []),
    {
      id: "export",
      label: "Download whole filesystem",
      icon: <Download size={16} />,
      run: () => save(exportUrl(volume.fs_id)),
    },
    null,
    {
      id: "delete",
      label: "Delete volume…",
      danger: true,
      icon: <Trash2 size={16} />,
      run: () => setAsking("delete"),
    },
  ];

  return (
    <div className="volume">
      <div className="volume-head">
        <h1>
          {volume.encrypted && <Lock size={18} aria-label="Encrypted" />}
          {title}
        </h1>
        <nav className="tabs" aria-label="Parts of the volume">
          {TABS.map((tab) => (
            <a
              key={tab.view}
              className="tab"
              href={`/?volume=${volume.id}${tab.view === "files" ? "" : `&view=${tab.view}`}`}
              aria-current={view === tab.view ? "page" : undefined}
              onClick={(event) => {
                if (event.metaKey || event.ctrlKey) return;
                event.preventDefault();
                openVolume(volume.id, { view: tab.view });
              }}
            >
              <tab.icon size={16} aria-hidden />
              <span>{tab.label}</span>
            </a>
          ))}
        </nav>
        <span className="volume-actions">
          {volume.encrypted && !closed && !waits && (
            <Action
              onPress={() =>
                attempt(async () => {
                  await lock(volume.id);
                  setOpened(false);
                  reportPinRequired(volume.id);
                  say(`${title} is locked`);
                })}
            >
              <LockKeyhole size={16} aria-hidden /> Lock
            </Action>
          )}
          <MenuButton label={`Actions for the volume ${title}`} choices={choices}>
            <IconButton label="More for this volume">
              <Ellipsis size={19} aria-hidden />
            </IconButton>
          </MenuButton>
        </span>
      </div>
      {waits && <Waiting />}
      {closed && !viewing && view !== "mount" && (
        <Empty
          icon={<Lock size={26} strokeWidth={1.4} />}
          title={`${title} is locked`}
          action={
            <Action tone="primary" data-focus-home onPress={() => setAsking("unlock")}>
              <KeyRound size={16} aria-hidden /> Unlock
            </Action>
          }
        >
          Its content can only be read with its PIN. Unlocking opens it for this browser only.
        </Empty>
      )}
      {probe.error !== undefined && !closed && <Notice tone="bad">{explain(probe.error)}</Notice>}
      {view === "mount"
        ? <MountView volume={volume} />
        : opened && (
          <div className="volume-content" hidden={closed}>
            {view === "trash"
              ? <TrashView volume={volume} />
              : view === "space"
              ? <SpaceView volume={volume} />
              : <FilesView volume={volume} />}
          </div>
        )}
      {viewing && (
        <Viewer
          key={open}
          volume={volume}
          path={open}
          locked={closed}
          onUnlock={() => setAsking("unlock")}
        />
      )}
      {asking === "unlock" && (
        <UnlockDialog
          volume={volume}
          onClose={close}
          onDone={() => reportUnlocked(volume.id)}
        />
      )}
      {asking === "pin" && <ChangePinDialog volume={volume} onClose={close} />}
      {asking === "rename" && (
        <RenameVolumeDialog volume={volume} onClose={close} onDone={catalog.reload} />
      )}
      {asking === "delete" && (
        <ConfirmDialog
          title={`Delete ${title}?`}
          confirm="Delete volume"
          word={title}
          onClose={close}
          onSubmit={async () => {
            await deleteVolume(volume.id);
            navigate({ page: "home", volume: "" });
            catalog.reload();
            say(`${title} is deleted`);
          }}
        >
          This deletes all its content, with all versions and the trash. It cannot be undone.
        </ConfirmDialog>
      )}
    </div>
  );
}
