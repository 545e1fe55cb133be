import type { Context } from "../context.ts";
import { absolute } from "../paths.ts";

/** `mkdir`: makes directories. */
export async function mkdir(ctx: Context): Promise<void> {
  const parents = ctx.flags.has("parents");
  const made: { path: string; id: string }[] = [];
  await ctx.withMount("write", async (mount) => {
    for (const path of ctx.operands.map(absolute)) {
      await ctx.attempt(path, async () => {
        const id = await mount.mkdir(path, { parents, existOk: parents });
        made.push({ path, id });
      });
    }
  });
  if (ctx.json) await ctx.out.json(made);
}
