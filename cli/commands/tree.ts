import type { NodeType } from "../../mod.ts";
import { UsageError } from "../args.ts";
import type { Context } from "../context.ts";
import { withSubject } from "../faults.ts";
import { jsonText } from "../output.ts";
import { isRoot, shownOf } from "../paths.ts";
import { type Visit, walk } from "../walk.ts";

function depthOf(ctx: Context): number {
  const text = ctx.flags.get("depth");
  if (text === undefined) return Infinity;
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new UsageError(`--depth needs a number of at least 1, not ${text}`);
  }
  return Number(text);
}

/** `tree`: prints a directory and everything below it. */
export async function tree(ctx: Context): Promise<void> {
  const path = ctx.path(0);
  const depth = depthOf(ctx);
  await ctx.withMount("read", async (mount) => {
    const top = await withSubject(path, () => mount.stat(path));
    const visits = top.type === "container" ? walk(ctx, mount, top.id, path, depth) : [];
    if (ctx.json) {
      const name = isRoot(path) ? "/" : top.name;
      return await printJson(ctx, { name, type: top.type }, visits);
    }
    let directories = 0;
    let others = 0;
    await ctx.out.line(ctx.out.name(shownOf(path)));
    for await (const { entry, last } of visits) {
      const directory = entry.type === "container";
      if (directory) directories++;
      else others++;
      const above = last.slice(0, -1).map((ended) => ended ? "    " : "│   ").join("");
      await ctx.out.line(
        `${above}${last.at(-1) ? "└── " : "├── "}${ctx.out.child(entry.name)}` +
          (directory ? "/" : ""),
      );
    }
    await ctx.out.line(
      `\n${directories} ${directories === 1 ? "directory" : "directories"}, ` +
        `${others} ${others === 1 ? "file" : "files"}`,
    );
  });
}

/** The deepest level of JSON indentation; in a deep tree, indentation would be most of the text. */
const DEEPEST_INDENT = 32;

/** Prints a tree with `name`, `type` and, for directories, `children`, while it is walked. */
async function printJson(
  ctx: Context,
  top: { name: string; type: NodeType },
  visits: AsyncIterable<Visit> | Visit[],
): Promise<void> {
  const indent = (level: number) => "\n" + "    ".repeat(Math.min(level, DEEPEST_INDENT));
  const begin = async (level: number, { name, type }: { name: string; type: NodeType }) => {
    const inner = `${indent(level)}  `;
    await ctx.out.text(`{${inner}"name": ${jsonText(name)},${inner}"type": ${jsonText(type)}`);
    if (type === "container") await ctx.out.text(`,${inner}"children": [`);
  };
  /** The incomplete values: whether each is a directory, and whether it has children yet. */
  const open = [{ directory: top.type === "container", filled: false }];
  const end = async () => {
    const { directory, filled } = open.pop()!;
    const at = indent(open.length);
    await ctx.out.text(directory ? `${filled ? `${at}  ` : ""}]${at}}` : `${at}}`);
  };
  await begin(0, top);
  for await (const { entry, names } of visits) {
    while (open.length > names.length) await end();
    const parent = open.at(-1)!;
    await ctx.out.text(`${parent.filled ? "," : ""}${indent(names.length)}`);
    parent.filled = true;
    await begin(names.length, entry);
    open.push({ directory: entry.type === "container", filled: false });
  }
  while (open.length > 0) await end();
  await ctx.out.line();
}
