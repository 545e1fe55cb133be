/**
 * Listings of directories that change while they are read, on real mounts: each stable name is
 * listed once, every other name at most once, and the listing ends. Runs on Linux with libfuse3;
 * skipped elsewhere.
 */

import assert from "node:assert/strict";
import { AloeLite } from "../../mod.ts";
import { python } from "./python.ts";
import { makeVolume, mountTest, Scratch, spawnDaemon, until, withMount } from "./support.ts";

/**
 * Changes at each entry of a listing, with their targets. `go` lists a directory of `count` names
 * while `step` changes it, and checks the result.
 */
const CHANGES = `
import random
libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
libc.telldir.restype = ctypes.c_long
libc.telldir.argtypes = libc.readdir.argtypes = libc.closedir.argtypes = libc.rewinddir.argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]

def make(d, count):
    os.mkdir(d)
    for i in range(count): write(f"{d}/f{i:05}", b"")

def go(d, step, kept=lambda names: names, limit=None):
    """\`kept\`: of the names at the start, those that are there all the time."""
    start = set(os.listdir(d)); seen = []; limit = limit or 4 * len(start) + 100
    with os.scandir(d) as listing:
        for entry in listing:
            seen.append(entry.name)
            assert len(seen) < limit, f"{d}: no end"
            step(entry.name)
    assert len(set(seen)) == len(seen), f"{d}: twice: {sorted(n for n in set(seen) if seen.count(n) > 1)[:9]}"
    missing = set(kept(start)) - set(seen)
    assert not missing, f"{d}: {len(missing)} of {len(start)} never came: {sorted(missing)[:9]}"
    now = sorted(os.listdir(d)); same(len(set(now)), len(now)); same(now, sorted(e for e in set(now) if os.path.lexists(f"{d}/{e}")))
    return seen

def steps(d, count):
    other = d + "-other"; os.mkdir(other); new = iter(range(10**9)); order = [f"f{i:05}" for i in range(count)]
    pick = random.Random(7)
    def rename(name):
        if not name.startswith("x"): os.rename(f"{d}/{name}", f"{d}/x{name}")
    def rename_again(name): os.rename(f"{d}/{name}", f"{d}/{name}x" if len(name) < 200 else f"{d}/y{next(new)}")
    def create(name): write(f"{d}/new{next(new)}", b"")
    def create_all(name): create(name); os.mkdir(f"{d}/new{next(new)}"); os.symlink("t", f"{d}/new{next(new)}"); os.link(f"{d}/{name}", f"{d}/new{next(new)}") if os.path.isfile(f"{d}/{name}") else None
    def away_and_back(name): os.rename(f"{d}/{name}", f"{other}/{name}"); os.rename(f"{other}/{name}", f"{d}/{name}")
    def replace(name):
        for each in (name, pick.choice(order), pick.choice(order)): write(f"{d}/tmp", b"new"); os.rename(f"{d}/tmp", f"{d}/{each}")
    def replace_from_outside(name): each = pick.choice(order); write(f"{other}/tmp", b"new"); os.rename(f"{other}/tmp", f"{d}/{each}")
    def exchange(name): renameat2(f"{d}/{name}", f"{d}/{pick.choice(order)}", EXCHANGE)
    def exchange_outside(name): each = pick.choice(order); write(f"{other}/x", b""); renameat2(f"{d}/{each}", f"{other}/x", EXCHANGE)
    def again(name):
        for each in (name, pick.choice(order)): os.unlink(f"{d}/{each}"); write(f"{d}/{each}", b"again")
    def unlink(name): os.unlink(f"{d}/{name}")
    def within(name): write(f"{d}/new{next(new)}", b""); same(len(os.listdir(d)) > count, True)
    def rename_others(name):
        each = pick.choice(order)
        if os.path.exists(f"{d}/{each}"): os.rename(f"{d}/{each}", f"{d}/moved-{each}")
    untouched = lambda names: [n for n in names if os.path.exists(f"{d}/{n}")]
    nobody = lambda names: []
    return {"renamed": (rename, None), "renamed over and over": (rename_again, None), "created": (create, None), "of all kinds": (create_all, None),
        "away and back": (away_and_back, None), "replaced": (replace, None), "from outside": (replace_from_outside, None),
        "exchanged": (exchange, None), "exchanged with outside": (exchange_outside, None), "removed and made": (again, None),
        "removed": (unlink, None), "listed within": (within, None), "others renamed": (rename_others, untouched)}
`;

