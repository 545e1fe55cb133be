import type { AloeLite } from "../../mod.ts";
import type { Context } from "../context.ts";
import { withSubject } from "../faults.ts";
import { makeFile } from "../new_file.ts";
import { table } from "../output.ts";
import { showSize } from "../size.ts";
import { printVolumes } from "./volume.ts";

async function show(ctx: Context, fs: AloeLite): Promise<void> {
  const facts = await fs.info();
  const volumes = await fs.volumes();
  const space = await fs.space();
  if (ctx.json) {
    await ctx.out.json({ file: ctx.file, ...facts, space, volumes });
    return;
  }
  const rows = [
    ["file", ctx.out.plain(ctx.file)],
    ["format", `era ${facts.era}`],
    ["size", `${showSize(facts.size)}, ${showSize(facts.free)} of it free`],
    [
      "content",
      `${showSize(facts.contentBytes)}, stored in ${facts.chunks} chunks: ` +
      `${showSize(facts.chunkBytes)}`,
    ],
    ["", `files ${showSize(space.content)}, older versions ${showSize(space.versions)}`],
    ["", `trash ${showSize(space.trash)}, unfinished ${showSize(space.unfinished)}`],
    ["", `unused ${showSize(space.unused)}, metadata ${showSize(space.metadata)}`],
    ["saved", `${showSize(space.saved)} by deduplication`],
    ...(space.disk === null ? [] : [["disk", `${showSize(space.disk)} left`]]),
    ["nodes", `${facts.nodes}`],
    ["mounts", `${facts.mounts}`],
    ["volumes", `${facts.volumes}`],
  ];
  for (const line of table(rows)) await ctx.out.line(line);
  if (volumes.length === 0) {
    await ctx.out.line(
      "\nNo volume yet; create one with `aloelite volume create NAME`.",
    );
    return;
  }
  await ctx.out.line();
  await printVolumes(ctx, volumes);
}

/** `info`: shows facts about the file. */
export async function info(ctx: Context): Promise<void> {
  await using fs = await ctx.open("read");
  await show(ctx, fs);
}

/**
 * `aloelite -f FILE`: creates a missing file with a volume `main`, or shows facts about an existing
 * one. A PIN option makes the new volume encrypted.
 */
export async function bare(ctx: Context): Promise<void> {
  const made = await makeFile(ctx);
  if (made === null) return await info(ctx);
  made.pin?.fill(0);
  await using fs = made.fs;
  await withSubject(ctx.file, () => show(ctx, fs));
}
