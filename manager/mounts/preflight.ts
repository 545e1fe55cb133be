import { mountTable } from "../../fuse/mod.ts";
import type { Settings } from "../settings.ts";

/** A check of something that the manager, or a mount, needs. */
export interface Check {
  name: string;
  ok: boolean;
  /** Whether something that was required fails without it. */
  fatal: boolean;
  /** What was found. */
  detail: string;
  /** The remedy; null when none is needed. */
  remedy: string | null;
}

/** The checks without which no mount is possible. */
export const NEEDED: ReadonlySet<string> = new Set([
  "fuse_device",
  "libfuse3",
  "fusermount3",
  "mount_permission",
  "user_allow_other",
]);

/** The result of a check. */
type Finding = { ok: true; detail: string } | { ok: false; detail: string; remedy: string };

/** The bit of CAP_SYS_ADMIN. */
const SYS_ADMIN = 1n << 21n;

/**
 * Checks what the manager needs. A check that concerns mounts only is fatal where
 * mounts are required; one that concerns other containers only, where mounts are for
 * those.
 */
export async function preflight(
  settings: Pick<Settings, "root" | "hostRoot" | "fuse">,
): Promise<Check[]> {
  const { root, hostRoot, fuse } = settings;
  const checks = [check("root_writable", true, await rootWritable(root))];
  const add = (name: string, finding: Finding, fatal = fuse.enabled) =>
    checks.push(check(name, fatal, finding));
  if (Deno.build.os !== "linux") {
    add("fuse_device", {
      ok: false,
      detail: "mounts as directories need Linux",
      remedy: "use volumes over HTTP, or mount them with mode direct",
    });
    return checks;
  }
  const user = Deno.uid() !== 0;
  const helper = await findHelper();
  add("fuse_device", await device());
  add("libfuse3", library());
  add("mount_permission", user ? await helperMayMount(helper) : await rootMayMount());
  if (user) add("fusermount3", helperIsThere(helper));
  if (user && fuse.allowOther) add("user_allow_other", await allowOther());
  add("shared_propagation", await propagation(root), fuse.enabled && hostRoot !== null);
  return checks;
}

function check(name: string, fatal: boolean, finding: Finding): Check {
  return { name, fatal, remedy: null, ...finding };
}

async function rootWritable(root: string): Promise<Finding> {
  const path = `${root}/.writable-${crypto.randomUUID()}`;
  try {
    await Deno.writeTextFile(path, "x", { createNew: true });
    await Deno.remove(path);
    return { ok: true, detail: "the root can be written" };
  } catch (error) {
    return {
      ok: false,
      detail: `the root cannot be written (${codeOf(error)})`,
      remedy:
        `give ${root} to the user ${Deno.uid()}, with room on its disk, or start with another --root`,
    };
  }
}

async function device(): Promise<Finding> {
  try {
    (await Deno.open("/dev/fuse", { read: true, write: true })).close();
    return { ok: true, detail: "/dev/fuse can be opened" };
  } catch (error) {
    const code = codeOf(error);
    const missing = code === "ENOENT" || code === "ENODEV" || code === "ENXIO";
    return {
      ok: false,
      detail: missing ? "there is no /dev/fuse" : `/dev/fuse cannot be opened (${code})`,
      remedy: "on a host `modprobe fuse` and `chmod 666 /dev/fuse`, as root; " +
        "for a container the option `--device /dev/fuse`",
    };
  }
}

function library(): Finding {
  for (const name of ["libfuse3.so.3", "libfuse3.so.4"]) {
    try {
      Deno.dlopen(name, {}).close();
      return { ok: true, detail: `${name} is there` };
    } catch {
      // The next name may exist.
    }
  }
  return {
    ok: false,
    detail: "libfuse3 is missing",
    remedy:
      "install it: the package libfuse3-3 or libfuse3-4 of Debian, fuse3-libs of Fedora, fuse3 of Alpine",
  };
}