const WHILE_CHANGING = `${CHANGES}
for number, name in enumerate(steps("names", 0)):
    for stored in (False, True):
        count = 60 if name == "listed within" else 200
        d = f"d{number}{stored}"; make(d, count)
        if stored: os.fsync(os.open(d, os.O_RDONLY))
        step, kept = steps(d, count)[name]
        try: seen = go(d, step, kept or (lambda names: names))
        except AssertionError as error: raise AssertionError(f"{name}, stored {stored}: {error}")
`;

mountTest("a listing ends, and has each name once, whatever its reader changes", async () => {
  await withMount({}, async (dir) => {
    await python(dir, WHILE_CHANGING, 240_000);
  });
});

const BY_OTHERS = `${CHANGES}
COUNT = 3000
make("d", COUNT); make("d/sub", 10); os.fsync(os.open("d", os.O_RDONLY)); os.mkdir("out")
order = [f"f{i:05}" for i in range(COUNT)]
def change(seed):
    pick = random.Random(seed); end = time.monotonic() + 60; made = 0
    while not os.path.exists("stop") and time.monotonic() < end:
        a, b = pick.choice(order), pick.choice(order); tmp = f"d/tmp{seed}"
        kind = pick.randrange(5)
        if kind == 0: write(tmp, b"x"); os.rename(tmp, f"d/{a}")
        elif kind == 1: renameat2(f"d/{a}", f"d/{b}", EXCHANGE)
        elif kind == 2: write(f"d/n{seed}-{made}", b""); made += 1
        elif kind == 3: write(f"out/{seed}", b"x"); os.rename(f"out/{seed}", f"d/{a}")
        else: write(f"d/m{seed}", b""); os.rename(f"d/m{seed}", f"d/n{seed}-{made}"); made += 1
def reader(seed):
    def run():
        pick = random.Random(seed)
        for _ in range(6):
            listing = libc.opendir(b"d"); names = []
            while entry := libc.readdir(listing):
                names.append(ctypes.string_at(entry + 19).decode())
                assert len(names) < 200_000, "no end"
                if pick.random() < 0.01: time.sleep(0.002)
            libc.closedir(listing)
            assert len(set(names)) == len(names), f"twice: {sorted(n for n in set(names) if names.count(n) > 1)[:9]}"
            missing = set(order) - set(names)
            assert not missing, f"{len(missing)} never came: {sorted(missing)[:9]}"
    return run
changers = [child(lambda: change(1)), child(lambda: change(2))]
try: reap(*[child(reader(seed)) for seed in (11, 12, 13)])
finally: write("stop", b"")
reap(*changers)
`;

mountTest("several readers at once, while others replace, exchange and make names", async () => {
  await withMount({}, async (dir) => {
    await python(dir, BY_OTHERS, 240_000);
  });
});

