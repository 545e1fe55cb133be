import type { NodeInfo } from "../../mod.ts";
import type { Context } from "../context.ts";
import { withSubject } from "../faults.ts";
import { describeMode, describeSize, fileKind, linkTarget } from "../node_facts.ts";
import { table } from "../output.ts";
import { shownOf } from "../paths.ts";
import { showSize } from "../size.ts";
import { isoTime } from "../time.ts";

function describeRetention(retention: number | null): string {
  if (retention === null) return "every version";
  return retention === 1 ? "the newest version" : `the newest ${retention} versions`;
}

/** Returns owner and group as numbers. */
function owner({ uid, gid }: NodeInfo): string {
  return uid === null && gid === null ? "not set" : `${uid ?? "not set"}:${gid ?? "not set"}`;
}

/** `stat`: shows everything known about one path. */
export async function stat(ctx: Context): Promise<void> {
  const path = ctx.path(0);
  await ctx.withMount("read", async (mount) => {
    const node = await withSubject(path, () => mount.stat(path));
    const target = await linkTarget(mount, node);
    if (ctx.json) {
      await ctx.out.json({ path, kind: fileKind(node), ...node, target });
      return;
    }
    const rows: string[][] = [
      ["path", ctx.out.name(shownOf(path))],
      ["type", fileKind(node)],
      ["id", node.id],
    ];
    if (node.size !== null) {
      rows.push(["size", `${node.size} (${showSize(node.size)})`]);
    }
    if (node.version !== null) {
      rows.push(["version", `${node.version}`], ["kept", describeRetention(node.retention)]);
    }
    if (node.device !== null) rows.push(["device", describeSize(node)]);
    if (target !== null) rows.push(["target", ctx.out.name(target)]);
    rows.push(
      ["permissions", describeMode(node) + (node.mode === null ? " (not set)" : "")],
      ["owner", owner(node)],
      ["links", `${node.nlink}`],
      ["modified", isoTime(node.modifiedAt)],
      ["changed", isoTime(node.ctime)],
      ["accessed", isoTime(node.atime)],
      ["created", isoTime(node.createdAt)],
    );
    for (const [key, value] of Object.entries(node.metadata)) {
      rows.push(["metadata", ctx.out.plain(`${key}=${value}`)]);
    }
    for (const line of table(rows)) await ctx.out.line(line);
  });
}
