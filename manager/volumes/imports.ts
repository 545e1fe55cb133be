import { AloeError } from "../../src/errors.ts";
import { databaseFiles } from "../../src/side_files.ts";
import type { FilesystemFacts } from "./facts.ts";
import { Problem } from "../http/problem.ts";
import type { Filesystems } from "./filesystems.ts";

/** Codes of errors that mean that a file is no filesystem that can be used here. */
const BAD: ReadonlySet<string> = new Set(["corrupt", "unsupported", "io_error", "invalid"]);

/** The largest chunk of an import, bytes: chunks are in memory as a whole, several times. */
const LARGEST_CHUNK = 128 * 1024 * 1024;

/** What an inspection of a file tells. */
export interface FileInspection {
  /** What is wrong with the file, a line each. */
  faults: readonly string[];
  /** Bytes of the largest chunk that it has or may get. */
  largestChunk: number;
}

/** What imports need. */
export interface ImportsOptions {
  filesystems: Pick<Filesystems, "temporary" | "import">;
  /** Inspects a file, apart from this thread. */
  inspect: (path: string, options: { signal: AbortSignal }) => Promise<FileInspection>;
}

/** Imports filesystems that clients send. */
export class Imports {
  readonly #options: ImportsOptions;
  /** Imports run one after the other, so that one of two copies is refused. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ImportsOptions) {
    this.#options = options;
  }

  /**
   * Imports one: whole and checked, or not at all.
   *
   * @param body The bytes of its file.
   * @param signal Aborted when nobody waits for the result any more.
   * @throws {Problem} 422 for a file that is no filesystem; what the body throws.
   * @throws {AloeError} `already_exists`, `no_space`.
   */
  async take(
    body: AsyncIterable<Uint8Array>,
    name: string,
    signal: AbortSignal,
  ): Promise<FilesystemFacts> {
    const { filesystems, inspect } = this.#options;
    const path = `${filesystems.temporary}/import-${crypto.randomUUID()}`;
    try {
      await receive(body, path);
      const { faults, largestChunk } = await inspect(path, { signal })
        .catch((error) => explain(error, path));
      if (faults.length > 0) {
        throw new Problem(422, "corrupt", `the file is damaged: ${faults.slice(0, 3).join("; ")}`);
      }
      if (largestChunk > LARGEST_CHUNK) {
        throw new Problem(
          422,
          "unsupported",
          `chunks may have ${LARGEST_CHUNK} bytes at most here, not ${largestChunk}: ` +
            "copy its content to a volume with smaller ones",
        );
      }
      const move = () => filesystems.import(path, name);
      const moved = this.#last.then(move, move);
      this.#last = moved;
      return await moved;
    } finally {
      for (const each of databaseFiles(path)) await Deno.remove(each).catch(() => {});
    }
  }
}

async function receive(body: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  using file = await Deno.open(path, { createNew: true, write: true, mode: 0o600 });
  for await (const part of body) {
    for (let done = 0; done < part.length;) done += await write(file, part.subarray(done));
  }
  await file.sync();
}

async function write(file: Deno.FsFile, part: Uint8Array): Promise<number> {
  try {
    return await file.write(part);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
    throw new AloeError("no_space", "no space is left for the filesystem", { cause: error });
  }
}

/**
 * Explains what is wrong with a client's file. The message must not disclose the path
 * on this host.
 */
function explain(error: unknown, path: string): never {
  if (!(error instanceof AloeError) || !BAD.has(error.code)) throw error;
  const said = error.message.startsWith(`${path}: `)
    ? `the file ${error.message.slice(path.length + 2)}`
    : null;
  const detail = error.code === "unsupported" && said !== null && !said.includes(path)
    ? said
    : "the file is no aloelite file, or it is damaged";
  throw new Problem(422, error.code, detail, { cause: error });
}
