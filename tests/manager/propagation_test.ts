/**
 * Mounts that other containers use. The test needs no container engine: like a
 * container, it uses a mount namespace with the root bound into it.
 */

import assert from "node:assert/strict";
import { mountTest } from "../fuse/support.ts";
import { mountsBelow, until } from "./mount_support.ts";
import { TestProcess } from "./processes.ts";
import { request } from "./support.ts";

async function run(...words: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(words[0], { args: words.slice(1) })
    .output();
  assert.ok(success, `${words.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** A process with its own mount namespace, until it is ended. */
async function container(script: string): Promise<{ pid: number } & AsyncDisposable> {
  const child = new Deno.Command("unshare", {
    args: ["-m", "--propagation", "unchanged", "sh", "-c", `${script}; echo ready; exec sleep 600`],
    stdout: "piped",
    stdin: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assert.match(new TextDecoder().decode(value), /ready/);
  return {
    pid: child.pid,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.status;
      await reader.cancel();
    },
  };
}

/** Runs a program in a namespace. */
function inside(pid: number, ...words: string[]): Promise<string> {
  return run("nsenter", "-m", "-t", `${pid}`, ...words);
}

mountTest(
  "a mount by the manager in its container is visible and usable in another one",
  async () => {
    const host = await Deno.makeTempDir();
    const other = await Deno.makeTempDir();
    // The host: the folder is a mount of its own, and shared.
    await run("mount", "--bind", host, host);
    await run("mount", "--make-rshared", host);
    try {
      // The manager's container: the folder is bound to /data, rshared.
      const data = `${other}/data`;
      await Deno.mkdir(data);
      await Deno.mkdir(`${other}/volumes`);
      // The consumer: the folder is bound elsewhere, and receives later mounts
      // (rslave).
      await using consumer = await container(
        `mount --rbind ${host} ${other}/volumes && mount --make-rslave ${other}/volumes`,
      );
      await using private_ = await container(
        `mount --make-rprivate / && mount --rbind ${host} ${other}/volumes`,
      );
      await using manager = TestProcess.command("unshare", [
        "-m",
        "--propagation",
        "unchanged",
        "sh",
        "-c",
        `mount --rbind ${host} ${data} && mount --make-rshared ${data} && exec "$@"`,
        "sh",
        ...TestProcess.words(
          "manager_process.ts",
          JSON.stringify({ root: data, hostRoot: host, fuse: { enabled: true, allowOther: true } }),
        ),
      ]);
      const url = await manager.line();
      const { json: made } = await request("POST", `${url}/volumes`, { json: { name: "shared" } });
      const answer = await request("POST", `${url}/volumes/${made.id}/mount`);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json.mountpoint, `${data}/mnt/${made.id}`);
      assert.equal(answer.json.host_path, `${host}/mnt/${made.id}`);
      // On the host it is at host_path.
      await Deno.writeTextFile(`${answer.json.host_path}/from-host`, "host");
      const there = `${other}/volumes/mnt/${made.id}`;
      assert.equal(await inside(consumer.pid, "cat", `${there}/from-host`), "host");
      await inside(consumer.pid, "sh", "-c", `printf consumer > ${there}/from-consumer`);
      assert.equal(await Deno.readTextFile(`${answer.json.host_path}/from-consumer`), "consumer");
      // With a private folder the consumer sees an empty directory: the check
      // is needed.
      assert.equal(await inside(private_.pid, "ls", `${there}`), "");
      assert.equal((await request("DELETE", `${url}/volumes/${made.id}/mount`)).status, 204);
      await until("it is gone everywhere", () => mountsBelow(`${host}/mnt`).length === 0);
      assert.equal(await inside(consumer.pid, "sh", "-c", `ls ${other}/volumes/mnt`), "");
      assert.equal((await manager.end("SIGTERM")).code, 0);
    } finally {
      for (const point of mountsBelow(host).reverse()) await run("umount", "-l", point);
      await run("umount", "-l", host);
      await Deno.remove(host, { recursive: true });
      await Deno.remove(other, { recursive: true });
    }
  },
  { root: true, program: "unshare" },
);
