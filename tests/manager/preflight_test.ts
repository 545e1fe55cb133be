/**
 * Requirements of mounts: each with its remedy, and fatal if mounts were
 * requested.
 */

import assert from "node:assert/strict";
import { type Check, preflight } from "../../manager/mounts/preflight.ts";
import { resolveOptions } from "../../manager/options.ts";
import type { ManagerOptions } from "../../manager/mod.ts";
import { canMount, isRoot, mountTest } from "../fuse/support.ts";
import { TestProcess } from "./processes.ts";
import { request } from "./support.ts";

async function checksOf(options: ManagerOptions): Promise<Map<string, Check>> {
  const root = await Deno.makeTempDir();
  try {
    const checks = await preflight(await resolveOptions({ root, ...options }));
    return new Map(checks.map((check) => [check.name, check]));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function sensible(checks: Map<string, Check>): void {
  for (const { name, ok, detail, remedy } of checks.values()) {
    assert.ok(detail.length > 5, name);
    assert.equal(remedy === null, ok, `${name}: a remedy where it is needed, and only there`);
  }
}

Deno.test("only a missing root is fatal if no mounts were requested", async () => {
  const checks = await checksOf({});
  sensible(checks);
  const fatal = [...checks.values()].filter(({ fatal }) => fatal).map(({ name }) => name);
  assert.deepEqual(fatal, ["root_writable"]);
  assert.equal(checks.get("root_writable")!.ok, true);
});

Deno.test("the requirements of requested mounts are fatal; sharing only for mounts of other containers", async () => {
  const alone = await checksOf({ fuse: { enabled: true } });
  sensible(alone);
  assert.equal(alone.get("fuse_device")!.fatal, true);
  assert.equal(alone.get("mount_permission")!.fatal, true);
  assert.equal(alone.get("libfuse3")!.fatal, true);
  assert.equal(alone.get("shared_propagation")!.fatal, false);
  const shared = await checksOf({ fuse: { enabled: true }, hostRoot: "/srv" });
  assert.equal(shared.get("shared_propagation")!.fatal, true);
});

mountTest("met requirements are detected", async () => {
  const checks = await checksOf({ fuse: { enabled: true, allowOther: true } });
  for (const name of ["fuse_device", "libfuse3", "mount_permission"]) {
    assert.equal(checks.get(name)!.ok, true, JSON.stringify(checks.get(name)));
  }
});

/** Runs the checks in a process that lacks a requirement. */
async function within(words: string[], options: ManagerOptions): Promise<Map<string, Check>> {
  const script = `
    import { preflight } from "${new URL("../../manager/mounts/preflight.ts", import.meta.url)}";
    import { resolveOptions } from "${new URL("../../manager/options.ts", import.meta.url)}";
    console.log(JSON.stringify(await preflight(await resolveOptions(${
    JSON.stringify(options)
  }))));`;
  const module = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(module, script);
  await Deno.chmod(module, 0o644);
  try {
    const { stdout, stderr } = await new Deno.Command(words[0], {
      args: [
        ...words.slice(1),
        ...[Deno.execPath(), "run", "--quiet", "--no-check", "--allow-all"],
        ...["--config", new URL("../../deno.json", import.meta.url).pathname, module],
      ],
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.ok(text.startsWith("["), new TextDecoder().decode(stderr));
    return new Map((JSON.parse(text) as Check[]).map((check) => [check.name, check]));
  } finally {
    await Deno.remove(module);
  }
}

const root = canMount() === null && isRoot();

Deno.test({
  name: "a missing device, capability or writable root is named",
  ignore: !root,
  async fn() {
    const options: ManagerOptions = { root: await Deno.makeTempDir(), fuse: { enabled: true } };
    const hidden = await within(
      [
        "unshare",
        "-m",
        "sh",
        "-c",
        "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && " +
        'mknod -m 666 /dev/urandom c 1 9 && exec "$@"',
        "sh",
      ],
      options,
    );
    const device = hidden.get("fuse_device")!;
    assert.equal(device.ok, false);
    assert.equal(device.fatal, true);
    assert.match(device.remedy!, /--device \/dev\/fuse/);
    const weak = await within(
      ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-all"],
      options,
    );
    const permission = weak.get("mount_permission")!;
    assert.equal(permission.ok, false, permission.detail);
    assert.equal(permission.fatal, true);
    assert.match(permission.remedy!, /cap-add SYS_ADMIN/);
    const readOnly = await within(
      [
        "unshare",
        "-m",
        "sh",
        "-c",
        `mount --bind -o ro ${options.root} ${options.root} && exec "$@"`,
        "sh",
      ],
      options,
    );
    const writable = readOnly.get("root_writable")!;
    assert.equal(writable.ok, false, writable.detail);
    assert.equal(writable.fatal, true);
    assert.match(writable.remedy!, /--root/);
    await Deno.remove(options.root!, { recursive: true });
  },
});

Deno.test({
  name: "the kernel's table tells whether the root is shared",
  ignore: !root,
  async fn() {
    const folder = await Deno.makeTempDir();
    const options: ManagerOptions = { root: folder, fuse: { enabled: true }, hostRoot: "/srv" };
    const shared = await within(
      [
        "unshare",
        "-m",
        "sh",
        "-c",
        `mount --bind ${folder} ${folder} && mount --make-shared ${folder} && exec "$@"`,
        "sh",
      ],
      options,
    );
    assert.equal(shared.get("shared_propagation")!.ok, true);
    const alone = await within(
      [
        "unshare",
        "-m",
        "sh",
        "-c",
        `mount --bind ${folder} ${folder} && mount --make-private ${folder} && exec "$@"`,
        "sh",
      ],
      options,
    );
    const check = alone.get("shared_propagation")!;
    assert.equal(check.ok, false);
    assert.equal(check.fatal, true);
    assert.match(check.remedy!, /rshared/);
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test({
  name: "an impossible mount is 503 with the remedy, and a direct one works",
  ignore: !root,
  async fn() {
    const folder = await Deno.makeTempDir();
    await using manager = TestProcess.command("setpriv", [
      ...["--bounding-set", "-sys_admin", "--inh-caps", "-all"],
      ...TestProcess.words("manager_process.ts", JSON.stringify({ root: folder })),
    ]);
    const url = await manager.line();
    const { json } = await request("POST", `${url}/volumes`, { json: { name: "a" } });
    const answer = await request("POST", `${url}/volumes/${json.id}/mount`);
    assert.equal(answer.status, 503, answer.text);
    assert.equal(answer.json.code, "not_ready");
    assert.match(answer.json.detail, /CAP_SYS_ADMIN.*--cap-add/);
    assert.deepEqual([...Deno.readDirSync(`${folder}/mnt`)], []);
    const direct = await request("POST", `${url}/volumes/${json.id}/mount`, {
      json: { mode: "direct" },
    });
    assert.equal(direct.status, 200);
    await manager.end("SIGTERM");
    await Deno.remove(folder, { recursive: true });
  },
});
