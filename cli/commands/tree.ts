import type { Mount, NodeType } from "../../mod.ts";
import { UsageError } from "../args.ts";
import type { Context } from "../context.ts";
import { about } from "../faults.ts";
import { isRoot, shownOf } from "../paths.ts";

/** A node and what is below it, as `tree --json` prints it. */
interface Branch {
  name: string;
  type: NodeType;
  children?: Branch[];
}

function depthOf(ctx: Context): number {
  const text = ctx.flags.get("depth");
  if (text === undefined) return Infinity;
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new UsageError(`--depth needs a number from 1 on, not ${text}`);
  }
  return Number(text);
}

/** Children in the order of their names; what a newer sibling hides is left out. */
async function childrenOf(
  mount: Mount,
  id: string,
): Promise<{ node: string; name: string; type: NodeType }[]> {
  const all = await mount.listById(id);
  return all.filter((c) => c.visible).sort((a, b) => a.name < b.name ? -1 : 1);
}

/** `tree`: prints a directory and all below it. */
export async function tree(ctx: Context): Promise<void> {
  const path = ctx.path(0);
  const depth = depthOf(ctx);
  await ctx.withMount("read", async (mount) => {
    const top = await about(path, () => mount.stat(path));
    let directories = 0;
    let others = 0;

    const draw = async (
      id: string,
      indent: string,
      level: number,
    ): Promise<void> => {
      const children = await childrenOf(mount, id);
      for (const [i, child] of children.entries()) {
        const last = i === children.length - 1;
        await ctx.out.line(
          `${indent}${last ? "└── " : "├── "}${ctx.out.child(child.name)}` +
            (child.type === "container" ? "/" : ""),
        );
        if (child.type !== "container") {
          others++;
          continue;
        }
        directories++;
        if (level < depth) {
          await draw(child.node, indent + (last ? "    " : "│   "), level + 1);
        }
      }
    };
    const collect = async (
      id: string,
      name: string,
      type: NodeType,
      level: number,
    ): Promise<Branch> => {
      if (type !== "container") return { name, type };
      const children: Branch[] = [];
      if (level <= depth) {
        for (const c of await childrenOf(mount, id)) {
          children.push(await collect(c.node, c.name, c.type, level + 1));
        }
      }
      return { name, type, children };
    };

    if (ctx.json) {
      const name = isRoot(path) ? "/" : top.name;
      await ctx.out.json(await collect(top.id, name, top.type, 1));
      return;
    }
    await ctx.out.line(ctx.out.name(shownOf(path)));
    if (top.type === "container") await draw(top.id, "", 1);
    await ctx.out.line(
      `\n${directories} ${directories === 1 ? "directory" : "directories"}, ` +
        `${others} ${others === 1 ? "file" : "files"}`,
    );
  });
}
