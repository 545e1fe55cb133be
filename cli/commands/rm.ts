import type { Context } from "../context.ts";
import { Fault } from "../faults.ts";
import { absolute, isRoot } from "../paths.ts";

/** `rm`: moves entries to the trash. */
export async function rm(ctx: Context): Promise<void> {
  const recursive = ctx.flags.has("recursive");
  const removed: { path: string; id: string }[] = [];
  await ctx.withMount("write", async (mount) => {
    for (const path of ctx.operands.map(absolute)) {
      await ctx.attempt(path, async () => {
        if (isRoot(path)) throw new Fault(path, "the root cannot be removed");
        const { id, type } = await mount.stat(path);
        if (recursive && type === "container") {
          await mount.removeRecursive(path);
        } else await mount.remove(path);
        removed.push({ path, id });
      });
    }
  });
  if (ctx.json) await ctx.out.json(removed);
}