/** Places in a listing are kept, and come back to, with changes before and behind them. */
const PLACES = `${CHANGES}
def names_from(listing, count=10**9):
    names = []
    while len(names) < count and (entry := libc.readdir(listing)): names.append((ctypes.string_at(entry + 19).decode(), libc.telldir(listing)))
    return names
make("d", 1000)
if STORED: os.fsync(os.open("d", os.O_RDONLY))
listing = libc.opendir(b"d")
all = names_from(listing); same(len(all), 1002)
same(sorted(n for n, _ in all), sorted([".", ".."] + [f"f{i:05}" for i in range(1000)]))
same(len({place for _, place in all}), 1002)
for at in (0, 1, 2, 3, 500, 777, 1000, 1001):
    for changed in (False, True):
        if changed: write(f"d/new{at}", b""); os.rename(f"d/{all[998][0]}", "d/tmp"); os.rename("d/tmp", f"d/{all[998][0]}")
        libc.seekdir(listing, all[at][1])
        same([n for n, _ in names_from(listing) if not n.startswith("new")], [n for n, _ in all[at + 1:]])
libc.rewinddir(listing)
again = names_from(listing)
same(sorted(n for n, _ in again), sorted(os.listdir("d") + [".", ".."]))
same([n for n, _ in again if not n.startswith("new")], [n for n, _ in all])
# The place of a name that is gone is between its neighbours.
os.unlink(f"d/{all[400][0]}"); libc.seekdir(listing, all[400][1]); same(names_from(listing, 1)[0][0], all[401][0])
libc.closedir(listing)
`;

mountTest("telldir, seekdir and rewinddir know their places", async () => {
  for (const stored of [false, true]) {
    await withMount({}, async (dir) => {
      await python(dir, `STORED = ${stored ? "True" : "False"}\n${PLACES}`, 60_000);
    });
  }
});

/** What a reader has seen of a directory of which more is in the file than in memory. */
const LARGE = `${CHANGES}
COUNT = 6_000
step, _ = steps("d", COUNT)["renamed"]
seen = go("d", step); same(len(seen), COUNT)
same(sorted(os.listdir("d")), [f"xf{i:05}" for i in range(COUNT)])
def create(name): write(f"d/n{name}", b"")
seen = go("d", create); same(len(seen), COUNT)
`;

mountTest("a large directory, and another reader after each remount", async () => {
  await using scratch = new Scratch();
  const file = scratch.join("v.aloe"), mountpoint = scratch.dir("mnt");
  await makeVolume(file, {});
  {
    await using fs = await AloeLite.open(file);
    await using mount = await fs.mount();
    await mount.mkdir("/d");
    await mount.batch(async (tx) => {
      for (let i = 0; i < 6_000; i++) await tx.put(`/d/f${String(i).padStart(5, "0")}`, "");
    });
  }
  await withMount({ file, mountpoint }, async (dir) => {
    await python(dir, LARGE, 240_000);
  });
  await withMount({ file, mountpoint }, async (dir) => {
    await python(dir, `${CHANGES}\nsame(len(go("d", lambda name: None)), 12_000)`, 60_000);
  });
});

/** Reads some names, tells so, and goes on when the file that is named says that all is done. */
const PAUSED = `${CHANGES}
start = [f"f{i:05}" for i in range(500)]; seen = []
with os.scandir("d") as listing:
    for entry in listing:
        seen.append(entry.name)
        assert len(seen) < 5000, "no end"
        if len(seen) == 100:
            write("begun", b"")
            while not os.path.exists("done"): time.sleep(0.05)
same(len(set(seen)), len(seen)); same([n for n in start if n not in seen], [])
`;

mountTest("names that another process gives anew while a listing waits", async () => {
  await using daemon = await spawnDaemon();
  const { dir, file } = daemon;
  await python(dir, `${CHANGES}\nmake("d", 500); os.fsync(os.open("d", os.O_RDONLY))`);
  await using fs = await AloeLite.open(file);
  await using mount = await fs.mount();
  const reader = python(dir, PAUSED, 60_000);
  await until(() => exists(`${dir}/begun`), 30_000, "the listing has begun");
  await mount.batch(async (tx) => {
    for (let i = 0; i < 500; i += 3) {
      const name = `/d/f${String(i).padStart(5, "0")}`;
      await tx.remove(name);
      await tx.put(name, "anew");
    }
    for (let i = 0; i < 1000; i++) await tx.put(`/d/new${i}`, "");
    await tx.put("/done", "");
  });
  await reader;
  assert.equal(Deno.readDirSync(`${dir}/d`).toArray().length, 1500);
});

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
