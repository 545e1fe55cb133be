/**
 * Helpers for tests of crashes, faults and storage.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { AloeError, type AloeErrorCode } from "../../../mod.ts";

/** A temporary folder that goes with all that is in it. */
export class Folder implements Disposable {
  /** The folder's path. */
  readonly path: string = Deno.makeTempDirSync({ prefix: "aloelite-" });

  /** Returns a path in it. */
  at(name: string): string {
    return `${this.path}/${name}`;
  }

  /** The names in it, sorted. */
  names(): string[] {
    return Array.from(Deno.readDirSync(this.path), (entry) => entry.name).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** Whether this process has a lock on a file, from `/proc/locks`. */
export function isLocked(path: string): boolean {
  const inode = `:${Deno.statSync(path).ino}`;
  return Deno.readTextFileSync("/proc/locks").split("\n").some((line) => {
    const words = line.split(/\s+/);
    return words.includes(`${Deno.pid}`) && words.some((word) => word.endsWith(inode));
  });
}

/** SHA-256 of a file's bytes, hex. */
export async function digestOf(path: string): Promise<string> {
  return sha256(await Deno.readFile(path));
}

/** SHA-256, hex. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Asserts that an operation fails with one of these codes. */
export async function assertCode(
  codes: AloeErrorCode | AloeErrorCode[],
  work: Promise<unknown> | (() => Promise<unknown>),
): Promise<AloeError> {
  let done: unknown;
  try {
    done = await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (!(error instanceof AloeError)) {
      throw new assert.AssertionError({
        message: `an AloeError was expected, not ${(error as Error)?.stack ?? error}`,
      });
    }
    assert.ok([codes].flat().includes(error.code), `${error.code}: ${error.message}`);
    assert.notEqual(error.message, "");
    return error;
  }
  throw new assert.AssertionError({ message: `${codes} was expected, not ${done}` });
}

/**
 * Waits for all tasks, so that none still uses a deleted folder; then throws
 * the first error.
 */
export async function all<T>(work: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}

/** Bytes of a text's UTF-8. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The text of UTF-8 bytes. */
export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Runs statements on a file without the library, like another program. */
export function edit(path: string, ...statements: string[]): void {
  withRaw(path, (db) => statements.forEach((statement) => db.exec(statement)));
}

/** Queries a file without the library, like another program. */
export function rows(path: string, query: string): Record<string, unknown>[] {
  return withRaw(path, (db) => {
    const statement = db.prepare(query);
    statement.setReadBigInts(true);
    return statement.all().map((row) => ({ ...row }));
  });
}

/** One value of the first row. */
export function value(path: string, query: string): unknown {
  return Object.values(rows(path, query)[0])[0];
}

/** Uses a file through a bare connection, without foreign keys. */
export function withRaw<T>(path: string, use: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(path, {
    enableForeignKeyConstraints: false,
    timeout: 60_000,
  });
  try {
    return use(db);
  } finally {
    db.close();
  }
}

/** Pseudo-random numbers in [0, 1) from a seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Pseudo-random bytes from a seed. */
export function noise(seed: number, size: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = (seed * 2654435761 + 1) >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, size).slice();
}

/** Writes to the parent at once: bytes in the pipe survive the kill. */
export function say(line: string): void {
  Deno.stdout.writeSync(utf8(line + "\n"));
}
