import { RotateCcw, Trash2 } from "lucide-react";
import { useState } from "react";
import { trash } from "../api/files.ts";
import type { TrashItem, Volume } from "../api/types.ts";
import { Action, Empty, IconButton, Notice, Waiting } from "../components/controls.tsx";
import { KindIcon } from "../components/icons.tsx";
import { explain } from "../lib/explain.ts";
import { bytes, count, shortTime } from "../lib/format.ts";
import { kindOf } from "../lib/kinds.ts";
import { parent } from "../lib/paths.ts";
import { useFeed } from "../state/feed.ts";
import { useResource } from "../state/resource.ts";
import { attempt } from "../state/toasts.ts";
import { ConfirmDialog } from "./confirm_dialog.tsx";
import { deletePermanently, restoreItems } from "./file_actions.tsx";

const SHOWN = 500;

/** Deleted items that can be restored. */
export function TrashView({ volume }: { volume: Volume }) {
  const content = useResource(`trash:${volume.id}`, (signal) => trash(volume.id, signal));
  const [asking, setAsking] = useState<TrashItem | "all" | null>(null);
  useFeed(volume.id, content.reload, 400);
  const items = content.data ?? [];

  const restore = (item: TrashItem) =>
    attempt(async () => {
      await restoreItems(volume.id, [item]);
      content.reload();
    });

  const restoreAll = () =>
    attempt(async () => {
      await restoreItems(volume.id, items);
      content.reload();
    });

  if (content.loading) return <Waiting />;
  if (content.error !== undefined) return <Notice tone="bad">{explain(content.error)}</Notice>;
  if (items.length === 0) {
    return (
      <Empty icon={<Trash2 size={26} strokeWidth={1.4} />} title="The trash is empty">
        Deleted items are kept here and can be restored.
      </Empty>
    );
  }
  return (
    <section className="wide" aria-label="Trash">
      <div className="title-row">
        <p className="lead">{count(items.length, "item")} in the trash</p>
        <span className="volume-actions">
          {items.length > 1 && (
            <Action onPress={() => restoreAll()}>
              <RotateCcw size={15} aria-hidden /> Restore all
            </Action>
          )}
          <Action tone="danger" onPress={() => setAsking("all")}>Empty the trash…</Action>
        </span>
      </div>
      <ul className="card lines">
        {items.slice(0, SHOWN).map((item) => (
          <li key={item.id}>
            <KindIcon kind={kindOf(item.name, item.type)} />
            <span className="line-name">
              <strong>{item.name}</strong>
              <small>
                from {parent(item.path)}
                {item.deleted_at !== null && `, deleted ${shortTime(item.deleted_at)}`}
                {item.type === "file" && `, ${bytes(item.size)}`}
              </small>
            </span>
            <Action onPress={() => restore(item)} aria-label={`Restore ${item.name}`}>
              <RotateCcw size={15} aria-hidden /> Restore
            </Action>
            <IconButton label={`Delete ${item.name} permanently`} onPress={() => setAsking(item)}>
              <Trash2 size={17} aria-hidden />
            </IconButton>
          </li>
        ))}
      </ul>
      {items.length > SHOWN && <p className="hint">The last {SHOWN} deleted are shown.</p>}
      {asking !== null && (
        <ConfirmDialog
          title={asking === "all" ? "Empty the trash?" : `Delete “${asking.name}” permanently?`}
          confirm={asking === "all" ? "Delete all permanently" : "Delete permanently"}
          onClose={() => setAsking(null)}
          onSubmit={() => {
            const items = asking === "all" ? "all" : [asking];
            void attempt(async () => {
              await deletePermanently(volume.id, items);
              content.reload();
            });
            return Promise.resolve();
          }}
        >
          This cannot be undone. The space becomes free for other files.
        </ConfirmDialog>
      )}
    </section>
  );
}
