import type { Mount, NodeInfo } from "../../mod.ts";
import { UsageError } from "../args.ts";
import type { Context } from "../context.ts";
import { Fault, withSubject } from "../faults.ts";
import { checkName, Exporter } from "../exporter.ts";
import { follow } from "../links.ts";
import * as files from "../local_files.ts";
import { fileKind, refuseSpecial } from "../node_facts.ts";
import { absolute, baseName, isRoot, localJoin } from "../paths.ts";
import { Progress } from "../progress.ts";
import { toStdout, versionOption } from "../stream.ts";

/** The operand that means standard output. */
const STDOUT = "-";

/**
 * Returns whether a local path is a directory, following links; null when the path does not exist.
 */
function isDirectory(path: string): boolean | null {
  try {
    return files.stat(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Returns the number of bytes below a node, for the progress line. */
async function totalSize(mount: Mount, node: NodeInfo): Promise<number> {
  if (node.type !== "container") return node.size ?? 0;
  let bytes = 0;
  for (const child of await mount.listById(node.id)) {
    if (!child.visible) continue;
    bytes += await totalSize(mount, await mount.statById(child.node));
  }
  return bytes;
}

async function one(
  ctx: Context,
  mount: Mount,
  exporter: Exporter,
  path: string,
  dest: string,
  several: boolean,
): Promise<void> {
  const version = versionOption(ctx);
  const recursive = ctx.flags.has("recursive");
  // Without -r, links are followed, as in cp.
  const { path: at, node } = recursive
    ? { path, node: await mount.stat(path) }
    : await follow(mount, path);
  refuseSpecial(path, node);
  const kind = fileKind(node);
  const directory = kind === "directory";
  if (directory && !recursive) {
    throw new Fault(path, "a directory; add -r to copy it");
  }
  const existing = isDirectory(dest);
  if (existing !== true && (several || (dest.endsWith("/") && !directory))) {
    throw new Fault(
      dest,
      existing === null ? "no such directory; create it first" : "not a directory",
    );
  }
  const into = existing === true && !isRoot(path);
  if (into) checkName(path, baseName(path));
  const local = into
    ? localJoin(dest, baseName(path))
    : dest.length > 1
    ? dest.replace(/\/+$/, "")
    : dest;
  if (version === undefined || kind !== "file") {
    await exporter.node(at, node, local, !into);
    return;
  }
  const versions = await mount.history(at);
  const size = versions.find((v) => v.version === version)?.size ?? null;
  await exporter.file(
    at,
    { ...node, size },
    local,
    !into,
    () => mount.openRead(at, { version }),
  );
}

/** `get`: copies files out of the volume. */
export async function get(ctx: Context): Promise<void> {
  const alone = ctx.operands.length === 1;
  const paths = (alone ? ctx.operands : ctx.operands.slice(0, -1)).map(
    absolute,
  );
  const dest = alone ? "." : ctx.operands.at(-1)!;
  const recursive = ctx.flags.has("recursive");
  if (dest === "") throw new UsageError("the destination is empty");
  if (recursive && versionOption(ctx) !== undefined) {
    throw new UsageError("--version is for files; leave -r out");
  }
  if (dest === STDOUT) {
    if (recursive) throw new UsageError("a directory cannot be written to standard output");
    if (ctx.json) throw new UsageError("--json cannot be combined with output to standard output");
    await ctx.withMount("read", async (mount) => {
      for (const path of paths) {
        await ctx.attempt(path, () => toStdout(ctx, mount, path));
      }
    });
    return;
  }
  ctx.guard();
  const progress = new Progress("get");
  try {
    await ctx.withMount("read", async (mount) => {
      if (progress.visible) {
        let total = 0;
        for (const path of paths) {
          total += await withSubject(
            path,
            async () => await totalSize(mount, await mount.stat(path)),
          );
        }
        progress.to(0, total);
      }
      const exporter = new Exporter(ctx, mount, progress, paths.length > 1);
      for (const path of paths) {
        const done = await ctx.attempt(
          path,
          () => one(ctx, mount, exporter, path, dest, paths.length > 1),
        );
        if (!done) exporter.report.failed.push(path);
      }
      await exporter.finish();
      progress.clear();
      if (ctx.json) await ctx.out.json(exporter.report);
    });
  } finally {
    progress.clear();
  }
}
