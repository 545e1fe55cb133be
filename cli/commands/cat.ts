import type { Context } from "../context.ts";
import { absolute } from "../paths.ts";
import { toStdout, versionOption } from "../stream.ts";

/** `cat`: prints files. */
export async function cat(ctx: Context): Promise<void> {
  versionOption(ctx);
  await ctx.withMount("read", async (mount) => {
    for (const path of ctx.operands.map(absolute)) {
      await ctx.attempt(path, () => toStdout(ctx, mount, path));
    }
  });
}
