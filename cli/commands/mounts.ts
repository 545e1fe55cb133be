import type { Context } from "../context.ts";
import { withSubject } from "../faults.ts";
import { listing } from "../output.ts";
import { shortTime } from "../time.ts";

/** `mounts`: lists the mounts of volumes, or ends one. */
export async function mounts(ctx: Context): Promise<void> {
  const end = ctx.flags.get("end");
  if (end !== undefined) {
    await using fs = await ctx.open("write");
    await withSubject(end, () => fs.unmount(end));
    if (ctx.json) await ctx.out.json({ ended: end });
    return;
  }
  await using fs = await ctx.open("read");
  const volume = ctx.volume === undefined ? undefined : (await ctx.findVolume(fs)).id;
  const found = await fs.mounts({
    ...(volume === undefined ? {} : { volume }),
    all: ctx.flags.has("all"),
  });
  if (ctx.json) {
    await ctx.out.json(found);
    return;
  }
  const names = new Map(
    (await fs.volumes()).map((v) => [v.id, v.name ?? v.id]),
  );
  const rows = found.map((m) => [
    m.id,
    ctx.out.plain(names.get(m.volume) ?? m.volume),
    m.access,
    m.state,
    shortTime(m.createdAt),
    m.expiresAt === null ? "no end" : shortTime(m.expiresAt),
    ctx.out.name(m.mountPath ?? "(removed)"),
  ]);
  const headings = ["ID", "VOLUME", "ACCESS", "STATE", "SINCE", "UNTIL", "PATH"];
  for (const line of listing(headings, rows)) await ctx.out.line(line);
}
