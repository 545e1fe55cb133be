import { archiveUrl, fileUrl, remove, restoreTrash, transfer, trash } from "../api/files.ts";
import type { Entry } from "../api/types.ts";
import { count } from "../lib/format.ts";
import { baseName } from "../lib/paths.ts";
import { attempt, say } from "../state/toasts.ts";

/** A row with where it is. */
export interface Located {
  entry: Entry;
  path: string;
}

const AT_ONCE = 6;

/** Does something with each, a few at a time. */
async function each<T>(all: readonly T[], task: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await task(one);
  }));
}

/** One by its name, several by their number. */
export function named(items: readonly { path: string }[]): string {
  return items.length === 1 ? `“${baseName(items[0].path)}”` : count(items.length, "item");
}

/** To the trash, with a way back. */
export async function discard(volume: string, items: readonly Located[]): Promise<void> {
  if (items.length === 0) return;
  await attempt(async () => {
    await each(items, ({ path }) => remove(volume, path));
    say(`${named(items)} moved to the trash`, {
      label: "Undo",
      run: async () => {
        const ids = new Set(items.flatMap(({ entry }) => [entry.id, entry.edge]));
        const there = (await trash(volume)).filter((item) => ids.has(item.id));
        await restoreTrash(volume, there.map((item) => item.id));
        say(`${named(items)} brought back`);
      },
    });
  });
}

/** Moves into a folder, with a way back. */
export async function moveInto(
  volume: string,
  paths: readonly string[],
  to: string,
): Promise<void> {
  const { items } = await transfer(volume, { operation: "move", from: paths, to });
  say(
    `${named(paths.map((path) => ({ path })))} moved to ${to === "/" ? "the top" : baseName(to)}`,
    {
      label: "Undo",
      run: async () => {
        for (const item of items) {
          const folder = item.from.slice(0, item.from.lastIndexOf("/")) || "/";
          await transfer(volume, { operation: "move", from: [item.to], to: folder });
        }
        say("Moved back");
      },
    },
  );
}

/** Saves one file as it is, and anything else as a zip. */
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
