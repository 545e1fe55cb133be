import type { DirEntry, Mount, NodeInfo } from "../../mod.ts";
import type { Context } from "../context.ts";
import { describeMode, describeSize, fileKind, linkTarget } from "../node_facts.ts";
import { table } from "../output.ts";
import { absolute, joinPath, shownOf } from "../paths.ts";
import { shortTime } from "../time.ts";

/** One line of a listing. */
interface Line {
  path: string;
  name: string;
  visible: boolean;
  node: NodeInfo | null;
  entry: DirEntry | null;
}

/** Orders lines by name, the visible entry before the entries that it hides. */
function order(a: Line, b: Line): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return Number(b.visible) - Number(a.visible);
}

async function linesOf(
  ctx: Context,
  mount: Mount,
  path: string,
): Promise<Line[]> {
  let children: DirEntry[];
  try {
    children = await mount.list(path);
  } catch (error) {
    if ((error as { code?: string }).code !== "not_a_container") throw error;
    const node = await mount.stat(path);
    return [{ path, name: path, visible: true, node, entry: null }];
  }
  const lines = children
    .filter((c) => c.visible || ctx.flags.has("all"))
    .map((entry): Line => ({
      path: joinPath(path, entry.name),
      name: entry.name,
      visible: entry.visible,
      node: null,
      entry,
    }))
    .sort(order);
  if (ctx.flags.has("long")) {
    for (const line of lines) {
      line.node = await mount.statById(line.entry!.node);
    }
  }
  return lines;
}

function shown(ctx: Context, line: Line): string {
  return line.entry === null ? ctx.out.name(shownOf(line.path)) : ctx.out.child(line.name);
}

async function printLong(
  ctx: Context,
  mount: Mount,
  lines: readonly Line[],
): Promise<void> {
  const rows: string[][] = [];
  for (const line of lines) {
    const node = line.node!;
    const target = await linkTarget(mount, node);
    rows.push([
      describeMode(node),
      describeSize(node),
      shortTime(node.modifiedAt),
      shown(ctx, line) +
      (target === null ? "" : ` -> ${ctx.out.name(target)}`) +
      (line.visible ? "" : `  (hidden, ${node.id})`),
    ]);
  }
  for (const text of table(rows, [1])) await ctx.out.line(text);
}

async function asJson(
  ctx: Context,
  mount: Mount,
  line: Line,
): Promise<Record<string, unknown>> {
  const base = {
    path: line.path,
    name: line.entry === null ? line.node!.name : line.name,
    type: line.entry?.type ?? line.node!.type,
    id: line.entry?.node ?? line.node!.id,
    visible: line.visible,
  };
  if (!ctx.flags.has("long") || line.node === null) return base;
  const node = line.node;
  return {
    ...base,
    kind: fileKind(node),
    size: node.size,
    version: node.version,
    mode: node.mode,
    ...(node.device === null ? {} : { device: node.device }),
    modifiedAt: node.modifiedAt,
    createdAt: node.createdAt,
    target: await linkTarget(mount, node),
    metadata: node.metadata,
  };
}

/** `ls`: lists directories. */
export async function ls(ctx: Context): Promise<void> {
  const paths = ctx.operands.length === 0 ? ["/"] : ctx.operands.map(absolute);
  await ctx.withMount("read", async (mount) => {
    const documents: unknown[] = [];
    let first = true;
    for (const path of paths) {
      await ctx.attempt(path, async () => {
        const lines = await linesOf(ctx, mount, path);
        if (ctx.json) {
          for (const line of lines) {
            documents.push(await asJson(ctx, mount, line));
          }
          return;
        }
        if (paths.length > 1 && lines[0]?.entry !== null) {
          await ctx.out.line(`${first ? "" : "\n"}${ctx.out.name(shownOf(path))}:`);
        }
        first = false;
        if (ctx.flags.has("long")) await printLong(ctx, mount, lines);
        else {
          for (const line of lines) {
            await ctx.out.line(
              shown(ctx, line) +
                (line.visible ? "" : `  (hidden, ${line.entry!.node})`),
            );
          }
        }
      });
    }
    if (ctx.json) await ctx.out.json(documents);
  });
}
