/** Who uses a manager as it is meant: what is acknowledged is remembered, and looked for. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { sleep } from "../fuse/support.ts";
import { type Answer, type Ask, request } from "../manager/support.ts";
import { PIN } from "./place.ts";

/** How long one who is told to come again does so, ms. */
const PATIENCE = 120_000;

/** What tells a client to try again. */
const AGAIN = new Set([408, 503]);

/** A request that is tried until it is answered; a fault of the manager fails. */
export async function patiently(method: string, url: string, ask: Ask = {}): Promise<Answer> {
  for (const end = Date.now() + PATIENCE;; await sleep(50)) {
    let failure: unknown;
    try {
      const answer = await request(method, url, ask);
      if (!AGAIN.has(answer.status)) {
        assert.ok(answer.status < 500, `${method} ${url}: ${answer.status} ${answer.text}`);
        return answer;
      }
      failure = `${answer.status} ${answer.text}`;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      // A connection that was kept for too long.
      failure = error;
    }
    assert.ok(Date.now() < end, `${method} ${url}: ${failure}`);
  }
}

/** Random numbers that a seed gives again. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 on, below another. */
  below(end: number): number {
    this.#state = this.#state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) % end;
  }

  /** Bytes that no other call gives. */
  bytes(most: number): Buffer<ArrayBuffer> {
    const bytes = Buffer.alloc(1 + this.below(most), this.below(256));
    for (let at = 0; at + 4 <= bytes.length; at += 1021) {
      bytes.writeUInt32LE(this.below(2 ** 32), at);
    }
    return bytes;
  }
}

/** What a folder of a client has to have in it. */
export class Model {
  /** Contents by path; of what was not acknowledged each that it may be, null for none. */
  readonly files: Map<string, (Buffer | null)[]> = new Map();

  /** Any of its files that is surely there. */
  any(dice: Dice): string | null {
    const there = [...this.files].filter(([, states]) => states.every((state) => state !== null));
    return there.length === 0 ? null : there[dice.below(there.length)][0];
  }

  /** Checks what was read; null when there was nothing. */
  check(path: string, bytes: Uint8Array | null): void {
    const states = this.files.get(path) ?? [null];
    const fits = states.some((state) =>
      state === null ? bytes === null : bytes !== null && state.equals(bytes)
    );
    assert.ok(fits, `${path}: ${bytes?.length ?? "nothing"}, not what was acknowledged`);
    this.files.set(path, [bytes === null ? null : Buffer.from(bytes)]);
  }
}

/** Puts, reads, moves, copies and removes files over HTTP, in a folder of its own. */
export class Writer {
  readonly model: Model = new Model();
  readonly #volume: string;
  readonly #folder: string;
  readonly #dice: Dice;
  readonly #headers: Record<string, string>;

  constructor(volume: string, number: number, headers: Record<string, string> = {}) {
    this.#volume = volume;
    this.#folder = `/writer-${number}`;
    this.#dice = new Dice(number + 1);
    this.#headers = headers;
  }

  async round(): Promise<void> {
    const dice = this.#dice;
    const path = `${this.#folder}/${dice.below(3)}/file-${dice.below(12)}`;
    const other = this.model.any(dice);
    switch (other === null ? 0 : dice.below(6)) {
      case 0:
      case 1:
        return await this.#put(path);
      case 2:
        return await this.#look(other!);
      case 3:
        return await this.#transfer("move", other!);
      case 4:
        return await this.#transfer("copy", other!);
      default:
        return await this.#remove(other!);
    }
  }

  /** Checks all of it. */
  async check(): Promise<void> {
    for (const path of this.model.files.keys()) await this.#look(path);
  }

  async #put(path: string): Promise<void> {
    const body = this.#dice.bytes(120_000);
    const before = this.model.files.get(path) ?? [null];
    this.model.files.set(path, [...before, body]);
    const { status, text } = await this.#ask("PUT", `/files${path}?parents=1`, { body });
    assert.ok(status === 200 || status === 201, `${status} ${text}`);
    this.model.files.set(path, [body]);
    if (status === 200) return;
    // Versions are no part of this: what is overwritten is freed.
    await this.#ask("PATCH", `/node?path=${path}`, { json: { retention: 1 } });
  }

  async #look(path: string): Promise<void> {
    const { status, bytes, text } = await this.#ask("GET", `/files${path}`);
    assert.ok(status === 200 || status === 404, `${status} ${text}`);
    this.model.check(path, status === 200 ? bytes : null);
  }

  async #transfer(operation: "move" | "copy", path: string): Promise<void> {
    const name = `${operation}-${this.#dice.below(6)}`;
    const to = `${this.#folder}/0`;
    const target = `${to}/${name}`;
    if (target === path) return;
    const { files } = this.model;
    const moved = files.get(path)!;
    files.set(target, [...(files.get(target) ?? [null]), ...moved]);
    if (operation === "move") files.set(path, [...moved, null]);
    await this.#ask("POST", "/directories", { json: { path: to, parents: true } });
    const json = { operation, from: [path], to, name, on_conflict: "replace" };
    const { status, text } = await this.#ask("POST", "/transfer", { json });
    // What was done, but not answered, is not there to be moved again.
    assert.ok([200, 201, 204, 404].includes(status), `${status} ${text}`);
    await this.#look(target);
    await this.#look(path);
  }

  async #remove(path: string): Promise<void> {
    this.model.files.set(path, [...this.model.files.get(path)!, null]);
    const { status, text } = await this.#ask("DELETE", `/files${path}`);
    assert.ok(status === 204 || status === 404, `${status} ${text}`);
    this.model.files.set(path, [null]);
  }

  async #ask(method: string, path: string, ask: Ask = {}): Promise<Answer> {
    return await patiently(method, `${this.#volume}${path}`, { ...ask, headers: this.#headers });
  }
}

