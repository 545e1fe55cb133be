import { UsageError } from "../args.ts";
import type { Context } from "../context.ts";
import { ExportSource, TryAgain } from "../export_source.ts";
import { readSmallText } from "../small_file.ts";
import { explain, Fault, withSubject } from "../faults.ts";
import { givenPin } from "../pin.ts";
import { Progress } from "../progress.ts";
import { Replica } from "../replica.ts";
import { showSize } from "../size.ts";
import { parseDuration } from "../time.ts";

/** The first pause after a failure, and the longest, ms. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 300_000;

/** `replicate`: keeps a copy of a filesystem of a manager up to date. */
export async function replicate(ctx: Context): Promise<void> {
  const [url, path] = ctx.operands;
  const { flags } = ctx;
  const interval = parseDuration("--interval", flags.get("interval") ?? "60s");
  const keep = parseKeep(flags.get("keep"));
  const token = await givenPin(flags, "token");
  const [ca, cert, key] = await Promise.all(
    ["ca", "cert", "key"].map((option) => readPem(flags.get(option))),
  );
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError("--cert and --key belong together");
  }
  using source = new ExportSource({
    url,
    ...(token === null ? {} : { token: new TextDecoder().decode(token) }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { identity: { cert, key } }),
  });
  const replica = new Replica(path, source.url, keep);
  ctx.guard();
  await withSubject(path, () => replica.clean());
  for (let failures = 0;;) {
    let pause = interval;
    try {
      await follow(ctx, source, replica);
      failures = 0;
      if (flags.has("once")) return;
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (flags.has("once")) throw new Fault(path, explain(error), { cause: error });
      // A full disk may have room again later, so this is retried too.
      pause = (error instanceof TryAgain ? error.after : null) ?? backoff(failures++, interval);
      ctx.warn(path, `${explain(error)}; retrying in ${Math.ceil(pause / 1000)} s`);
    }
    await sleep(pause, ctx.signal);
  }
}

/** Fetches the file once, if it has changed. */
async function follow(ctx: Context, source: ExportSource, replica: Replica): Promise<void> {
  const { path } = replica;
  const fetched = await source.fetch(await replica.etag(), ctx.signal);
  if (!fetched.changed) return;
  const { body, size, etag } = fetched;
  const progress = new Progress("replicate", size ?? 0);
  let written: number;
  try {
    const onBytes = (bytes: number) => progress.to(bytes);
    written = await replica.replace(body, size, etag, ctx.signal, onBytes);
  } finally {
    progress.clear();
  }
  const at = new Date().toISOString();
  if (ctx.json) await ctx.out.json({ file: path, size: written, etag, at });
  else await ctx.out.line(`${at} ${path}: ${showSize(written)}`);
  await ctx.out.flush();
}

/** Returns a pause that grows with each failure, with jitter, in ms. */
function backoff(failures: number, interval: number): number {
  const most = Math.max(LONGEST_PAUSE, interval);
  const pause = Math.min(most, FIRST_PAUSE * 2 ** Math.min(failures, 20));
  return pause * (0.75 + Math.random() / 2);
}

function parseKeep(text: string | undefined): number {
  if (text === undefined) return 0;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new UsageError(`--keep needs a number of older copies, not ${text}`);
}

async function readPem(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return await withSubject(path, () => readSmallText(path));
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}
