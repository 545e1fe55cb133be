/** A real `aloelite serve` whose memory is looked at, and connections whose bodies do not come. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { AloeLite } from "../../mod.ts";
import { request } from "./support.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
export const MB = 1024 * 1024;

/** A manager as a process, with a volume of large chunks. */
export class Served implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #root: string;

  private constructor(
    child: Deno.ChildProcess,
    root: string,
    readonly url: string,
    readonly volume: string,
  ) {
    this.#child = child;
    this.#root = root;
  }

  static async start(chunkSize: number): Promise<Served> {
    const root = await Deno.makeTempDir({ prefix: "aloelite-memory-" });
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", MAIN, "serve", "--port", "0", "--root", root],
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("\n")) text += (await reader.read()).value;
    void reader.read().catch(() => {});
    const url = text.split(" ")[0].trim();
    const path = `${root}/import.db`;
    {
      await using fs = await AloeLite.open(path);
      await fs.createVolume({ name: "large", chunkSize });
    }
    const body = await Deno.readFile(path);
    const name = "large";
    const taken = await request("POST", `${url}/filesystems?name=${name}`, {
      body,
      headers: { "content-type": "application/octet-stream" },
    });
    assert.equal(taken.status, 201, taken.text);
    const { json } = await request("GET", `${url}/volumes`);
    const volume = (json.volumes ?? json).find((one: { name: string }) => one.name === name);
    return new Served(child, root, url, `${url}/volumes/${volume.id}`);
  }

  async put(path: string, size: number): Promise<void> {
    const pieces = function* () {
      for (let at = 0; at < size; at += MB) yield new Uint8Array(Math.min(MB, size - at)).fill(7);
    };
    const done = await request("PUT", `${this.volume}/files${path}`, {
      body: ReadableStream.from(pieces()),
    });
    assert.equal(done.status, 201, done.text);
  }

  /** How far its memory rises above what it is now while something goes on, bytes. */
  async rise(task: () => Promise<void>): Promise<number> {
    // Writing 5 there makes the peak what is resident now.
    await Deno.writeTextFile(`/proc/${this.#child.pid}/clear_refs`, "5");
    const before = await this.#status("VmRSS");
    await task();
    return await this.#status("VmHWM") - before;
  }

  async #status(field: string): Promise<number> {
    const text = await Deno.readTextFile(`/proc/${this.#child.pid}/status`);
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)![1]) * 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await Deno.remove(this.#root, { recursive: true });
  }
}

/** A connection on which a request is sent by hand, whose answer nobody reads. */
export async function silent(url: string, head: string[], body: Uint8Array): Promise<Deno.Conn> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const bytes = [new TextEncoder().encode(head.join("\r\n") + "\r\n\r\n"), body];
  for (const part of bytes) {
    for (let at = 0; at < part.length;) at += await connection.write(part.subarray(at));
  }
  return connection;
}
