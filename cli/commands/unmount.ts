import type { Context } from "../context.ts";
import { withSubject } from "../faults.ts";
import { explainUnmount } from "../mount_faults.ts";

/** `unmount`: ends the mount at a directory. */
export async function unmount(ctx: Context): Promise<void> {
  const [directory] = ctx.operands;
  const fuse = await import("../../fuse/mod.ts");
  await withSubject(directory, async () => {
    try {
      await fuse.unmount(directory, { lazy: ctx.flags.has("lazy") });
    } catch (error) {
      throw explainUnmount(directory, error);
    }
  });
}
