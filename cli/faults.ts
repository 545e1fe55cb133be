import type { AloeError, AloeErrorCode } from "../mod.ts";
import { UsageError } from "./args.ts";
import { OutputClosed } from "./output.ts";

/**
 * Whether a failure is one that the library reports itself. By name, so that
 * saying what went wrong does not load the engine.
 */
export function isAloeError(error: unknown): error is AloeError {
  return error instanceof Error && error.name === "AloeError";
}

/** A failure that names what it is about and, where there is one, the remedy. */
export class Fault extends Error {
  /** The path, id or file concerned; null when it is about none. */
  readonly subject: string | null;

  constructor(subject: string | null, message: string, options?: ErrorOptions) {
    super(message, options);
    this.subject = subject;
  }
}

/** The library's code for a failure, also for one that was given a path since. */
export function codeOf(error: unknown): AloeErrorCode | null {
  if (isAloeError(error)) return error.code;
  return error instanceof Fault && isAloeError(error.cause) ? error.cause.code : null;
}

/** The process was asked to end by a signal. */
export class Interrupted extends Error {
  /** The exit code: 128 and the signal's number. */
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("interrupted");
    this.exitCode = exitCode;
  }
}

/** What to do about a failure, by its code. */
const REMEDIES: Readonly<Partial<Record<AloeErrorCode, string>>> = {
  lock_held: "try again when that has ended",
  already_exists: "choose another name",
  container_exists: "choose another name",
  mount_conflict: "`aloelite mounts` lists who uses it",
  mount_invalid: "run the command again",
  no_space: "free some and try again",
};

/** The library's words and what to do, for somebody at a command line. */
function advise(error: AloeError): string {
  const { code, message } = error;
  if (code === "bad_key") return "wrong PIN";
  if (message.endsWith("no such file or directory")) {
    return message.replace(
      "no such file or directory",
      "not found; `aloelite tree` shows what there is",
    );
  }
  if (code === "not_empty" && message.endsWith("not empty")) {
    return `${message}; add -r to take all that is in it`;
  }
  if (message.endsWith("is not retained")) {
    return `${message}; \`aloelite history\` lists those that are`;
  }
  if (message.endsWith("no such mount")) {
    return `${message}; \`aloelite mounts\` lists them`;
  }
  if (code === "corrupt" && message.includes("chunk")) {
    return `${message}; \`aloelite verify --deep\` lists all that is damaged`;
  }
  const remedy = REMEDIES[code];
  return remedy === undefined ? message : `${message}; ${remedy}`;
}

function local(error: Error): string | null {
  if (error instanceof Deno.errors.NotFound) return "no such file or directory";
  if (error instanceof Deno.errors.AlreadyExists) return "already exists";
  if (error instanceof Deno.errors.NotADirectory) return "not a directory";
  if (error instanceof Deno.errors.IsADirectory) return "a directory";
  if (error instanceof Deno.errors.NotCapable) {
    return `${error.message.split("\n")[0]}`;
  }
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.FilesystemLoop) {
    return "too many symbolic links";
  }
  const code = (error as { code?: string }).code;
  if (code === "ENOSPC") return "no space left on the device";
  if (code === "ENAMETOOLONG") return "the name is too long";
  return null;
}

/** Says in one line what went wrong, without the subject. */
export function explain(error: unknown): string {
  if (isAloeError(error)) return advise(error);
  if (error instanceof Fault) return error.message;
  if (error instanceof Error) return local(error) ?? error.message;
  return String(error);
}

/**
 * Runs one step of a command and makes its failures name a path.
 *
 * @param subject The path, id or file that the step is about.
 */
export async function about<T>(
  subject: string,
  step: () => Promise<T> | T,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw named(subject, error);
  }
}

/** The same failure, naming a local path if it is the operating system's. */
export function namedLocal(path: string, error: unknown): unknown {
  return error instanceof Error && !isAloeError(error) && local(error) !== null
    ? named(path, error)
    : error;
}

/** The same failure, naming a path unless it names what it is about, or needs not. */
export function named(subject: string, error: unknown): unknown {
  const own = [Fault, Interrupted, UsageError, OutputClosed];
  if (error instanceof Error && !own.some((c) => error instanceof c)) {
    return new Fault(subject, without(subject, explain(error)), {
      cause: error,
    });
  }
  return error;
}

/**
 * Refuses to replace what the same command has just made: two of its sources
 * have one name, and the first would be lost.
 *
 * @param path The name that both want.
 * @param first Where its first content came from; undefined when it has none.
 */
export function refuseSecond(path: string, first: string | undefined): void {
  if (first === undefined) return;
  throw new Fault(path, `just made from ${first}; not replaced by another of that name`);
}

/** A message that does not begin with its subject: that is named before it. */
function without(subject: string, message: string): string {
  const bare = subject.replace(/^\/+/, "");
  for (const begin of [`${subject}: `, `/${bare}: `, `${bare}: `]) {
    if (bare !== "" && message.startsWith(begin)) {
      return message.slice(begin.length);
    }
  }
  return message.startsWith("/: ") && bare === "" ? message.slice(3) : message;
}
