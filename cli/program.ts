import { parseArgs, type Parsed, UsageError } from "./args.ts";
import { type Command, COMMANDS } from "./commands.ts";
import { Context } from "./context.ts";
import { Fault, Interrupted } from "./faults.ts";
import { OutputClosed } from "./output.ts";
import { textOf } from "./words.ts";

/** The exit code of a usage error. */
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
    // Load the engine in parallel with the command's code, because one combined module graph loads
    // faster. A failure is reported when the file is opened.
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

/** Matches the operands that may hold any bytes, by their names in the grammar. */
const OF_BYTES = /PATH|SOURCE|DEST|GLOB/;

/**
 * Returns a command line as its command expects it: paths of a volume and of copied files may hold
 * any bytes; all other words must be text.
 *
 * @throws {Fault} When another word is not valid UTF-8.
 */
function checkText({ command, operands, flags }: Parsed<Command>): Parsed<Command> {
  const text = (word: string, what: string): string => {
    const found = textOf(word);
    if (found === null) throw new Fault(word, `not UTF-8; ${what} must be UTF-8`);
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
 * Runs one command line: parses it, runs its command, and turns every outcome into an exit code and
 * a line on standard error.
 *
 * @param args The words after the program's name, as `nameForm` returns them.
 * @returns The exit code.
 */
export async function run(args: readonly string[]): Promise<number> {
  let ctx = new Context(null, [], new Map());
  try {
    const found = parseArgs(args, COMMANDS);
    ctx = new Context(found.command, found.operands, found.flags);
    const parsed = checkText(found);
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
  // Unmounting may fail for the same reason as the work; report the first error.
  while (error instanceof SuppressedError) error = error.suppressed;
  if (ctx.signal.aborted) return (ctx.signal.reason as Interrupted).exitCode;
  if (error instanceof Interrupted) return error.exitCode;
  // The reader has closed the pipe on purpose.
  if (error instanceof OutputClosed) return ctx.failures > 0 ? 1 : 0;
  if (error instanceof UsageError) {
    const command = error.command ?? (ctx.command === "" ? null : ctx.command);
    const help = command === null ? "--help" : `${command} --help`;
    const hint = error.misspelling === null
      ? ""
      : (await import("./suggestion.ts")).suggestion(error.misspelling);
    ctx.warn(null, `${error.message}${hint} (see \`aloelite ${help}\`)`);
    return WRONG_USE;
  }
  ctx.report(error);
  if (Deno.env.get("ALOELITE_DEBUG") === "1") console.error(error);
  // The output printed before the failure is still valid.
  await ctx.out.flush().catch(() => {});
  return 1;
}
