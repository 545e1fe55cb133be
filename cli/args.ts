import { typeFlag } from "type-flag";

/** Describes one option for the parser, the help and the completions. */
export interface OptionSpec {
  /** The long name, without its dashes. */
  long: string;
  /** One letter, without its dash. */
  short?: string;
  /** The name of the value in the help. An option without it is a switch. */
  value?: string;
  /** Whether the option may be repeated. The values are joined with commas. */
  list?: boolean;
  /** Whether the value is a volume path, which may hold any bytes. */
  bytes?: boolean;
  /** One line of help. */
  help: string;
}

/** What the parser needs to know about a command. */
export interface Grammar {
  /** The command's name: one word or two (`volume create`). */
  name: string;
  /** The operands as the help shows them. */
  operands: string;
  /** The minimum number of operands. */
  min: number;
  /** The maximum number of operands. */
  max: number;
  /** The command's own options, in addition to the global ones. */
  options?: readonly OptionSpec[];
}

/** An unknown word, with the words that are valid in its place. */
export interface Misspelling {
  /** The word on the command line. */
  word: string;
  /** The valid words. */
  known: readonly string[];
}

/** Reports an invalid command line, which ends the program with exit code 2. */
export class UsageError extends Error {
  /** The command that the error concerns; the remedy points to its help. */
  readonly command: string | null;
  /** The unknown word, if the error may be a spelling mistake. */
  readonly misspelling: Misspelling | null;

  constructor(
    message: string,
    command: string | null = null,
    misspelling: Misspelling | null = null,
  ) {
    super(message);
    this.command = command;
    this.misspelling = misspelling;
  }
}

/** The given options by long name; the value of a switch is empty. */
export type Flags = ReadonlyMap<string, string>;

/** A parsed command line. */
export interface Parsed<G extends Grammar> {
  /** The command, or null when only options were given. */
  command: G | null;
  /** The words that are neither options nor part of the command's name. */
  operands: string[];
  /** The given options, global ones included. */
  flags: Flags;
}

/** The options that every command takes, before or after its name. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  {
    long: "file",
    short: "f",
    value: "FILE",
    help: "the file to work on (default: $ALOELITE_FILE)",
  },
  {
    long: "volume",
    short: "v",
    value: "VOLUME",
    help: "the volume's name or id; not needed when there is one",
  },
  {
    long: "pin-file",
    value: "PATH",
    help: "read the PIN from a file (one trailing newline is dropped)",
  },
  {
    long: "pin-env",
    value: "NAME",
    help: "read the PIN from an environment variable",
  },
  {
    long: "pin-fd",
    value: "N",
    help: "read the PIN from an open file descriptor, to its end",
  },
  { long: "json", help: "print one JSON document instead of text" },
  { long: "help", short: "h", help: "show help and exit" },
];

/** Accepted before a command only: `restore` has a `--version` of its own. */
const VERSION: OptionSpec = {
  long: "version",
  help: "print the version and exit",
};

/** The result of type-flag. */
type Found = ReturnType<typeof typeFlag>;

/** Matches `-fFILE` and `-lvVOLUME`. The short options that take a value are global ones. */
const JOINED = new RegExp(
  `^-(\\w*?)([${GLOBAL_OPTIONS.map((o) => o.value && o.short || "").join("")}])(.+)$`,
  "s",
);

/**
 * Writes `-fFILE` as `--file=FILE`, because type-flag reads the joined letters as switches.
 *
 * @param letters Short options of commands that take a value; matched only at the start of a word.
 */
