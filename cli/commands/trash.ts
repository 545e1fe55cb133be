import type { Mount, TrashItem } from "../../mod.ts";
import { UsageError } from "../args.ts";
import type { Context } from "../context.ts";
import { Fault, withSubject } from "../faults.ts";
import { listing } from "../output.ts";
import { absolute, shownOf } from "../paths.ts";
import { showSize } from "../size.ts";
import { parseMoment, shortTime } from "../time.ts";

/** `trash ls`: lists removed entries that can be restored. */
export async function list(ctx: Context): Promise<void> {
  await ctx.withMount("read", async (mount) => {
    const items = await mount.trash();
    if (ctx.json) {
      await ctx.out.json(items);
      return;
    }
    const rows = items.map((item) => [
      item.id,
      shortTime(item.removedAt),
      showSize(item.size),
      `${item.nodes}`,
      ctx.out.name(shownOf(item.path)) + (item.type === "container" ? "/" : ""),
    ]);
    const headings = ["ID", "REMOVED", "SIZE", "NODES", "PATH"];
    for (const line of listing(headings, rows, [2, 3])) await ctx.out.line(line);
  });
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Returns a removed entry by its id or by its original path. */
async function pick(mount: Mount, asked: string): Promise<TrashItem> {
  const items = await mount.trash();
  const path = absolute(asked);
  const item = ID.test(asked)
    ? items.find((i) => i.id === asked)
    : items.find((i) => i.path === path);
  if (item === undefined) {
    throw new Fault(asked, "not in the trash; see `aloelite trash ls`");
  }
  return item;
}

/** `trash restore`: restores a removed entry. */
export async function restore(ctx: Context): Promise<void> {
  const [asked] = ctx.operands;
  const to = ctx.flags.get("to");
  await ctx.withMount("write", async (mount) => {
    const item = await pick(mount, asked);
    const path = await withSubject(
      to ?? item.path,
      () => mount.restore(item.id, to === undefined ? {} : { to: absolute(to) }),
    );
    if (ctx.json) await ctx.out.json({ id: item.id, path });
    else await ctx.out.line(ctx.out.name(shownOf(path)));
  });
}

/** `trash purge`: deletes removed entries permanently. */
export async function purge(ctx: Context): Promise<void> {
  const age = ctx.flags.get("older-than");
  const asked = ctx.operands[0];
  const choices = [asked, age, ctx.flags.get("all")].filter((c) => c !== undefined);
  if (choices.length !== 1) {
    throw new UsageError("purge needs one of ID, --older-than AGE and --all");
  }
  const olderThan = age === undefined ? undefined : parseMoment(age);
  await ctx.withMount("write", async (mount) => {
    const report = await mount.purge(
      asked !== undefined
        ? { id: (await pick(mount, asked)).id }
        : olderThan !== undefined
        ? { olderThan }
        : {},
    );
    if (ctx.json) await ctx.out.json(report);
    else {
      await ctx.out.line(
        `deleted ${report.nodes} nodes and ${report.chunks} chunks, ` +
          `${showSize(report.bytes)}`,
      );
    }
  });
}
