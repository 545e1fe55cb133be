import type { Context } from "../context.ts";
import { about, Fault } from "../faults.ts";
import { isRoot } from "../paths.ts";

/** `pack`: turns a directory into one packed file. */
export async function pack(ctx: Context): Promise<void> {
  const path = ctx.path(0);
  if (isRoot(path)) throw new Fault(path, "the root cannot be packed");
  const id = await ctx.withMount(
    "write",
    (mount) => about(path, () => mount.pack(path)),
  );
  if (ctx.json) await ctx.out.json({ path, id });
}

/** `unpack`: turns a packed file back into its directory. */
export async function unpack(ctx: Context): Promise<void> {
  const path = ctx.path(0);
  await ctx.withMount(
    "write",
    (mount) => about(path, () => mount.unpack(path)),
  );
  if (ctx.json) await ctx.out.json({ path });
}
