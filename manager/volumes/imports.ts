import { AloeError } from "../../src/errors.ts";
import { databaseFiles } from "../../src/side_files.ts";
import { bodyPieces, contentLimits } from "../http/body.ts";
import type { FilesystemFacts } from "./filesystems.ts";
import { Problem } from "../http/problem.ts";
import type { Services } from "../services.ts";
import { visitOf } from "../http/visit.ts";

/** What says that some bytes are no filesystem that can be used here. */
const BAD: ReadonlySet<string> = new Set(["corrupt", "unsupported", "io_error", "invalid"]);

/** A chunk is in memory as a whole, several times: larger ones are not taken in, bytes. */
const LARGEST_CHUNK = 128 * 1024 * 1024;

/** Takes in filesystems that clients send. */
export class Imports {
  readonly #services: Services;
  /** One comes in after the other: of two copies of one filesystem one is refused. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(services: Services) {
    this.#services = services;
  }

  /**
   * Takes one in. It is there in whole, checked, or not at all.
   *
   * @throws {Problem} 413 for one that is too large, 408 for one that does not come,
   * 422 for what is none.
   * @throws {AloeError} `already_exists`, `no_space`.
   */
  async take(request: Request, name: string): Promise<FilesystemFacts> {
    const { filesystems, jobs, settings } = this.#services;
    const path = `${filesystems.temporary}/import-${crypto.randomUUID()}`;
    try {
      await receive(bodyPieces(request, contentLimits(settings.limits)), path);
      const { signal } = visitOf(request);
      const { faults, largestChunk } = await jobs.inspect(path, { signal })
        .catch((error) => explain(error, path));
      if (faults.length > 0) {
        throw new Problem(422, "corrupt", `the file is damaged: ${faults.slice(0, 3).join("; ")}`);
      }
      if (largestChunk > LARGEST_CHUNK) {
        throw new Problem(
          422,
          "unsupported",
          `chunks have ${LARGEST_CHUNK} bytes at most here, not ${largestChunk}: ` +
            "copy what it has to a volume of smaller ones",
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
 * Tells a client what is wrong with the file that it sent. The path in the message
 * is of this host: the client has nothing of it.
 */
function explain(error: unknown, path: string): never {
  if (!(error instanceof AloeError) || !BAD.has(error.code)) throw error;
  const said = error.message.startsWith(`${path}: `)
    ? `the file ${error.message.slice(path.length + 2)}`
    : null;
  const detail = error.code === "unsupported" && said !== null && !said.includes(path)
    ? said
    : "that is no aloelite file, or it is damaged";
  throw new Problem(422, error.code, detail, { cause: error });
}
