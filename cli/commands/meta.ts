import { UsageError } from "../args.ts";
import type { Context } from "../context.ts";
import { Fault, withSubject } from "../faults.ts";

/** `meta get`: shows a node's metadata. */
export async function get(ctx: Context): Promise<void> {
  const path = ctx.path(0);
  const key = ctx.operands[1];
  await ctx.withMount("read", async (mount) => {
    const { metadata } = await withSubject(path, () => mount.stat(path));
    if (key !== undefined && !Object.hasOwn(metadata, key)) {
      throw new Fault(path, `no metadata ${key}`);
    }
    if (ctx.json) {
      await ctx.out.json(key === undefined ? metadata : metadata[key]);
    } else if (key !== undefined) {
      await ctx.out.line(ctx.out.plain(metadata[key]));
    } else {
      for (const [k, v] of Object.entries(metadata)) {
        await ctx.out.line(ctx.out.plain(`${k}=${v}`));
      }
    }
  });
}

/** Reads and changes a node's metadata in one transaction. */
async function change(
  ctx: Context,
  edit: (metadata: Map<string, string>) => void,
): Promise<void> {
  const path = ctx.path(0);
  const metadata = await ctx.withMount(
    "write",
    (mount) =>
      withSubject(path, () =>
        mount.batch(async (tx) => {
          const map = new Map(Object.entries((await tx.stat(path)).metadata));
          edit(map);
          const changed: Record<string, string> = Object.fromEntries(map);
          await tx.setMetadata(path, changed);
          return changed;
        })),
  );
  if (ctx.json) await ctx.out.json(metadata);
}

/** `meta set`: sets keys; others stay unchanged. */
export async function set(ctx: Context): Promise<void> {
  const pairs = ctx.operands.slice(1).map((text): [string, string] => {
    const at = text.indexOf("=");
    if (at < 1) throw new UsageError(`not KEY=VALUE: ${text}`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
  await change(ctx, (map) => pairs.forEach(([k, v]) => map.set(k, v)));
}

/** `meta unset`: removes keys. */
export async function unset(ctx: Context): Promise<void> {
  await change(
    ctx,
    (map) => ctx.operands.slice(1).forEach((k) => map.delete(k)),
  );
}
