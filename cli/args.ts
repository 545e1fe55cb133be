import { typeFlag } from "type-flag";

/** The description of one option: what the parser, the help and the completions read. */
export interface OptionSpec {
  /** The long name, without its dashes. */
  long: string;
  /** One letter, without its dash. */
  short?: string;
  /** What the value is called in the help; without it the option is a switch. */
  value?: string;
  /** Whether it may be given more than once: the values are joined with commas. */
  list?: boolean;
  /** Whether its value is a path of a volume, which may be of any bytes. */
  bytes?: boolean;
  /** One line of help. */
  help: string;
}

/** What the parser has to know of a command. */
export interface Grammar {
  /** Its name, of one word or two (`volume create`). */
  name: string;
  /** How its operands are written in the help. */
  operands: string;
  /** The fewest operands that it takes. */
  min: number;
  /** The most operands that it takes. */
  max: number;
  /** Its own options, beside the global ones. */
  options?: readonly OptionSpec[];
}

/** A word that was not understood, and those that would have been. */
export interface Misspelling {
  /** What was written. */
  word: string;
  /** What could have been meant. */
  known: readonly string[];
}

/** A command line that cannot be understood: exit code 2. */
export class UsageError extends Error {
  /** The command it is about, so that the remedy can point to its help. */
  readonly command: string | null;
  /** The word that may be a slip of the fingers, if it is one. */
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

/** The options that were given, by their long names; a switch's value is empty. */
export type Flags = ReadonlyMap<string, string>;

/** A command line taken apart. */
export interface Parsed<G extends Grammar> {
  /** The command, null when only options were given. */
  command: G | null;
  /** What is left when the options and the command's words are taken out. */
  operands: string[];
  /** The options, global ones included. */
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

/** Only understood where no command has been named: `restore` has a `--version` of its own. */
const VERSION: OptionSpec = {
  long: "version",
  help: "print the version and exit",
};

/** Where type-flag puts what it found. */
type Found = ReturnType<typeof typeFlag>;

/** `-fFILE`, `-lvVOLUME`: the short options that take a value are global ones. */
const JOINED = new RegExp(
  `^-(\\w*?)([${GLOBAL_OPTIONS.map((o) => o.value && o.short || "").join("")}])(.+)$`,
  "s",
);

/**
 * Writes `-fFILE` as `--file=FILE`: type-flag takes the letters for switches.
 *
 * @param letters Short options of commands that take a value: only first in their word.
 */
function separate(args: readonly string[], letters: readonly string[]): string[] {
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
 * Takes options out of words.
 *
 * @param words Loses what was taken.
 * @param options Those that are understood.
 * @param command What the words belong to, for messages.
 * @param leading Whether to stop at the first word that is no option.
 */
function take(
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

/** What is no option; refuses words that look like one and are none. */
function operandsOf(
  found: Found,
  options: readonly OptionSpec[],
  command: string | null,
): string[] {
  const all = [...found._];
  const odd = all.slice(0, all.length - found._["--"].length)
    .find((word) => word.length > 1 && word.startsWith("-"));
  if (odd !== undefined) throw unknownOption(odd, options, command);
  return all;
}

function note(flags: Map<string, string>, found: Found): void {
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
 * Takes a command line apart. Options may stand anywhere, the command's own
 * after its name; `--` ends them, `-` alone is an operand, and short ones may be
 * joined (`-lr`, `-fFILE`). Of an option given twice the last one counts, but for
 * those that are lists.
 *
 * @param args The words after the program's name.
 * @param commands Every command there is.
 * @throws {UsageError} For what no command understands.
 */
export function parseArgs<G extends Grammar>(
  args: readonly string[],
  commands: readonly G[],
): Parsed<G> {
  const flags = new Map<string, string>();
  const valued = commands.flatMap((c) => c.options ?? []).filter((o) => o.value !== undefined);
  const words = separate(args, valued.flatMap((o) => o.short ?? []));
  /** The first word of a command of two, until the second one comes. */
  let family: string | null = null;
  let command: G | undefined;
  while (command === undefined) {
    note(flags, take(words, [...GLOBAL_OPTIONS, VERSION], family, true));
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
  const found = take(words, options, command.name, false);
  note(flags, found);
  const operands = operandsOf(found, options, command.name);
  if (!flags.has("help")) checkOperands(command, operands);
  return { command, operands, flags };
}
