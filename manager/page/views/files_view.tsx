import {
  Copy,
  Download,
  Eye,
  FilePlus2,
  FileUp,
  FolderInput,
  FolderOpen,
  FolderPlus,
  FolderUp,
  History,
  Pencil,
  Plus,
  Trash2,
  Upload,
  X,
} from "lucide-react";
import { type DragEvent, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { Button, Input, SearchField } from "react-aria-components";
import { search } from "../api/files.ts";
import type { Volume } from "../api/types.ts";
import { Action, Empty, IconButton, Notice, Waiting } from "../components/controls.tsx";
import { FileGrid, type Row } from "../components/file_grid.tsx";
import { type Choices, MenuAt, MenuButton } from "../components/menu.tsx";
import { count } from "../lib/format.ts";
import { explain } from "../lib/explain.ts";
import { baseName, join, parent } from "../lib/paths.ts";
import { matching, sortEntries } from "../lib/sort.ts";
import { useFeed } from "../state/feed.ts";
import { isSpecial, kindOf } from "../lib/kinds.ts";
import { useListing } from "../state/listing.ts";
import { useMarks } from "../state/marks.ts";
import { useResource } from "../state/resource.ts";
import { folderPlace, hrefOf, navigate, openFolder, type Route, useRoute } from "../state/route.ts";
import { attempt, showError } from "../state/toasts.ts";
import { dropped, type Incoming, picked } from "../uploads/dropped.ts";
import { enqueue, enqueueFolders } from "../uploads/queue.ts";
import { discard, download, type Located, named, transferInto } from "./file_actions.tsx";
import { FolderDialog, RenameDialog, TextFileDialog } from "./name_dialog.tsx";
import { PathBar } from "./path_bar.tsx";
import { TransferDialog } from "./transfer_dialog.tsx";

const DRAGGED = "application/x-aloelite-paths";
const NOTHING: ReadonlySet<string> = new Set();

/** The data type of dragged rows: identifies them in another window. */
interface Dragged {
  volume: string;
  paths: string[];
}

type Asking =
  | { what: "rename"; path: string }
  | { what: "folder" | "text" }
  | { what: "move" | "copy"; paths: string[] };

/** A folder view: the entries and the operations on them. */
export function FilesView({ volume }: { volume: Volume }) {
  const { path, query, sort, descending } = useRoute();
  const listing = useListing(volume.id, path);
  const [menu, setMenu] = useState<{ x: number; y: number } | null>(null);
  const [asking, setAsking] = useState<Asking | null>(null);
  const [dragging, setDragging] = useState(false);
  const depth = useRef(0);
  const filePicker = useRef<HTMLInputElement>(null);
  const folderPicker = useRef<HTMLInputElement>(null);
  const title = volume.name ?? "Volume";

  // When the user goes up, the folder that was left becomes the active row.
  const before = useRef(path);
  const cameFrom = useRef<string | null>(null);
  useEffect(() => {
    cameFrom.current = parent(before.current) === path && before.current !== path
      ? baseName(before.current)
      : null;
    before.current = path;
  }, [volume.id, path]);

  const asked = useDeferredValue(query.trim());
  const below = useBelow(volume.id, path, asked);
  const rows = useMemo(() => {
    const here = matching(listing.entries, asked).map((entry): Row => ({
      ...entry,
      key: entry.edge,
    }));
    const known = new Set(here.map((row) => row.id));
    // What a search finds has a path; what is in the trash has none, and is not found.
    const elsewhere = below.entries.flatMap(({ path, ...entry }): Row[] =>
      path === null || known.has(entry.id)
        ? []
        : [{ ...entry, key: `found-${entry.id}`, where: parent(path) }]
    );
    return sortEntries([...here, ...elsewhere], sort, descending);
  }, [listing.entries, below.entries, asked, sort, descending]);

  const { selection, active, select, activate } = useMarks(`${volume.id}:${path}`, rows);

  useEffect(() => {
    if (cameFrom.current === null) return;
    const row = rows.find((one) => one.name === cameFrom.current);
    if (!row) return;
    cameFrom.current = null;
    activate(row.key);
  }, [rows]);

  const locate = (row: Row): Located => ({
    entry: row,
    path: join(row.where ?? path, row.name),
  });
  const chosen = (): Located[] => rows.filter((row) => selection.has(row.key)).map(locate);
  const chosenPaths = () => chosen().map((one) => one.path);

  const placeOf = (row: Row): Partial<Route> => {
    const to = locate(row).path;
    return row.type === "directory" ? folderPlace(to) : { open: to, panel: null };
  };
  const open = (row: Row) => navigate(placeOf(row));

  const bringIn = (to: string, incoming: readonly Incoming[]) => enqueue(volume.id, to, incoming);

  const onDrop = (to: string, event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    depth.current = 0;
    setDragging(false);
    const moved = event.dataTransfer.getData(DRAGGED);
    if (moved) {
      // Windows of other volumes may be open.
      const from = JSON.parse(moved) as Dragged;
      if (from.volume !== volume.id) {
        return showError(new Error("The dragged items are in another volume: download them there"));
      }
      const paths = from.paths.filter((one) => parent(one) !== to && one !== to);
      if (paths.length > 0) attempt(() => transferInto(volume.id, "move", paths, to));
      return;
    }
    const reading = dropped(event.dataTransfer);
    attempt(async () => {
      const { files, folders } = await reading;
      await enqueueFolders(volume.id, to, folders);
      bringIn(to, files);
    });
  };

  const isFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");

  const choices = (): Choices => {
    const items = chosen();
    const [first] = items;
    if (!first) return [];
    const single = items.length === 1;
    const file = first.entry.type === "file";
    return [
      ...(single
        ? [{
          id: "open",
          label: "Open",
          keys: "Enter",
          icon: file ? <Eye size={16} /> : <FolderOpen size={16} />,
          run: () => open(rows.find((row) => selection.has(row.key))!),
        }]
        : []),
      ...(single && isSpecial(kindOf(first.entry.name, first.entry.type)) ? [] : [{
        id: "download",
        label: single && file ? "Download" : "Download as zip",
        icon: <Download size={16} />,
        run: () => download(volume.id, items),
      }]),
      ...(single && file
        ? [{
          id: "versions",
          label: "Versions",
          icon: <History size={16} />,
          run: () => navigate({ open: first.path, panel: "versions" as const }),
        }]
        : []),
      null,
      ...(single
        ? [{
          id: "rename",
          label: "Rename…",
          keys: "F2",
          icon: <Pencil size={16} />,
          run: () => setAsking({ what: "rename", path: first.path }),
        }]
        : []),
      {
        id: "move",
        label: "Move…",
        icon: <FolderInput size={16} />,
        run: () => setAsking({ what: "move", paths: items.map((one) => one.path) }),
      },
      {
        id: "copy",
        label: "Copy…",
        icon: <Copy size={16} />,
        run: () => setAsking({ what: "copy", paths: items.map((one) => one.path) }),
      },
      null,
      {
        id: "delete",
        label: "Move to trash",
        keys: "Del",
        danger: true,
        icon: <Trash2 size={16} />,
        run: () => discard(volume.id, items),
      },
    ];
  };

  const pickFiles = () => filePicker.current?.click();
  const close = () => setAsking(null);
  const adding: Choices = [
    { id: "files", label: "Upload files…", icon: <FileUp size={16} />, run: pickFiles },
    {
      id: "folder-in",
      label: "Upload a folder…",
      icon: <FolderUp size={16} />,
      run: () => folderPicker.current?.click(),
    },
    null,
    {
      id: "folder",
      label: "New folder…",
      icon: <FolderPlus size={16} />,
      run: () => setAsking({ what: "folder" }),
    },
    {
      id: "text",
      label: "New text file…",
      icon: <FilePlus2 size={16} />,
      run: () => setAsking({ what: "text" }),
    },
  ];

  const empty = asked
    ? below.busy
      ? <Waiting label="Searching" />
      : (
        <Empty icon={<Eye size={26} strokeWidth={1.4} />} title="No matches">
          Nothing in this folder or below matches “{asked}”.
        </Empty>
      )
    : listing.error !== null
    ? <Notice tone="bad">{explain(listing.error)}</Notice>
    : listing.complete
    ? (
      <Empty
        icon={<Upload size={26} strokeWidth={1.4} />}
        title={path === "/" ? "An empty volume" : "An empty folder"}
        action={<Action tone="primary" onPress={pickFiles}>Choose files…</Action>}
      >
        Drop files or folders here. Every version is kept.
      </Empty>
    )
    : <Waiting />;

  return (
    <section
      className={dragging ? "files is-dragging" : "files"}
      aria-label={`Files in ${title}`}
      onDragEnter={(event) => {
        if (!isFiles(event)) return;
        depth.current++;
        setDragging(true);
      }}
      onDragLeave={(event) => {
        if (!isFiles(event)) return;
        if (--depth.current <= 0) setDragging(false);
      }}
      onDragOver={(event) => isFiles(event) && event.preventDefault()}
      onDrop={(event) => onDrop(path, event)}
    >
      <div className="bar">
        <PathBar title={title} path={path} onDrop={onDrop} />
        <SearchField
          className="search"
          aria-label="Search"
          value={query}
          onChange={(q) => navigate({ query: q, open: null }, { replace: true })}
        >
          <Input placeholder="Search" />
          <Button className="search-clear">
            <X size={14} aria-hidden />
          </Button>
        </SearchField>
        <MenuButton label="Add" choices={adding}>
          <Action tone="primary">
            <Plus size={17} aria-hidden /> Add
          </Action>
        </MenuButton>
      </div>
      <FileGrid
        rows={rows}
        label={`${baseName(path) || title}: files`}
        sort={sort}
        descending={descending}
        selection={selection}
        active={active}
        empty={empty}
        onSort={(key) =>
          navigate({ sort: key, descending: key === sort && !descending }, {
            replace: true,
          })}
        onSelect={select}
        onActive={activate}
        onOpen={open}
        hrefOf={(row) => hrefOf(placeOf(row))}
        onMenu={(_row, x, y) => setMenu({ x, y })}
        onCommand={(command) => {
          if (command === "up") return path === "/" || openFolder(parent(path));
          if (command === "escape") {
            select(NOTHING);
            if (query) navigate({ query: "" }, { replace: true });
            return;
          }
          const items = chosen();
          if (items.length === 0) return;
          if (command === "delete") discard(volume.id, items);
          else if (items.length === 1) setAsking({ what: "rename", path: items[0].path });
        }}
        onDragRows={(dragged, event) => {
          const paths = dragged.map((row) => locate(row).path);
          const what: Dragged = { volume: volume.id, paths };
          event.dataTransfer.setData(DRAGGED, JSON.stringify(what));
          event.dataTransfer.effectAllowed = "move";
        }}
        onDropOn={(row, event) => onDrop(locate(row).path, event)}
      />
      <div className="status" role="status">
        <span>
          {selection.size > 0
            ? `${count(selection.size, "item")} selected of ${rows.length.toLocaleString("en")}`
            : listing.complete || asked
            ? count(rows.length, "item")
            : `${count(rows.length, "item")}, loading more`}
          {below.truncated && " (only the first results are shown)"}
        </span>
        {selection.size > 0 && (
          <span className="selection-actions">
            {!chosen().every(({ entry }) => isSpecial(kindOf(entry.name, entry.type))) && (
              <IconButton
                label="Download selected"
                onPress={() => download(volume.id, chosen())}
              >
                <Download size={17} aria-hidden />
              </IconButton>
            )}
            <IconButton
              label="Move selected"
              onPress={() => setAsking({ what: "move", paths: chosenPaths() })}
            >
              <FolderInput size={17} aria-hidden />
            </IconButton>
            <IconButton
              label="Copy selected"
              onPress={() => setAsking({ what: "copy", paths: chosenPaths() })}
            >
              <Copy size={17} aria-hidden />
            </IconButton>
            <IconButton
              label="Move selected to trash"
              onPress={() => discard(volume.id, chosen())}
            >
              <Trash2 size={17} aria-hidden />
            </IconButton>
            <IconButton label="Clear selection" onPress={() => select(NOTHING)}>
              <X size={17} aria-hidden />
            </IconButton>
          </span>
        )}
      </div>
      {dragging && (
        <div className="drop-hint" aria-hidden>
          <Upload size={28} strokeWidth={1.5} />
          <strong>Drop to upload to {baseName(path) || title}</strong>
        </div>
      )}
      <input
        ref={filePicker}
        type="file"
        multiple
        hidden
        aria-label="Files to upload"
        onChange={(event) => {
          bringIn(path, picked(event.target.files!));
          event.target.value = "";
        }}
      />
      <input
        ref={(input) => {
          folderPicker.current = input;
          if (input) input.webkitdirectory = true;
        }}
        type="file"
        hidden
        aria-label="Folder to upload"
        onChange={(event) => {
          bringIn(path, picked(event.target.files!));
          event.target.value = "";
        }}
      />
      {menu && selection.size > 0 && (
        <MenuAt
          label={`Actions for ${named(chosen())}`}
          x={menu.x}
          y={menu.y}
          choices={choices()}
          onClose={() => setMenu(null)}
        />
      )}
      {asking?.what === "rename" && (
        <RenameDialog volume={volume.id} path={asking.path} onClose={close} />
      )}
      {asking?.what === "folder" && <FolderDialog volume={volume.id} path={path} onClose={close} />}
      {asking?.what === "text" && <TextFileDialog volume={volume.id} path={path} onClose={close} />}
      {(asking?.what === "move" || asking?.what === "copy") && (
        <TransferDialog
          volume={volume.id}
          title={title}
          operation={asking.what}
          paths={asking.paths}
          onClose={close}
        />
      )}
    </section>
  );
}

/**
 * Searches the folders below on the manager, shortly after the last keystroke.
 */
function useBelow(volume: string, path: string, query: string) {
  const [settled, setSettled] = useState(query);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(query), 200);
    return () => clearTimeout(timer);
  }, [query]);
  const key = settled && settled === query ? `${volume}:${path}:${settled}` : null;
  const found = useResource(key, (signal) => search(volume, settled, path, signal));
  useFeed(volume, found.reload, 400);
  return {
    entries: found.data?.entries ?? NO_ENTRIES,
    truncated: found.data?.truncated ?? false,
    busy: query !== "" && found.data === undefined && found.error === undefined,
  };
}

const NO_ENTRIES: never[] = [];