function expandJoined(args: readonly string[], letters: readonly string[]): string[] {
  const end = args.indexOf("--");
  const words = end < 0 ? args : args.slice(0, end);
  return [
    ...words.flatMap((word) => {
      if (/^-\w./.test(word) && letters.includes(word[1])) return [`-${word[1]}`, word.slice(2)];
      const joined = JOINED.exec(word);
      if (joined === null) return [word];
      const [, before, letter, value] = joined;
      const { long } = GLOBAL_OPTIONS.find((o) => o.short === letter)!;
      return [...(before === "" ? [] : [`-${before}`]), `--${long}=${value}`];
    }),
    ...args.slice(words.length),
  ];
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

/**
 * Removes options from a list of words.
 *
 * @param words The words; the options found are removed from it.
 * @param options The options to accept.
 * @param command The command that the words belong to, for error messages.
 * @param leading Whether to stop at the first word that is not an option.
 */
function takeOptions(
  words: string[],
  options: readonly OptionSpec[],
  command: string | null,
  leading: boolean,
): Found {
  const schema: Parameters<typeof typeFlag>[0] = {};
  for (const { long, short, value, list } of options) {
    const text = (given: string): string => {
      if (given !== "") return given;
      throw new UsageError(`--${long} needs a value (${value})`, command);
    };
    schema[long] = {
      type: value === undefined ? Boolean : list ? [text] : text,
      ...(short === undefined ? {} : { alias: short }),
    };
  }
  let stopped = false;
  return typeFlag(schema, words, {
    ignore: (type, name, value) => {
      if (stopped) return true;
      if (type === "argument") return stopped = leading;
      if (type === "unknown-flag") throw unknownOption(dashed(name), options, command);
      const spec = options.find((o) => o.long === name || o.short === name);
      if (spec?.value === undefined && value !== undefined) {
        throw new UsageError(`${dashed(name)} takes no value`, command);
      }
    },
  });
}

function unknownOption(
  word: string,
  options: readonly OptionSpec[],
  command: string | null,
): UsageError {
  const known = options.map((o) => `--${o.long}`);
  return new UsageError(`unknown option ${word}`, command, { word, known });
}

function unknownCommand(
  word: string,
  family: string | null,
  commands: readonly Grammar[],
): UsageError {
  const known = family === null
    ? new Set(commands.map((c) => c.name.split(" ")[0]))
    : commands.map((c) => c.name).filter((n) => n.startsWith(`${family} `));
  return new UsageError(`unknown command ${word}`, family, { word, known: [...known] });
}

/** Returns the words that are not options; refuses unknown words that look like options. */
function operandsOf(
  found: Found,
  options: readonly OptionSpec[],
  command: string | null,
): string[] {
  const all = [...found._];
  const unknown = all.slice(0, all.length - found._["--"].length)
    .find((word) => word.length > 1 && word.startsWith("-"));
  if (unknown !== undefined) throw unknownOption(unknown, options, command);
  return all;
}

function recordFlags(flags: Map<string, string>, found: Found): void {
  for (const [long, value] of Object.entries(found.flags)) {
    if (Array.isArray(value)) {
      if (value.length > 0) flags.set(long, value.join(","));
    } else if (value !== undefined) flags.set(long, value === true ? "" : value as string);
  }
}

function checkOperands(command: Grammar, operands: readonly string[]): void {
  const { name, min, max } = command;
  const usage = `aloelite ${name}${command.operands === "" ? "" : ` ${command.operands}`}`;
  if (operands.length < min) throw new UsageError(`usage: ${usage}`, name);
  if (operands.length > max) {
    throw new UsageError(`one operand too many: ${operands[max]} (usage: ${usage})`, name);
  }
}

/**
 * Parses a command line. Options may stand anywhere, a command's own options after its name. `--`
 * ends the options, `-` alone is an operand, and short options may be joined (`-lr`, `-fFILE`).
 * When an option is repeated, the last value counts, except for list options.
 *
 * @param args The words after the program's name.
 * @param commands All commands.
 * @throws {UsageError} When the command line is not valid.
 */
export function parseArgs<G extends Grammar>(
  args: readonly string[],
  commands: readonly G[],
): Parsed<G> {
  const flags = new Map<string, string>();
  const valued = commands.flatMap((c) => c.options ?? []).filter((o) => o.value !== undefined);
  const words = expandJoined(args, valued.flatMap((o) => o.short ?? []));
  /** The first word of a two-word command while the second one is still to come. */
  let family: string | null = null;
  let command: G | undefined;
  while (command === undefined) {
    recordFlags(flags, takeOptions(words, [...GLOBAL_OPTIONS, VERSION], family, true));
    if (words.length === 0 || words[0] === "--") break;
    const word = words.shift()!;
    const full: string = family === null ? word : `${family} ${word}`;
    command = commands.find((c) => c.name === full);
    if (command !== undefined) break;
    if (family !== null || !commands.some((c) => c.name.startsWith(`${word} `))) {
      throw unknownCommand(full, family, commands);
    }
    family = word;
  }
  if (command === undefined) {
    if (family !== null && !flags.has("help")) {
      const seconds = commands.map((c) => c.name.split(" "))
        .filter(([first]) => first === family).map(([, second]) => second);
      throw new UsageError(`${family} needs one of: ${seconds.join(", ")}`, family);
    }
    return { command: null, operands: family === null ? words.slice(1) : [family], flags };
  }
  const options = [...command.options ?? [], ...GLOBAL_OPTIONS];
  const found = takeOptions(words, options, command.name, false);
  recordFlags(flags, found);
  const operands = operandsOf(found, options, command.name);
  if (!flags.has("help")) checkOperands(command, operands);
  return { command, operands, flags };
}
