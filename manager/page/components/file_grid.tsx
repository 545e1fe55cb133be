import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp, Ellipsis } from "lucide-react";
import {
  type DragEvent,
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type { EntryFacts } from "../api/types.ts";
import { bytes, shortTime } from "../lib/format.ts";
import { kindOf, kindWord } from "../lib/kinds.ts";
import type { SortKey } from "../state/route.ts";
import { KindIcon } from "./icons.tsx";

/**
 * An entry with its row key, and its location when that differs from the
 * folder.
 */
export interface Row extends EntryFacts {
  key: string;
  /** The folder of an entry that a search found elsewhere. */
  where?: string;
}

export interface FileGridProps {
  rows: readonly Row[];
  label: string;
  sort: SortKey;
  descending: boolean;
  selection: ReadonlySet<string>;
  /** The key of the active row. */
  active: string | null;
  empty: ReactNode;
  onSort: (key: SortKey) => void;
  onSelect: (selection: ReadonlySet<string>) => void;
  onActive: (key: string) => void;
  onOpen: (row: Row) => void;
  /** Returns the address of a row, for another tab. */
  hrefOf: (row: Row) => string;
  onMenu: (row: Row, x: number, y: number) => void;
  onCommand: (command: "rename" | "delete" | "up" | "escape") => void;
  /**
   * Called when rows begin to be dragged: the selected rows, or one that is not
   * selected.
   */
  onDragRows?: (rows: readonly Row[], event: DragEvent) => void;
  onDropOn?: (row: Row, event: DragEvent) => void;
}

const ROW = 44;
const PAUSE = 700;

const COLUMNS: readonly { key: SortKey; label: string; className: string }[] = [
  { key: "name", label: "Name", className: "cell-name" },
  { key: "type", label: "Kind", className: "cell-kind" },
  { key: "size", label: "Size", className: "cell-size" },
  { key: "modified_at", label: "Modified", className: "cell-time" },
];

/**
 * A folder as a grid that renders only visible rows. The grid has the focus;
 * aria-activedescendant names the active row, so that it survives rows that are
 * added and removed.
 */
export function FileGrid(props: FileGridProps) {
  const { rows, selection, active } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const anchor = useRef<string | null>(null);
  const typed = useRef({ text: "", at: 0 });
  const [over, setOver] = useState<string | null>(null);

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 12,
    getItemKey: (index) => rows[index].key,
  });

  const places = useMemo(() => new Map(rows.map((row, index) => [row.key, index])), [rows]);
  const at = active === null ? -1 : places.get(active) ?? -1;

  // Keep the active row in sight when the order changes.
  const sorting = `${props.sort}${props.descending}`;
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at);
  }, [sorting]);

  const range = (from: string | null, to: number): Set<string> => {
    const start = from === null ? to : places.get(from) ?? to;
    const [low, high] = start < to ? [start, to] : [to, start];
    return new Set(rows.slice(low, high + 1).map((row) => row.key));
  };

  const moveTo = (index: number, event: KeyboardEvent) => {
    const to = Math.max(0, Math.min(rows.length - 1, index));
    const row = rows[to];
    if (!row) return;
    event.preventDefault();
    props.onActive(row.key);
    virtual.scrollToIndex(to);
    if (event.shiftKey) {
      anchor.current ??= active ?? row.key;
      props.onSelect(range(anchor.current, to));
    } else if (!event.ctrlKey && !event.metaKey) {
      anchor.current = row.key;
      props.onSelect(new Set([row.key]));
    }
  };

  const toggle = (key: string) => {
    const next = new Set(selection);
    if (!next.delete(key)) next.add(key);
    anchor.current = key;
    props.onSelect(next);
  };

  const typeAhead = (letter: string) => {
    const now = Date.now();
    const going = now - typed.current.at < PAUSE;
    const text = (going ? typed.current.text : "") + letter.toLowerCase();
    typed.current = { text, at: now };
    const from = text.length === 1 ? at + 1 : Math.max(at, 0);
    for (let step = 0; step < rows.length; step++) {
      const index = (from + step) % rows.length;
      if (!rows[index].name.toLowerCase().startsWith(text)) continue;
      anchor.current = rows[index].key;
      props.onActive(rows[index].key);
      props.onSelect(new Set([rows[index].key]));
      virtual.scrollToIndex(index);
      return;
    }
  };

  const perPage = () => Math.max(1, Math.floor((scroller.current?.clientHeight ?? ROW) / ROW) - 1);

  const onKeyDown = (event: KeyboardEvent) => {
    const command = event.ctrlKey || event.metaKey;
    const menuAt = () => {
      if (at < 0) return;
      event.preventDefault();
      const box = document.getElementById(rowId(rows[at].key))?.getBoundingClientRect();
      if (box) props.onMenu(rows[at], box.left + 48, box.bottom - 6);
    };
    switch (event.key) {
      case "ArrowDown":
        return moveTo(at + 1, event);
      case "ArrowUp":
        return moveTo(at < 0 ? rows.length - 1 : at - 1, event);
      case "Home":
        return moveTo(0, event);
      case "End":
        return moveTo(rows.length - 1, event);
      case "PageDown":
        return moveTo(at + perPage(), event);
      case "PageUp":
        return moveTo(at - perPage(), event);
      case "Enter":
        if (at >= 0) props.onOpen(rows[at]);
        return;
      case "Backspace":
        event.preventDefault();
        return props.onCommand("up");
      case "F2":
        event.preventDefault();
        return props.onCommand("rename");
      case "Delete":
        return props.onCommand("delete");
      case "Escape":
        return props.onCommand("escape");
      case "F10":
        if (event.shiftKey) menuAt();
        return;
      case "ContextMenu":
        return menuAt();
      case " ":
        if (typed.current.text && Date.now() - typed.current.at < PAUSE) break;
        event.preventDefault();
        if (at >= 0) toggle(rows[at].key);
        return;
      case "a":
        if (!command) break;
        event.preventDefault();
        return props.onSelect(new Set(rows.map((row) => row.key)));
    }
    if (event.key.length === 1 && !command && !event.altKey) {
      event.preventDefault();
      typeAhead(event.key);
    }
  };

  const onRowClick = (row: Row, index: number, event: MouseEvent) => {
    props.onActive(row.key);
    if (event.shiftKey) {
      anchor.current ??= active ?? row.key;
      props.onSelect(range(anchor.current, index));
    } else if (event.ctrlKey || event.metaKey) toggle(row.key);
    else {
      anchor.current = row.key;
      props.onSelect(new Set([row.key]));
    }
  };

  const items = virtual.getVirtualItems();
  return (
    <div className="grid">
      <div className="grid-head" role="group" aria-label="Selection and order">
        <span className="cell-check">
          <input
            type="checkbox"
            aria-label="Select all"
            checked={rows.length > 0 && selection.size === rows.length}
            onChange={(event) =>
              props.onSelect(
                event.target.checked ? new Set(rows.map((row) => row.key)) : new Set(),
              )}
          />
        </span>
        {COLUMNS.map(({ key, label, className }) => (
          <span key={key} className={className}>
            <button
              type="button"
              className="sort"
              aria-pressed={props.sort === key}
              onClick={() => props.onSort(key)}
            >
              {label}
              {props.sort === key && (props.descending
                ? <ArrowDown size={13} aria-hidden />
                : <ArrowUp size={13} aria-hidden />)}
            </button>
          </span>
        ))}
      </div>
      <div
        className="grid-rows"
        role="grid"
        aria-label={props.label}
        aria-rowcount={rows.length + 1}
        aria-colcount={6}
        aria-multiselectable
        aria-activedescendant={at >= 0 && items.some((item) => item.index === at)
          ? rowId(rows[at].key)
          : undefined}
        tabIndex={0}
        data-focus-home
        onKeyDown={onKeyDown}
        onFocus={(event) => {
          const first = rows[0];
          if (event.target === event.currentTarget && at < 0 && first) props.onActive(first.key);
        }}
      >
        <div className="unseen" role="row" aria-rowindex={1}>
          <span role="columnheader">Selected</span>
          {COLUMNS.map(({ key, label }) => (
            <span
              key={key}
              role="columnheader"
              aria-sort={props.sort !== key
                ? "none"
                : props.descending
                ? "descending"
                : "ascending"}
            >
              {label}
            </span>
          ))}
          <span role="columnheader">Actions</span>
        </div>
        {rows.length === 0
          ? (
            <div role="row" className="grid-empty">
              <div role="gridcell">{props.empty}</div>
            </div>
          )
          : (
            <div className="grid-body" role="presentation" ref={scroller}>
              <div
                role="presentation"
                className="grid-all"
                style={{ height: virtual.getTotalSize() }}
              >
                {items.map((item) => {
                  const row = rows[item.index];
                  const kind = kindOf(row.name, row.type);
                  const folder = row.type === "directory";
                  const dropHere = folder && props.onDropOn !== undefined &&
                    !selection.has(row.key);
                  return (
                    <div
                      key={row.key}
                      id={rowId(row.key)}
                      role="row"
                      aria-rowindex={item.index + 2}
                      aria-selected={selection.has(row.key)}
                      className={[
                        "grid-row",
                        item.index === at ? "is-active" : "",
                        over === row.key ? "is-over" : "",
                      ].join(" ")}
                      style={{ transform: `translateY(${item.start}px)` }}
                      draggable={props.onDragRows !== undefined}
                      onClick={(event) => onRowClick(row, item.index, event)}
                      onDoubleClick={() => props.onOpen(row)}
                      onContextMenu={(event) => {
                        event.preventDefault();
                        props.onActive(row.key);
                        if (!selection.has(row.key)) props.onSelect(new Set([row.key]));
                        props.onMenu(row, event.clientX, event.clientY);
                      }}
                      onDragStart={(event) => {
                        const marked = selection.has(row.key);
                        if (!marked) props.onSelect(new Set([row.key]));
                        props.onActive(row.key);
                        const dragged = marked
                          ? rows.filter((one) => selection.has(one.key))
                          : [row];
                        props.onDragRows?.(dragged, event);
                      }}
                      onDragOver={(event) => {
                        if (!dropHere) return;
                        event.preventDefault();
                        event.stopPropagation();
                        setOver(row.key);
                      }}
                      onDragLeave={() => setOver((now) => now === row.key ? null : now)}
                      onDrop={(event) => {
                        setOver(null);
                        if (dropHere) props.onDropOn?.(row, event);
                      }}
                    >
                      <span role="gridcell" className="cell-check">
                        <input
                          type="checkbox"
                          tabIndex={-1}
                          aria-label={`Select ${row.name}`}
                          checked={selection.has(row.key)}
                          onChange={() => toggle(row.key)}
                          onClick={(event) => event.stopPropagation()}
                        />
                      </span>
                      <span role="gridcell" className="cell-name">
                        <KindIcon kind={kind} />
                        <span className="name-text">
                          <a
                            href={props.hrefOf(row)}
                            // A file opens over the folder.
                            role={folder ? undefined : "button"}
                            tabIndex={-1}
                            draggable={false}
                            className="name-open"
                            title={row.name}
                            onClick={(event) => {
                              event.preventDefault();
                              if (event.shiftKey || event.ctrlKey || event.metaKey) return;
                              event.stopPropagation();
                              props.onActive(row.key);
                              props.onOpen(row);
                            }}
                          >
                            {row.name}
                          </a>
                          {row.target && <small>→ {row.target}</small>}
                          {row.where !== undefined && <small>{row.where}</small>}
                        </span>
                      </span>
                      <span role="gridcell" className="cell-kind">{kindWord(kind)}</span>
                      <span role="gridcell" className="cell-size">
                        {folder ? "—" : bytes(row.size)}
                      </span>
                      <span role="gridcell" className="cell-time">
                        {shortTime(row.modified_at)}
                      </span>
                      <span role="gridcell" className="cell-more">
                        <button
                          type="button"
                          tabIndex={-1}
                          className="icon-button"
                          aria-label={`Actions for ${row.name}`}
                          onClick={(event) => {
                            event.stopPropagation();
                            props.onActive(row.key);
                            if (!selection.has(row.key)) props.onSelect(new Set([row.key]));
                            const box = event.currentTarget.getBoundingClientRect();
                            props.onMenu(row, box.left, box.bottom);
                          }}
                        >
                          <Ellipsis size={18} aria-hidden />
                        </button>
                      </span>
                    </div>
                  );
                })}
              </div>
            </div>
          )}
      </div>
    </div>
  );
}

function rowId(key: string): string {
  return `row-${key}`;
}
