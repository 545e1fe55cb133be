import type { Mount, NodeInfo } from "../../mod.ts";
import type { Context } from "../context.ts";
import { Fault, refuseDuplicate } from "../faults.ts";
import { statOrNull } from "../lookup.ts";
import { absolute, baseName, isRoot, joinPath } from "../paths.ts";

/**
 * Removes the target that a copy or move replaces: a file for a file, an empty directory for a
 * directory.
 */
async function clear(
  mount: Mount,
  source: NodeInfo,
  target: NodeInfo,
  path: string,
): Promise<void> {
  if (source.id === target.id) {
    throw new Fault(path, "source and destination are the same");
  }
  const into = target.type === "container";
  if (into && source.type !== "container") {
    throw new Fault(path, "a directory; a file cannot replace it");
  }
  if (!into && source.type === "container") {
    throw new Fault(path, "a file; a directory cannot replace it");
  }
  await mount.remove(path);
}

async function relocate(
  ctx: Context,
  step: (mount: Mount, from: string, to: string) => Promise<unknown>,
): Promise<void> {
  const given = ctx.operands.at(-1)!;
  const dest = absolute(given);
  const sources = ctx.operands.slice(0, -1).map(absolute);
  const done: { from: string; to: string }[] = [];
  await ctx.withMount("write", async (mount) => {
    const existing = await statOrNull(mount, dest);
    const into = existing?.type === "container";
    if (!into && (sources.length > 1 || given.endsWith("/"))) {
      throw new Fault(
        dest,
        existing === null
          ? "no such directory; create it with `aloelite mkdir -p`"
          : "not a directory",
      );
    }
    const made = new Map<string, string>();
    for (const [index, from] of sources.entries()) {
      await ctx.attempt(from, async () => {
        if (isRoot(from)) {
          throw new Fault(from, `the root cannot be ${PAST[ctx.command]}`);
        }
        const to = into ? joinPath(dest, baseName(from)) : dest;
        // One commit: the target is replaced only if the new entry takes its place.
        await mount.batch(async (tx) => {
          const source = await tx.stat(from);
          const target = await statOrNull(tx, to);
          if (target !== null) {
            refuseDuplicate(to, made.get(to));
            if (sources.includes(to, index + 1)) {
              throw new Fault(to, "is a source too; not replaced");
            }
            await clear(tx, source, target, to);
          }
          await step(tx, from, to);
        });
        made.set(to, from);
        done.push({ from, to });
      });
    }
  });
  if (ctx.json) await ctx.out.json(done);
}

const PAST: Readonly<Record<string, string>> = { mv: "moved", cp: "copied" };

/** `mv`: moves or renames. */
export async function mv(ctx: Context): Promise<void> {
  await relocate(ctx, (mount, from, to) => mount.move(from, to));
}

/** `cp`: copies inside the volume. */
export async function cp(ctx: Context): Promise<void> {
  await relocate(ctx, (mount, from, to) => mount.copy(from, to));
}
