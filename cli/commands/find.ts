import { type DirEntry, globMatcher, type NodeInfo } from "../../mod.ts";
import { UsageError } from "../args.ts";
import type { Context } from "../context.ts";
import { withSubject } from "../faults.ts";
import { shownName } from "../../src/names.ts";
import { joinPath, shownOf } from "../paths.ts";
import { fileKind } from "../node_facts.ts";
import { walk } from "../walk.ts";

const KINDS: Readonly<Record<string, string>> = {
  f: "file",
  d: "directory",
  l: "symlink",
  p: "fifo",
  s: "socket",
  c: "character device",
  b: "block device",
};

/** `find`: prints the paths that match a pattern. */
export async function find(ctx: Context): Promise<void> {
  const pattern = ctx.operands[0].replace(/^\/+/, "");
  const top = ctx.path(1);
  const type = ctx.flags.get("type");
  if (type !== undefined && !Object.hasOwn(KINDS, type)) {
    throw new UsageError(`--type needs f, d, l, p, s, c or b, not ${type}`);
  }
  // As in `find -name`, a pattern without a slash matches at any depth.
  const byName = !ctx.operands[0].includes("/");
  const matches = globMatcher(pattern);
  await ctx.withMount("read", async (mount) => {
    const found: { path: string; type: string; id: string }[] = [];
    const start = await withSubject(top, () => mount.stat(top));
    const wanted = async (entry: DirEntry): Promise<boolean> => {
      if (type === undefined) return true;
      if (entry.type !== "entry") return plainKind(entry) === KINDS[type];
      const node: NodeInfo = await mount.statById(entry.node);
      return fileKind(node) === KINDS[type];
    };
    const visits = start.type === "container" ? walk(ctx, mount, start.id, top) : [];
    for await (const { entry, names } of visits) {
      if (!matches(byName ? entry.name : names.join("/")) || !await wanted(entry)) continue;
      if (ctx.json) {
        const path = joinPath(top, names.join("/"));
        found.push({ path, type: entry.type, id: entry.node });
        continue;
      }
      const shown = shownPaths(shownOf(top), names);
      if (ctx.flags.has("print0")) await ctx.out.text(`${shown}\0`);
      else await ctx.out.line(ctx.out.name(shown));
    }
    if (ctx.json) await ctx.out.json(found);
  });
}

function plainKind(entry: DirEntry): string {
  return entry.type === "container" ? "directory" : entry.type;
}

function shownPaths(top: string, names: readonly string[]): string {
  return joinPath(top, names.map(shownName).join("/"));
}
