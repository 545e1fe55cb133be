import type { DirEntry, Mount } from "../mod.ts";
import { yieldToEventLoop } from "../src/yield_to_event_loop.ts";
import type { Context } from "./context.ts";
import { Fault } from "./faults.ts";
import { shownOf } from "./paths.ts";

/** An entry that a walk visits. */
export interface Visit {
  entry: DirEntry;
  /** The names from the top to the entry. The walk reuses the list. */
  names: readonly string[];
  /** For each of these names, whether it is the last one in its directory. */
  last: readonly boolean[];
}

/**
 * Walks a directory tree in order of names, each directory before its entries, without hidden
 * entries. A directory that contains itself is reported and not entered again.
 *
 * @param top The directory's id.
 * @param path The directory's path, for messages.
 * @param depth The maximum number of levels.
 */
export async function* walk(
  ctx: Context,
  mount: Mount,
  top: string,
  path: string,
  depth = Infinity,
): AsyncGenerator<Visit, void> {
  const names: string[] = [];
  const last: boolean[] = [];
  const within = new Set([top]);
  const open = [{ node: top, children: await childrenOf(mount, top), next: 0 }];
  for (let here = open.at(-1); here !== undefined; here = open.at(-1)) {
    ctx.signal.throwIfAborted();
    await yieldToEventLoop();
    const entry = here.children[here.next++];
    names.length = open.length - 1;
    last.length = open.length - 1;
    if (entry === undefined) {
      within.delete(here.node);
      open.pop();
      continue;
    }
    names.push(entry.name);
    last.push(here.next === here.children.length);
    yield { entry, names, last };
    const { node } = entry;
    if (entry.type !== "container" || open.length >= depth) continue;
    if (within.has(node)) {
      const shown = shownOf(`${path}/${names.join("/")}`);
      ctx.report(new Fault(shown, "the directory contains itself; not entered again"));
      continue;
    }
    within.add(node);
    open.push({ node, children: await childrenOf(mount, node), next: 0 });
  }
}

async function childrenOf(mount: Mount, id: string): Promise<DirEntry[]> {
  const all = await mount.listById(id);
  return all.filter((c) => c.visible).sort((a, b) => a.name < b.name ? -1 : 1);
}
