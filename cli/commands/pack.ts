import type { Context } from "../context.ts";
import { Fault, withSubject } from "../faults.ts";
import { isRoot } from "../paths.ts";

/** `pack`: replaces a directory with one packed file. */
export async function pack(ctx: Context): Promise<void> {
  const path = ctx.path(0);
  if (isRoot(path)) throw new Fault(path, "the root cannot be packed");
  const id = await ctx.withMount(
    "write",
    (mount) => withSubject(path, () => mount.pack(path)),
  );
  if (ctx.json) await ctx.out.json({ path, id });
}

/** `unpack`: replaces a packed file with its directory. */
export async function unpack(ctx: Context): Promise<void> {
  const path = ctx.path(0);
  await ctx.withMount(
    "write",
    (mount) => withSubject(path, () => mount.unpack(path)),
  );
  if (ctx.json) await ctx.out.json({ path });
}