/** Root mounts by itself, for which a container needs a capability. */
async function rootMayMount(): Promise<Finding> {
  if ((await statusNumber("CapEff") & SYS_ADMIN) !== 0n) {
    return { ok: true, detail: "this process has CAP_SYS_ADMIN" };
  }
  return {
    ok: false,
    detail: "this process has no CAP_SYS_ADMIN",
    remedy: "start the container with `--cap-add SYS_ADMIN --security-opt apparmor=unconfined`",
  };
}

interface Helper {
  path: string;
  /** Whether it is set-user-ID root. */
  setuid: boolean;
}

async function findHelper(): Promise<Helper | null> {
  for (const folder of (Deno.env.get("PATH") ?? "/usr/bin:/bin").split(":")) {
    const path = `${folder}/fusermount3`;
    const { mode, uid, isFile } = await Deno.stat(path).catch(() => ({}) as Partial<Deno.FileInfo>);
    if (isFile) return { path, setuid: ((mode ?? 0) & 0o4000) !== 0 && uid === 0 };
  }
  return null;
}

/** Other users mount by a set-user-ID program, where such programs may gain privileges. */
async function helperMayMount(helper: Helper | null): Promise<Finding> {
  const remedy = "make it so: `chmod u+s` for fusermount3, as root; for a container " +
    "`--cap-add SYS_ADMIN --security-opt apparmor=unconfined` and not `no-new-privileges`";
  if (helper === null) return { ok: false, detail: "there is no fusermount3 that mounts", remedy };
  if (!helper.setuid) return { ok: false, detail: `${helper.path} is not set-uid root`, remedy };
  if ((await statusNumber("CapBnd") & SYS_ADMIN) === 0n) {
    return { ok: false, detail: "CAP_SYS_ADMIN is out of reach here", remedy };
  }
  if (await statusNumber("NoNewPrivs") !== 0n) {
    return { ok: false, detail: "no-new-privileges keeps fusermount3 from mounting", remedy };
  }
  return { ok: true, detail: `${helper.path} is set-uid root` };
}

function helperIsThere(helper: Helper | null): Finding {
  if (helper !== null) return { ok: true, detail: `${helper.path} is there` };
  return { ok: false, detail: "fusermount3 is missing", remedy: "install the package fuse3" };
}

async function allowOther(): Promise<Finding> {
  const config = await Deno.readTextFile("/etc/fuse.conf").catch(() => "");
  if (/^\s*user_allow_other\s*$/m.test(config)) {
    return { ok: true, detail: "/etc/fuse.conf has user_allow_other" };
  }
  return {
    ok: false,
    detail: "/etc/fuse.conf does not let users share their mounts",
    remedy: "add a line `user_allow_other` to /etc/fuse.conf, or run as root",
  };
}

/** Whether a mount below the root propagates to where the root was bound from. */
async function propagation(root: string): Promise<Finding> {
  const holder = (await mountTable())
    .filter(({ mountpoint }) => mountpoint === "/" || `${root}/`.startsWith(`${mountpoint}/`))
    .reduce((best, entry) => entry.mountpoint.length >= best.mountpoint.length ? entry : best);
  if (holder.shared) return { ok: true, detail: `the mount at ${holder.mountpoint} is shared` };
  return {
    ok: false,
    detail:
      `the mount at ${holder.mountpoint} is private: other containers do not see what is mounted in it`,
    remedy: "bind the root with `bind-propagation=rshared` (`-v DIR:/data:rshared`), " +
      "from a host folder that is shared: `mount --bind DIR DIR && mount --make-rshared DIR`",
  };
}

/** A hexadecimal number from the kernel's status of this process. */
async function statusNumber(name: string): Promise<bigint> {
  const text = await Deno.readTextFile("/proc/self/status").catch(() => "");
  const digits = new RegExp(`^${name}:\\s*([0-9a-f]+)$`, "m").exec(text)?.[1] ?? "0";
  return BigInt(`0x${digits}`);
}

function codeOf(error: unknown): string {
  const { code, name } = error as { code?: string; name?: string };
  return code ?? name ?? "unknown";
}
