import { parseArgs, type Parsed, UsageError } from "./args.ts";
import { type Command, COMMANDS } from "./commands.ts";
import { Context } from "./context.ts";
import { Fault, Interrupted } from "./faults.ts";
import { OutputClosed } from "./output.ts";
import { textOf } from "./words.ts";

/** How a command line ended that could not be understood. */
const WRONG_USE = 2;

async function execute(
  ctx: Context,
  parsed: Parsed<Command>,
): Promise<number> {
  const { command, operands, flags } = parsed;
  if (flags.has("help")) {
    const { showHelp } = await import("./commands/help.ts");
    await showHelp(ctx, command?.name ?? operands.join(" "));
  } else if (command !== null) {
    // Together with the command's code and not after it: a graph of modules that
    // is resolved once starts quicker. Whoever opens the file sees a failure.
    if (!command.fileless) import("../mod.ts").catch(() => {});
    const handler = await command.load();
    const code = await handler(ctx);
    if (typeof code === "number") return code;
  } else if (flags.has("version")) {
    const { showVersion } = await import("./commands/help.ts");
    await showVersion(ctx);
  } else if (operands.length > 0) {
    throw new UsageError(`unknown command ${operands[0]}`);
  } else if (ctx.namesFile) {
    const { bare } = await import("./commands/info.ts");
    await bare(ctx);
  } else {
    const { usage } = await import("./commands/help.ts");
    ctx.warn(null, "nothing to do");
    console.error(usage());
    return WRONG_USE;
  }
  return ctx.failures > 0 ? 1 : 0;
}

/** What an operand is called whose bytes are kept, in the grammar. */
const OF_BYTES = /PATH|SOURCE|DEST|GLOB/;

/**
 * Words as the command takes them: paths of a volume, and of files that are
 * copied, may be of any bytes; all else is text.
 *
 * @throws {Fault} For what is not UTF-8.
 */
function understood({ command, operands, flags }: Parsed<Command>): Parsed<Command> {
  const text = (word: string, what: string): string => {
    const found = textOf(word);
    if (found === null) throw new Fault(word, `not UTF-8, and ${what} has to be`);
    return found;
  };
  const names = (command?.operands ?? "").split(" ");
  return {
    command,
    operands: operands.map((word, i) => {
      const name = names[Math.min(i, names.length - 1)].replace(/[[\].]/g, "");
      return command?.bytes && OF_BYTES.test(name) ? word : text(word, name || "an operand");
    }),
    flags: new Map([...flags].map(([long, value]) => {
      const option = command?.options?.find((o) => o.long === long);
      return [long, option?.bytes ? value : text(value, `the value of --${long}`)];
    })),
  };
}

/**
 * Runs one command line: takes it apart, runs its command, and turns every way
 * it can end into an exit code and a line on standard error.
 *
 * @param args The words after the program's name, as `nameForm` gives them.
 * @returns The exit code.
 */
export async function run(args: readonly string[]): Promise<number> {
  let ctx = new Context(null, [], new Map());
  try {
    const found = parseArgs(args, COMMANDS);
    ctx = new Context(found.command, found.operands, found.flags);
    const parsed = understood(found);
    ctx = new Context(parsed.command, parsed.operands, parsed.flags);
    const code = await execute(ctx, parsed);
    await ctx.out.flush();
    return code;
  } catch (error) {
    return await failed(ctx, error);
  } finally {
    ctx.unguard();
  }
}

async function failed(ctx: Context, thrown: unknown): Promise<number> {
  let error = thrown;
  // Unmounting may fail for the reason that the work failed for: that one tells.
  while (error instanceof SuppressedError) error = error.suppressed;
  if (ctx.signal.aborted) return (ctx.signal.reason as Interrupted).exitCode;
  if (error instanceof Interrupted) return error.exitCode;
  // Whoever closed the pipe has what it wanted.
  if (error instanceof OutputClosed) return ctx.failures > 0 ? 1 : 0;
  if (error instanceof UsageError) {
    const command = error.command ?? (ctx.command === "" ? null : ctx.command);
    const help = command === null ? "--help" : `${command} --help`;
    const meant = error.misspelling === null
      ? ""
      : (await import("./suggestion.ts")).suggestion(error.misspelling);
    ctx.warn(null, `${error.message}${meant} (see \`aloelite ${help}\`)`);
    return WRONG_USE;
  }
  ctx.report(error);
  if (Deno.env.get("ALOELITE_DEBUG") === "1") console.error(error);
  // What was printed before the fault is still good.
  await ctx.out.flush().catch(() => {});
  return 1;
}
