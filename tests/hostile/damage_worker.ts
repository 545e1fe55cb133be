/**
 * Damages copies of good files and does with each what a user might. In a process of its
 * own, so that it can be ended where something never ends: standard input has the cases
 * as JSON, one a line; standard output gets, of each, what was damaged before it is
 * looked at, and afterwards what is wrong with how that went.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { AloeError, AloeLite, type Mount } from "../../mod.ts";
import { damageFile } from "./file_damage.ts";
import { type GoodFile, type GoodVolume, readTree } from "./good_files.ts";
import { Random } from "./random.ts";

/** What is to be done. */
export interface DamageCase {
  good: GoodFile;
  seed: number;
  /** Where the damaged file is to be. */
  path: string;
}

/** What is said of it. */
export type DamageAnswer =
  | { damage: string }
  | {
    /** `refused`, `told` by `verify` or `health`, or `harmless`. */
    end: "refused" | "told" | "harmless";
    failures: string[];
  };

/**
 * How long the processor may be busy with one call, ms: a second, on a machine that is five
 * times as slow as most. All calls take a few milliseconds but the first, which loads modules.
 */
const SLOW = 5000;

class Attempt {
  readonly failures: string[] = [];
  readonly #case: DamageCase;
  told = 0;

  constructor(one: DamageCase) {
    this.#case = one;
  }

  /** Runs a call, whose only errors are the closed set's. @returns Null when it failed. */
  readonly call = async <T>(what: string, task: () => Promise<T>): Promise<T | null> => {
    const begun = process.cpuUsage();
    try {
      return await task();
    } catch (error) {
      if (what === "health") this.failures.push(`health: ${error}`);
      if (!(error instanceof AloeError)) {
        this.failures.push(`${what}: ${(error as Error).stack ?? error}`);
      }
      return null;
    } finally {
      const { user, system } = process.cpuUsage(begun);
      const ms = (user + system) / 1000;
      if (ms > SLOW) this.failures.push(`${what}: took the processor for ${ms} ms`);
    }
  };

  async run(): Promise<DamageAnswer> {
    const { good, path } = this.#case;
    let end: "refused" | "told" | "harmless" = "refused";
    {
      await using fs = await this.call("open", () => AloeLite.open(path, { readOnly: true }));
      if (fs !== null) {
        const health = await this.call("health", () => fs.health());
        await this.call("pages", () => fs.pageCheck());
        await this.call("volumes", () => fs.volumes());
        const found: string[] = (health ?? []).map(({ kind, id }) => `${kind} ${id}`);
        const wrong: string[] = [];
        for (const volume of good.volumes) {
          const report = await this.#look(fs, volume, good.named);
          wrong.push(...report.wrong);
          found.push(...report.found);
        }
        if (wrong.length > 0 && found.length === 0) {
          this.failures.push(`nothing tells of ${wrong.slice(0, 3).join(", ")}`);
        }
        end = found.length > 0 ? "told" : "harmless";
      }
    }
    {
      await using fs = await this.call(
        "open for writing",
        () => AloeLite.open(path, { durability: "normal" }),
      );
      if (fs !== null) await this.#write(fs, good.volumes[0], end === "harmless");
    }
    return { end, failures: this.failures };
  }

  async #look(
    fs: AloeLite,
    volume: GoodVolume,
    named: boolean,
  ): Promise<{ wrong: string[]; found: string[] }> {
    const mount = await this.#mount(fs, volume, "ro");
    // What cannot be mounted gives nothing wrong.
    if (mount === null) return { wrong: [], found: [] };
    const report = await this.call("verify", () => mount.verify({ deep: true }));
    const found = report === null ? ["verify fails"] : report.problems;
    const is = await readTree(mount, this.call);
    await this.call("unmount", () => mount.unmount());
    const paths = new Set([...Object.keys(volume.right), ...Object.keys(is)]);
    const wrong = [...paths].filter((path) => isWrong(volume.right[path], is[path], named))
      .map((path) => `${path}: ${is[path] ?? "is gone"}`.slice(0, 200));
    return { wrong, found };
  }

  #mount(
    fs: AloeLite,
    { id, key }: GoodVolume,
    access: "ro" | "rw",
  ): Promise<Mount | null> {
    const unlock = key === null ? {} : { key: Uint8Array.fromHex(key) };
    return this.call("mount", () => fs.mount(id, { access, ...unlock }));
  }

  /** @param sound Whether what is written has to be there. */
  async #write(fs: AloeLite, volume: GoodVolume, sound: boolean): Promise<void> {
    const mount = await this.#mount(fs, volume, "rw");
    if (mount === null) return;
    const put = await this.call("put", () => mount.put("/new", "new"));
    if (put !== null && sound) {
      const bytes = await this.call("read what was put", () => mount.readAll("/new"));
      if (bytes !== null && new TextDecoder().decode(bytes) !== "new") {
        this.failures.push(`what was put is read as ${new TextDecoder().decode(bytes)}`);
      }
    }
    await this.call("remove", () => mount.removeRecursive("/d"));
    await this.call("purge", () => mount.purge());
    await this.call("unmount", () => mount.unmount());
    await this.call("prune", () => fs.prune());
    await this.call("prune of content", () => fs.pruneContent());
    await this.call("health afterwards", () => fs.health());
  }
}

/** @param named Whether the file has names and types of which something else tells. */
function isWrong(right: string | undefined, is: string | undefined, named: boolean): boolean {
  if (named) return is !== right;
  if (right === undefined || is === undefined) return false;
  return is.split(" ").slice(1).join() !== right.split(" ").slice(1).join();
}

function say(answer: DamageAnswer): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(answer)}\n`);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}

function removeFile(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) {
    try {
      Deno.removeSync(path + suffix);
    } catch {
      // There is none.
    }
  }
}

if (import.meta.main) {
  for await (const line of createInterface({ input: process.stdin })) {
    const one: DamageCase = JSON.parse(line);
    Deno.copyFileSync(one.good.path, one.path);
    say({ damage: damageFile(one.path, new Random(one.seed)) });
    const attempt = new Attempt(one);
    let answer: DamageAnswer;
    try {
      answer = await attempt.run();
    } catch (error) {
      // Closing is no call of its own.
      const text = (error as Error).stack ?? `${error}`;
      answer = { end: "refused", failures: [...attempt.failures, text] };
    }
    removeFile(one.path);
    say(answer);
  }
}
