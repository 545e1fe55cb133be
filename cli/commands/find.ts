import { type DirEntry, globMatcher, type Mount, type NodeInfo } from "../../mod.ts";
import { UsageError } from "../args.ts";
import type { Context } from "../context.ts";
import { about } from "../faults.ts";
import { joinPath, shownOf, shownPath } from "../paths.ts";
import { fileKind } from "../node_facts.ts";

const KINDS: Readonly<Record<string, string>> = {
  f: "file",
  d: "directory",
  l: "symlink",
};

/** `find`: prints the paths that match a pattern. */
export async function find(ctx: Context): Promise<void> {
  const pattern = ctx.operands[0].replace(/^\/+/, "");
  const top = ctx.path(1);
  const type = ctx.flags.get("type");
  if (type !== undefined && !Object.hasOwn(KINDS, type)) {
    throw new UsageError(`--type needs f, d or l, not ${type}`);
  }
  // A pattern of one name is looked for at any depth, as `find -name` does.
  const matches = globMatcher(ctx.operands[0].includes("/") ? pattern : `**/${pattern}`);
  await ctx.withMount("read", async (mount) => {
    const found: { path: string; type: string; id: string }[] = [];
    const start = await about(top, () => mount.stat(top));
    const wanted = async (entry: DirEntry): Promise<boolean> => {
      if (type === undefined) return true;
      if (entry.type !== "entry") return plainKind(entry) === KINDS[type];
      const node: NodeInfo = await mount.statById(entry.node);
      return fileKind(node) === KINDS[type];
    };
    const visit = async (
      id: string,
      path: string,
      relative: string,
      shownAbove: string,
    ): Promise<void> => {
      for (const child of await childrenOf(mount, id)) {
        const inner = relative === "" ? child.name : `${relative}/${child.name}`;
        const full = joinPath(path, child.name);
        const shown = shownPath(shownAbove, child.name);
        if (matches(inner) && await wanted(child)) {
          if (ctx.json) {
            found.push({ path: full, type: child.type, id: child.node });
          } else if (ctx.flags.has("print0")) {
            await ctx.out.text(`${shown}\0`);
          } else await ctx.out.line(ctx.out.name(shown));
        }
        if (child.type === "container") await visit(child.node, full, inner, shown);
      }
    };
    if (start.type === "container") await visit(start.id, top, "", shownOf(top));
    if (ctx.json) await ctx.out.json(found);
  });
}

function plainKind(entry: DirEntry): string {
  return entry.type === "container" ? "directory" : entry.type;
}

async function childrenOf(mount: Mount, id: string): Promise<DirEntry[]> {
  const all = await mount.listById(id);
  return all.filter((c) => c.visible).sort((a, b) => a.name < b.name ? -1 : 1);
}
