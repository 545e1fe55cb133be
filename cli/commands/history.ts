import { UsageError } from "../args.ts";
import type { Context } from "../context.ts";
import { Fault, withSubject } from "../faults.ts";
import { listing } from "../output.ts";
import { versionOption } from "../stream.ts";
import { shortTime } from "../time.ts";

/** `history`: lists the versions of a file. */
export async function history(ctx: Context): Promise<void> {
  const path = ctx.path(0);
  await ctx.withMount("read", async (mount) => {
    const versions = await withSubject(path, () => mount.history(path));
    if (ctx.json) {
      await ctx.out.json(versions);
      return;
    }
    const rows = versions.map((v) => [
      `${v.version}`,
      `${v.size}`,
      shortTime(v.committedAt),
      v.current ? "current" : "",
    ]);
    const headings = ["VERSION", "BYTES", "WRITTEN", ""];
    for (const line of listing(headings, rows, [0, 1])) await ctx.out.line(line);
  });
}

/** `restore`: makes an older version the newest one. */
export async function restore(ctx: Context): Promise<void> {
  const path = ctx.path(0);
  const from = versionOption(ctx);
  if (from === undefined) {
    throw new UsageError("a version is required: --version N (see history)");
  }
  const version = await ctx.withMount(
    "write",
    (mount) => withSubject(path, () => mount.restoreVersion(path, from)),
  );
  if (ctx.json) await ctx.out.json({ path, restored: from, version });
}

/** `retention`: shows or sets how many versions of a file are kept. */
export async function retention(ctx: Context): Promise<void> {
  const path = ctx.path(0);
  const text = ctx.operands[1];
  if (text === undefined) return await showRetention(ctx, path);
  const keep = text === "all" ? null : Number(text);
  if (text !== "all" && !/^[1-9]\d{0,8}$/.test(text)) {
    throw new UsageError(`the number of versions must be at least 1, or all, not ${text}`);
  }
  await ctx.withMount(
    "write",
    (mount) => withSubject(path, () => mount.setRetention(path, keep)),
  );
  if (ctx.json) await ctx.out.json({ path, keep });
}

async function showRetention(ctx: Context, path: string): Promise<void> {
  await ctx.withMount("read", async (mount) => {
    const { type, retention: keep } = await withSubject(path, () => mount.stat(path));
    if (type === "container") throw new Fault(path, "a directory; files have versions");
    if (ctx.json) await ctx.out.json({ path, keep });
    else await ctx.out.line(`${keep ?? "all"}`);
  });
}
