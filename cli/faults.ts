import type { AloeError, AloeErrorCode } from "../mod.ts";
import { UsageError } from "./args.ts";
import { OutputClosed } from "./output.ts";

/**
 * Returns whether an error is the library's own. It compares the name, so that reporting an error
 * does not load the engine.
 */
export function isAloeError(error: unknown): error is AloeError {
  return error instanceof Error && error.name === "AloeError";
}

/** A failure that names its subject and, where one exists, the remedy. */
export class Fault extends Error {
  /** The path, id or file concerned; null for none. */
  readonly subject: string | null;

  constructor(subject: string | null, message: string, options?: ErrorOptions) {
    super(message, options);
    this.subject = subject;
  }
}

/** Returns the library's code of an error, also of one wrapped with a path. */
export function codeOf(error: unknown): AloeErrorCode | null {
  if (isAloeError(error)) return error.code;
  return error instanceof Fault && isAloeError(error.cause) ? error.cause.code : null;
}

/** Thrown when a signal has interrupted the process. */
export class Interrupted extends Error {
  /** The exit code: 128 plus the signal's number. */
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("interrupted");
    this.exitCode = exitCode;
  }
}

/** The remedy for each error code. */
const REMEDIES: Readonly<Partial<Record<AloeErrorCode, string>>> = {
  lock_held: "try again when it is released",
  already_exists: "choose another name",
  container_exists: "choose another name",
  mount_conflict: "`aloelite mounts` lists the mounts",
  mount_invalid: "run the command again",
  no_space: "free some space and try again",
};

/** Returns the library's message with a remedy for a command-line user. */
function advise(error: AloeError): string {
  const { code, message } = error;
  if (code === "bad_key") return "wrong PIN";
  if (message.endsWith("no such file or directory")) {
    return message.replace(
      "no such file or directory",
      "not found; `aloelite tree` shows the existing paths",
    );
  }
  if (code === "not_empty" && message.endsWith("not empty")) {
    return `${message}; add -r to include its contents`;
  }
  if (message.endsWith("is not retained")) {
    return `${message}; \`aloelite history\` lists the retained versions`;
  }
  if (message.endsWith("no such mount")) {
    return `${message}; \`aloelite mounts\` lists them`;
  }
  if (code === "corrupt" && message.includes("chunk")) {
    return `${message}; \`aloelite verify --deep\` lists all damage`;
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

/** Returns a one-line description of an error, without its subject. */
export function explain(error: unknown): string {
  if (isAloeError(error)) return advise(error);
  if (error instanceof Fault) return error.message;
  if (error instanceof Error) return local(error) ?? error.message;
  return String(error);
}

/**
 * Runs one step of a command and adds a path to its failures.
 *
 * @param subject The path, id or file that the step concerns.
 */
export async function withSubject<T>(
  subject: string,
  step: () => Promise<T> | T,
): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw addSubject(subject, error);
  }
}

/** Adds a local path to an error of the operating system; returns other errors unchanged. */
export function addLocalSubject(path: string, error: unknown): unknown {
  return error instanceof Error && !isAloeError(error) && local(error) !== null
    ? addSubject(path, error)
    : error;
}

/** Adds a path to an error that has no subject and needs one. */
export function addSubject(subject: string, error: unknown): unknown {
  const exempt = [Fault, Interrupted, UsageError, OutputClosed];
  if (error instanceof Error && !exempt.some((c) => error instanceof c)) {
    return new Fault(subject, stripSubject(subject, explain(error)), {
      cause: error,
    });
  }
  return error;
}

/**
 * Refuses to replace a file that this command has written: two sources have one name, and the first
 * would be lost.
 *
 * @param path The destination of both sources.
 * @param first The first source; undefined when this command has not written the path.
 */
export function refuseDuplicate(path: string, first: string | undefined): void {
  if (first === undefined) return;
  throw new Fault(
    path,
    `already written from ${first}; not replaced by a second source of that name`,
  );
}

/** Removes the subject from the start of a message, because the subject is printed before it. */
function stripSubject(subject: string, message: string): string {
  const bare = subject.replace(/^\/+/, "");
  for (const begin of [`${subject}: `, `/${bare}: `, `${bare}: `]) {
    if (bare !== "" && message.startsWith(begin)) {
      return message.slice(begin.length);
    }
  }
  return message.startsWith("/: ") && bare === "" ? message.slice(3) : message;
}
