/**
 * Python scripts that make system calls in a directory and check the results. Deno's standard
 * library has few system calls, Python has nearly all.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { within } from "./support.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

const PREAMBLE = `
import ctypes, errno, fcntl, json, mmap, os, signal, socket, stat, struct, sys, threading, time
sys.path.insert(0, ${JSON.stringify(HERE)})
sys.dont_write_bytecode = True
from syscalls import AT_FDCWD, AT_SYMLINK_FOLLOW, O_TMPFILE, called, i64, libc, wait_for_tick

def fails(code, call, *args, **named):
    try:
        got = call(*args, **named)
    except OSError as error:
        assert error.errno == code, f"{errno.errorcode.get(error.errno)}, not {errno.errorcode[code]}"
        return
    raise AssertionError(f"no {errno.errorcode[code]}, but {got!r}")

def same(got, wanted):
    assert got == wanted, f"{got!r} is not {wanted!r}"

def write(path, data, flags=os.O_CREAT | os.O_TRUNC, mode=0o666):
    fd = os.open(path, os.O_WRONLY | flags, mode)
    try:
        while data:
            data = data[os.write(fd, data):]
    finally:
        os.close(fd)

def read(path):
    with open(path, "rb") as file:
        return file.read()

def child(body):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            body()
            code = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return pid

def reap(*pids):
    for pid in pids:
        same(os.waitpid(pid, 0)[1], 0)

def become(uid, gid, groups=()):
    os.setgroups(list(groups))
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)

def as_user(uid, gid, body, groups=()):
    def run():
        become(uid, gid, groups)
        body()
    reap(child(run))

def renameat2(old, new, flags):
    called(libc.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags))

def fallocate(fd, mode, offset, length):
    called(libc.fallocate(fd, mode, i64(offset), i64(length)))

KEEP, PUNCH, ZERO = 1, 2, 16
NOREPLACE, EXCHANGE = 1, 2
SEEK_DATA, SEEK_HOLE = 3, 4
`;

let interpreter: string | undefined;

/** The interpreter itself, without whatever chooses among several. */
export function pythonPath(): string {
  return interpreter ??= new TextDecoder().decode(
    new Deno.Command("python3", { args: ["-c", "import sys; print(sys.executable)"] })
      .outputSync().stdout,
  ).trim();
}

/**
 * Runs a script with a directory as its working directory.
 *
 * @param ms How long it may take.
 * @returns What it printed.
 * @throws When it fails, with what it said.
 */
export async function python(dir: string, script: string, ms = 30_000): Promise<string> {
  const child = new Deno.Command(pythonPath(), {
    args: ["-c", `${PREAMBLE}\n${script}`],
    cwd: dir,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  try {
    const { success, stdout, stderr } = await within(child.output(), ms, "a script");
    const [said, wrong] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    if (!success) throw new Error(`a script failed:\n${wrong || said}`);
    return said;
  } catch (error) {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    throw error;
  }
}
