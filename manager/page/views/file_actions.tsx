import { archiveUrl, fileUrl } from "../api/files.ts";
import type { EntryFacts, TrashItem } from "../api/types.ts";
import { count } from "../lib/format.ts";
import { baseName, parent } from "../lib/paths.ts";
import { performTask } from "../state/tasks.ts";
import { attempt } from "../state/toasts.ts";

/** An entry with its path. */
export interface Located {
  entry: EntryFacts;
  path: string;
}

/** Names one item, or counts several. */
export function named(items: readonly { path: string }[]): string {
  return items.length === 1 ? `“${baseName(items[0].path)}”` : count(items.length, "item");
}

/**
 * Returns the subject of a message: the item's name, or a placeholder for the
 * number of items.
 */
function subject(paths: readonly string[]): string {
  return paths.length === 1 ? `“${baseName(paths[0])}”` : "#";
}

/** Moves items to the trash, with an undo action. */
export async function discard(volume: string, items: readonly Located[]): Promise<void> {
  if (items.length === 0) return;
  const paths = items.map(({ path }) => path);
  const verb = "moved to the trash";
  await attempt(() =>
    performTask({
      volume,
      spec: { operation: "remove", paths },
      done: `${subject(paths)} ${verb}`,
      verb,
    })
  );
}

/** Moves or copies items into a folder, with an undo action. */
export async function transferInto(
  volume: string,
  operation: "move" | "copy",
  paths: readonly string[],
  to: string,
): Promise<void> {
  const verb = operation === "move" ? "moved" : "copied";
  // A copy in the same folder gets another name without a question.
  const beside = operation === "copy" && paths.every((path) => parent(path) === to);
  await performTask({
    volume,
    spec: { operation, paths, to, ...(beside ? { on_conflict: "rename" } : {}) },
    done: `${subject(paths)} ${verb} to ${to === "/" ? "the top folder" : baseName(to)}`,
    verb,
  });
}

/** Restores items from the trash. */
export async function restoreItems(volume: string, items: readonly TrashItem[]): Promise<void> {
  const paths = new Map(items.map(({ id, path }) => [id, path]));
  const verb = "restored";
  await performTask({
    volume,
    spec: { operation: "restore", ids: items.map(({ id }) => id) },
    done: items.length === 1
      ? `“${items[0].name}” ${verb} to ${parent(items[0].path)}`
      : `# ${verb}`,
    verb,
    pathOf: (id) => paths.get(id) ?? id,
  });
}

/** Deletes items of the trash, or all of them, permanently. */
export async function deletePermanently(volume: string, items: TrashItem[] | "all"): Promise<void> {
  const verb = "deleted permanently";
  const paths = new Map(items === "all" ? [] : items.map(({ id, path }) => [id, path]));
  await performTask({
    volume,
    spec: items === "all"
      ? { operation: "purge", all: true }
      : { operation: "purge", ids: items.map(({ id }) => id) },
    done: `${items === "all" ? "#" : named(items)} ${verb}`,
    verb,
    pathOf: (id) => paths.get(id) ?? id,
  });
}

/** Downloads one file unchanged, anything else as a ZIP archive. */
export function download(volume: string, items: readonly Located[]): void {
  const [only] = items;
  if (only === undefined) return;
  const single = items.length === 1 && only.entry.type === "file";
  save(
    single
      ? fileUrl(volume, only.path, { download: true })
      : archiveUrl(volume, items.map(({ path }) => path)),
  );
}

export function save(url: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  document.body.append(link);
  link.click();
  link.remove();
}