/** One who has a session at an encrypted volume; it ends now and then, and is begun again. */
export class PinHolder {
  readonly #volume: string;
  readonly #dice = new Dice(77);
  readonly model: Model = new Model();
  #session: string | null = null;

  constructor(volume: string) {
    this.#volume = volume;
  }

  async round(): Promise<void> {
    const path = `/secret-${this.#dice.below(9)}`;
    if (this.#session === null) return await this.#unlock();
    const headers = { "aloelite-session": this.#session };
    const body = this.#dice.bytes(60_000);
    const before = this.model.files.get(path) ?? [null];
    this.model.files.set(path, [...before, body]);
    const put = await patiently("PUT", `${this.#volume}/files${path}`, { headers, body });
    if (put.status === 423 || put.status === 401) {
      this.model.files.set(path, before);
      this.#session = null;
      return;
    }
    assert.ok(put.status === 200 || put.status === 201, `${put.status} ${put.text}`);
    this.model.files.set(path, [body]);
    const got = await patiently("GET", `${this.#volume}/files${path}`, { headers });
    if (got.status === 200) this.model.check(path, got.bytes);
    // Another one begins with the next PIN.
    if (this.#dice.below(20) === 0) this.#session = null;
  }

  /** Checks all of it. */
  async check(): Promise<void> {
    this.#session = null;
    for (const end = Date.now() + PATIENCE; this.#session === null; await sleep(200)) {
      await this.#unlock();
      assert.ok(Date.now() < end, "it is not let in");
    }
    const headers = { "aloelite-session": this.#session };
    for (const path of this.model.files.keys()) {
      const { status, bytes } = await patiently("GET", `${this.#volume}/files${path}`, { headers });
      this.model.check(path, status === 200 ? bytes : null);
    }
  }

  async #unlock(): Promise<void> {
    const answer = await patiently("POST", `${this.#volume}/unlock`, { json: { pin: PIN } });
    // Those who guess can make all wait for a while.
    if (answer.status === 429) return;
    assert.equal(answer.status, 200, answer.text);
    this.#session = /aloelite_session=(\w+)/.exec(answer.headers.get("set-cookie") ?? "")![1];
  }
}

/** A program that works on the mounted directory. */
export class Program {
  readonly model: Model = new Model();
  readonly #folder: string;
  readonly #dice: Dice;
  readonly #path: string;

  /** @param mountpoint Where the volume is mounted. @param volume Where it is over HTTP. */
  constructor(mountpoint: string, number: number) {
    this.#path = `/program-${number}`;
    this.#folder = `${mountpoint}${this.#path}`;
    this.#dice = new Dice(1000 + number);
    Deno.mkdirSync(this.#folder);
    for (let i = 0; i < 3; i++) Deno.mkdirSync(`${this.#folder}/${i}`);
  }

  async round(): Promise<void> {
    const dice = this.#dice;
    const path = `/${dice.below(3)}/file-${dice.below(15)}`;
    const other = this.model.any(dice);
    const file = `${this.#folder}${path}`;
    const { files } = this.model;
    switch (other === null ? 0 : dice.below(9)) {
      case 0:
      case 1: {
        const bytes = dice.bytes(200_000);
        await Deno.writeFile(file, bytes);
        return void files.set(path, [bytes]);
      }
      case 2: {
        await Deno.rename(`${this.#folder}${other}`, file);
        const bytes = files.get(other!)!;
        files.set(other!, [null]);
        return void files.set(path, bytes);
      }
      case 3:
        await Deno.remove(`${this.#folder}${other}`);
        return void files.set(other!, [null]);
      case 4: {
        const size = dice.below(150_000);
        await Deno.truncate(`${this.#folder}${other}`, size);
        const bytes = Buffer.alloc(size);
        files.get(other!)![0]!.copy(bytes);
        return void files.set(other!, [bytes]);
      }
      case 5: {
        // Small, somewhere in it, and synced.
        const bytes = Buffer.from(files.get(other!)![0]!);
        const piece = dice.bytes(Math.min(900, bytes.length || 1)).subarray(0, bytes.length);
        const at = dice.below(bytes.length - piece.length + 1);
        using open = await Deno.open(`${this.#folder}${other}`, { write: true });
        await open.seek(at, Deno.SeekMode.Start);
        for (let done = 0; done < piece.length;) done += await open.write(piece.subarray(done));
        await open.syncData();
        piece.copy(bytes, at);
        return void files.set(other!, [bytes]);
      }
      case 6: {
        const tree = `${this.#folder}/tree`;
        await Deno.mkdir(`${tree}/a/b/c`, { recursive: true });
        await Deno.symlink("../x", `${tree}/a/link`);
        await Deno.writeFile(`${tree}/a/b/c/d`, dice.bytes(5000));
        for await (const _ of Deno.readDir(`${tree}/a`)) { /* It is listed. */ }
        return await Deno.remove(tree, { recursive: true });
      }
      default:
        return this.model.check(other!, await Deno.readFile(`${this.#folder}${other}`));
    }
  }

  /** Checks all of it over HTTP. */
  async check(volume: string): Promise<void> {
    for (const path of this.model.files.keys()) {
      const { status, bytes } = await patiently("GET", `${volume}/files${this.#path}${path}`);
      this.model.check(path, status === 200 ? bytes : null);
    }
  }
}
