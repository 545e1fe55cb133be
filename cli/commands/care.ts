import type { AloeLite } from "../../mod.ts";
import type { Context } from "../context.ts";
import { Fault, withSubject } from "../faults.ts";
import { databasePath } from "../paths.ts";

/** `verify`: checks that every file's content is complete. */
export async function verify(ctx: Context): Promise<number> {
  const deep = ctx.flags.has("deep");
  return await ctx.withMount("read", async (mount) => {
    const report = await mount.verify({ deep });
    if (ctx.json) await ctx.out.json(report);
    else {
      for (const problem of report.problems) {
        await ctx.out.line(ctx.out.name(problem));
      }
      await ctx.out.line(
        `${report.entriesChecked} files checked` +
          (deep ? `, ${report.chunksChecked} chunks read` : "") +
          `: ${report.problems.length === 0 ? "no problem" : `${report.problems.length} problems`}`,
      );
    }
    return report.problems.length === 0 ? 0 : 1;
  });
}

/** `health`: checks the structure of the whole file. */
export async function health(ctx: Context): Promise<number> {
  await using fs = await ctx.open("read");
  const anomalies = await fs.health();
  if (ctx.json) {
    await ctx.out.json({ healthy: anomalies.length === 0, anomalies });
  } else if (anomalies.length === 0) await ctx.out.line("healthy");
  else {
    for (const { kind, id } of anomalies) {
      await ctx.out.line(ctx.out.name(`${kind}: ${id}`));
    }
  }
  return anomalies.length === 0 ? 0 : 1;
}

async function shrink(ctx: Context, fs: AloeLite): Promise<void> {
  try {
    await fs.vacuum();
  } catch (error) {
    // VACUUM attaches a temporary database, which the runtime allows only with all permissions.
    if (!String(error).includes("attached databases")) throw error;
    throw new Fault(
      ctx.file,
      "cleaned up, but not shrunk: VACUUM needs `deno run --allow-all`",
      { cause: error },
    );
  }
}

/** `repair`: removes schema objects that no known release writes, and rebuilds damaged indexes. */
export async function repair(ctx: Context): Promise<void> {
  ctx.guard();
  const { AloeLite } = await import("../../mod.ts");
  const repaired = await withSubject(ctx.file, () => AloeLite.repair(databasePath(ctx.file)));
  const objects = (what: "removed" | "rebuilt") =>
    repaired.filter(({ done }) => done === what).map(({ type, name }) => ({ type, name }));
  if (ctx.json) await ctx.out.json({ removed: objects("removed"), rebuilt: objects("rebuilt") });
  else if (repaired.length === 0) await ctx.out.line("nothing to repair");
  else {
    for (const { type, name, done } of repaired) {
      const did = done === "removed" ? "removed" : "rebuilt";
      await ctx.out.line(ctx.out.name(`${did} ${type} ${JSON.stringify(name)}`));
    }
  }
}

/** `prune`: frees space that is no longer needed. */
export async function prune(ctx: Context): Promise<void> {
  await using fs = await ctx.open("write");
  const volume = ctx.volume === undefined ? {} : { volume: (await ctx.findVolume(fs)).id };
  const rows = await fs.prune(volume);
  ctx.signal.throwIfAborted();
  const content = await fs.pruneContent(volume);
  ctx.signal.throwIfAborted();
  if (ctx.flags.has("vacuum")) await shrink(ctx, fs);
  if (ctx.json) await ctx.out.json({ ...rows, ...content });
  else {
    await ctx.out.line(
      `freed ${rows.nodes} nodes, ${rows.locks} locks, ${rows.mounts} mounts, ` +
        `${content.versions} versions, ${content.chunks} chunks`,
    );
  }
}
