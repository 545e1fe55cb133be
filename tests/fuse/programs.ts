/**
 * Real programs, and their work on a mount: complete runs with checks, or endless work until the
 * mount is killed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Place, quoted } from "./place.ts";
import { pythonPath } from "./python.ts";
import { hasProgram, isRoot } from "./support.ts";

/** A program's work on a mount. Its place is initially an empty directory. */
export interface Program {
  /** The program's name. */
  readonly name: string;
  /** The required programs in the PATH. */
  readonly needs: readonly string[];
  /** Returns why the program cannot run here although it is installed; null when it can. */
  readonly missing?: () => Promise<string | null>;
  /** Runs the program and checks the result. */
  readonly run: (place: Place) => Promise<void>;
  /** Checks the result of `run` after a remount. */
  readonly remounted?: (place: Place) => Promise<void>;
  /** How the program behaves when the mount is killed. */
  readonly killed: {
    /** Creates what `work` needs. */
    readonly prepare?: (place: Place) => Promise<void>;
    /** Returns a script that works until the mount is killed. */
    readonly work: (place: Place) => string;
    /** The user of the script. Default: the test's user. */
    readonly user?: () => { uid: number; gid: number } | undefined;
    /** Checks the state after a remount, and prepares it for `work` again. */
    readonly recovered: (place: Place) => Promise<void>;
  };
}

/** Runs a Python script at a place. */
function py(place: Place, script: string, ...args: string[]): Promise<string> {
  return place.sh(pythonCommand(script, ...args));
}

function pythonCommand(script: string, ...args: string[]): string {
  return [pythonPath(), "-c", script, ...args].map(quoted).join(" ");
}

// --- trees -----------------------------------------------------------------------

/** Creates a tree with every type of file in the given directory. */
const MAKE_TREE = `
import os, random, socket, sys
root = sys.argv[1]
os.makedirs(root)
os.chdir(root)
rnd = random.Random(7)
for i in range(12):
    d = "d%d/e%d" % (i % 4, i)
    os.makedirs(d)
    for j in range(8):
        with open("%s/f%d" % (d, j), "wb") as file:
            file.write(rnd.randbytes(rnd.choice([0, 1, 500, 4096, 70_000])))
        os.chmod("%s/f%d" % (d, j), rnd.choice([0o644, 0o600, 0o755, 0o444]))
os.link("d0/e0/f1", "hard1")
os.link("d0/e0/f1", "d1/hard2")
os.link("d2/e2/f3", "d3/hard3")
os.symlink("d0/e0", "to-directory")
os.symlink("nowhere/" + "x" * 200, "dangling")
os.symlink("s" * 1000, "long-link")
with open("sparse", "wb") as file:
    file.truncate(3_000_000)
    file.seek(1_000_000)
    file.write(b"in the middle")
with open("n" * 255, "wb") as file:
    file.write(b"long name")
deep = "deep"
for i in range(6):
    deep += "/" + "component-%d-" % i * 6
os.makedirs(deep)
open(deep + "/file", "w").close()
for name in ["with space", "tab\\there", "new\\nline", "\\u00fcml\\u00e4ut", "\\U0001f4c1", "-dash", "*"]:
    with open("d1/" + name, "w") as file:
        file.write(name)
open(b"d1/not-\\xff\\xfe-utf8", "w").close()
os.mkfifo("fifo", 0o640)
here = os.open(".", os.O_RDONLY)
socket.socket(socket.AF_UNIX).bind("socket")
os.mkdir("empty", 0o700)
open("setuid", "w").close()
if os.getuid() == 0:
    os.mknod("char", 0o020666, os.makedev(1, 3))
    os.mknod("block", 0o060640, os.makedev(7, 99))
    os.chown("hard1", 1234, 2345)
    os.chown("dangling", 1234, 2345, follow_symlinks=False)
    os.chown("setuid", 1234, 2345)
os.chmod("setuid", 0o6755)
os.chmod("d2", 0o3777)
try:
    os.setxattr("hard1", "user.comment", b"some \\0 bytes")
    os.setxattr("d0", "user.of-directory", b"x" * 1000)
    os.setxattr("sparse", "user.empty", b"")
except OSError as error:
    print("no xattrs:", error)
for at, dirs, files in os.walk(os.fsencode("."), topdown=False):
    for name in sorted(files + dirs):
        ns = rnd.randrange(10**9, 17 * 10**17)
        os.utime(at + b"/" + name, ns=(ns, ns), follow_symlinks=False)
os.utime(".", ns=(10**18, 10**18))
`;

/** Prints what there is to see of a tree, without what two copies may differ in. */
const DESCRIBE = `
import hashlib, os, stat, sys
root, sockets = os.fsencode(sys.argv[1]), sys.argv[2:] != ["no-sockets"]
names = {}
for at, dirs, files in os.walk(root):
    for name in files + dirs + ([b"."] if at == root else []):
        path = at + b"/" + name
        s = os.lstat(path)
        if stat.S_ISSOCK(s.st_mode) and not sockets:
            continue
        rest = b""
        if stat.S_ISREG(s.st_mode):
            with open(path, "rb") as file:
                rest = hashlib.sha1(file.read()).hexdigest().encode()
        elif stat.S_ISLNK(s.st_mode):
            rest = os.readlink(path)
        links = 1 if stat.S_ISDIR(s.st_mode) else s.st_nlink
        size = 0 if stat.S_ISDIR(s.st_mode) else s.st_size
        line = (oct(s.st_mode), s.st_uid, s.st_gid, links, s.st_rdev, size, s.st_mtime_ns, rest)
        if not stat.S_ISLNK(s.st_mode) and not stat.S_ISSOCK(s.st_mode):
            line += tuple((x, os.getxattr(path, x)) for x in sorted(os.listxattr(path))
                          if x.startswith("user."))
        names.setdefault((s.st_dev, s.st_ino), []).append((os.path.relpath(path, root), line))
for group in sorted(sorted(group) for group in names.values()):
    if len(group) > 1 and not stat.S_ISREG(int(group[0][1][0], 8)):
        print("one inode:", group)
    print([name for name, line in group], *sorted(set(line for name, line in group)))
`;

async function sameTrees(place: Place, a: string, b: string, ...options: string[]): Promise<void> {
  const lines = async (dir: string) => (await py(place, DESCRIBE, dir, ...options)).split("\n");
  const [left, right] = [await lines(a), await lines(b)];
  const odd = [
    ...left.filter((line) => !right.includes(line)).map((line) => `< ${line}`),
    ...right.filter((line) => !left.includes(line)).map((line) => `> ${line}`),
  ];
  assert.deepEqual(odd.slice(0, 10), [], `${a} is not ${b}`);
}

// --- git -------------------------------------------------------------------------

const git: Program = {
  name: "git",
  needs: ["git"],
  async run(place) {
    await place.sh(`
      git init -q -b main repo; cd repo
      for i in {1..25}; do
        mkdir -p d$((i % 7))
        seq $i $((i * 60)) > d$((i % 7))/f$i; echo $i >> log; ln -sfn log link
        if ((i % 5 == 0)); then git mv d$((i % 7))/f$((i - 5 > 0 ? i : i)) moved$i 2>/dev/null || true; fi
        git add -A; git commit -qm "commit $i"
      done
      git checkout -qb topic HEAD~10; echo x > topic; chmod +x topic; git add .; git commit -qm topic
      git checkout -q main; git merge -q --no-edit topic; git tag -a v1 -m v1
      git fsck --strict
      git clone -q . ../clone; git clone -q --no-local . ../far
      git gc -q; git fsck --strict; git repack -adfq; git prune; git fsck --strict
      git init -q --bare -b main ../bare.git; git push -q --all ../bare.git; git push -q --tags ../bare.git
      cd ../far; git remote set-url origin ../bare.git
      for i in {1..5}; do seq $i > far$i; git add -A; git commit -qm "far $i"; git push -q origin main; done
      git -C ../bare.git gc -q; git -C ../bare.git fsck --strict
      cd ../clone; git pull -q --ff-only ../bare.git main; echo dirty >> log; git stash -q; git stash pop -q
      git checkout -q log; git worktree add -q ../tree v1; git branch -q -D topic 2>/dev/null || true
      git gc -q --prune=now; git fsck --strict
      git clone -q ../bare.git ../again; diff -r -x .git ../again ../far
    `);
    await this.remounted!(place);
  },
  async remounted(place) {
    const odd = await place.sh(`
      for r in repo clone far again tree; do git -C $r status --porcelain; git -C $r fsck --strict --no-dangling; done
      git -C bare.git fsck --strict --no-dangling
      [[ $(git -C bare.git rev-list --count main) == 32 ]]
      [[ $(git -C bare.git rev-parse main) == $(git -C again rev-parse HEAD) ]]
    `);
    assert.equal(odd, "");
  },
  killed: {
    async prepare(place) {
      await place.sh(`
        git init -q -b main repo; cd repo
        git config core.fsync all; git config core.fsyncMethod fsync; git config gc.auto 0
        seq 1 1000 > f0; git add .; git commit -qm first
      `);
    },
    work: () => `
      cd repo
      for ((i = 1;; i++)); do
        seq $i $((i + RANDOM % 3000)) > f$((i % 20)); git add -A; git commit -qm $i
        git rev-parse HEAD >> $OUT/commits
        if ((i % 10 == 0)); then git gc -q; fi
      done`,
    async recovered(place) {
      // A ref is renamed to its place after its fsync: only the next fsync makes that last.
      await place.sh(`
        cd repo; find .git -name '*.lock' -delete
        git fsck --strict
        sure=$(tail -n 2 $OUT/commits 2>/dev/null | head -n 1)
        if [[ $sure && $(wc -l < $OUT/commits) -gt 1 ]]; then git merge-base --is-ancestor $sure HEAD; fi
        git reset -q --hard; git gc -q --force; git fsck --strict --no-dangling
        rm -f $OUT/commits
      `);
    },
  },
};

// --- npm -------------------------------------------------------------------------

/** Few packages, but with programs, and with one that needs a version of another of its own. */
const PACKAGE = JSON.stringify({
  name: "some",
  version: "1.0.0",
  private: true,
  dependencies: {
    debug: "4.3.4",
    mkdirp: "1.0.4",
    ms: "2.0.0",
    rimraf: "3.0.2",
    semver: "7.5.4",
  },
});

let registry: Promise<string | null> | undefined;

async function registryMissing(): Promise<string | null> {
  const { success, stderr } = await new Deno.Command("timeout", {
    args: ["20", "npm", "view", "--prefer-online", "--fetch-retries=0", "ms@2.0.0", "version"],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return null;
  const why = new TextDecoder().decode(stderr).match(/npm (?:ERR!|error) code (\S+)/)?.[1];
  return `npm's registry cannot be reached (${why ?? "no answer"})`;
}

const npm: Program = {
  name: "npm",
  needs: ["npm", "node"],
  missing: () => registry ??= registryMissing(),
  async run(place) {
    await place.sh(`
      printf %s ${quoted(PACKAGE)} > package.json
      npm install --prefer-offline --no-audit --no-fund --loglevel=error >/dev/null
    `);
    await this.remounted!(place);
    await place.sh(`
      npm ci --prefer-offline --no-audit --no-fund --loglevel=error >/dev/null
      ./node_modules/.bin/mkdirp a/b/c; ./node_modules/.bin/rimraf a; [[ ! -e a ]]
    `);
  },
  async remounted(place) {
    await place.sh(`
      npm ls --all >/dev/null
      [[ $(./node_modules/.bin/semver -r '^1.2.0' 1.0.0 1.2.3 2.0.0) == 1.2.3 ]]
      [[ -L node_modules/.bin/semver && -d node_modules/debug/node_modules/ms ]]
      node -e 'require("debug")("x"); if (require("ms")("1s") !== 1000) process.exit(1)'
    `);
  },
  killed: {
    async prepare(place) {
      await place.sh(`printf %s ${quoted(PACKAGE)} > package.json`);
    },
    work: () => `
      while :; do
        npm install --prefer-offline --no-audit --no-fund --loglevel=error >/dev/null
        rm -rf node_modules
      done`,
    async recovered(place) {
      await place.sh(`
        rm -rf node_modules package-lock.json
        npm install --prefer-offline --no-audit --no-fund --loglevel=error >/dev/null
        npm ls --all >/dev/null
      `);
    },
  },
};

// --- SQLite ----------------------------------------------------------------------

const SQLITE_PREAMBLE = `
import os, random, sqlite3, sys
def connect(mode, synchronous="FULL"):
    db = sqlite3.connect(mode + ".db", timeout=60, isolation_level=None)
    db.execute("PRAGMA busy_timeout = 60000")
    assert db.execute("PRAGMA journal_mode = " + mode).fetchone() == (mode.lower(),)
    db.execute("PRAGMA synchronous = " + synchronous)
    return db
def sound(db):
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], db.execute("PRAGMA integrity_check").fetchall()
def reap(pids):
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0
def child(body, *args):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            body(*args)
            code = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return pid
`;

const SQLITE_RUN = `${SQLITE_PREAMBLE}
ACCOUNTS, TIMES = 50, 40
def make(mode):
    db = connect(mode)
    db.executescript("CREATE TABLE account(id INTEGER PRIMARY KEY, has INT); CREATE TABLE done(id INTEGER PRIMARY KEY, who INT, data BLOB);")
    db.execute("BEGIN")
    db.executemany("INSERT INTO account VALUES (?, 100)", [(i,) for i in range(ACCOUNTS)])
    db.execute("COMMIT")
    db.close()
def write(mode, who):
    db, rnd = connect(mode), random.Random(who)
    for i in range(TIMES):
        a, b, n = rnd.randrange(ACCOUNTS), rnd.randrange(ACCOUNTS), rnd.randrange(100)
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE account SET has = has - ? WHERE id = ?", (n, a))
        db.execute("UPDATE account SET has = has + ? WHERE id = ?", (n, b))
        db.execute("INSERT INTO done(who, data) VALUES (?, ?)", (who, rnd.randbytes(rnd.randrange(6000))))
        db.execute("ROLLBACK" if i % 10 == 9 else "COMMIT")
    db.close()
def read(mode, stop):
    db = connect(mode)
    db.execute("PRAGMA mmap_size = 1000000")
    seen = 0
    while not os.path.exists(stop):
        db.execute("BEGIN")
        count = db.execute("SELECT count(*) FROM done").fetchone()[0]
        assert db.execute("SELECT sum(has) FROM account").fetchone() == (100 * ACCOUNTS,)
        assert count >= seen and count == len(db.execute("SELECT data FROM done").fetchall())
        seen = count
        db.execute("COMMIT")
    db.close()
out = sys.argv[1]
for mode in ["DELETE", "WAL"]:
    make(mode)
    stop = out + "/stop-" + mode
    readers = [child(read, mode, stop) for who in range(2)]
    reap([child(write, mode, who) for who in range(2)])
    open(stop, "w").close()
    reap(readers)
    db = connect(mode)
    sound(db)
    assert db.execute("SELECT count(*) FROM done").fetchone() == (2 * TIMES * 9 // 10,)
    db.execute("VACUUM")
    sound(db)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
left = [name for name in os.listdir(".") if not name.endswith(".db")]
assert left == [], left
`;

const sqlite: Program = {
  name: "SQLite",
  needs: ["python3"],
  async run(place) {
    await py(place, SQLITE_RUN, place.out);
    await this.remounted!(place);
  },
  async remounted(place) {
    await py(
      place,
      `${SQLITE_PREAMBLE}
for mode in ["DELETE", "WAL"]:
    db = connect(mode)
    sound(db)
    assert db.execute("SELECT count(*) FROM done").fetchone() == (72,)
    assert db.execute("SELECT sum(has) FROM account").fetchone() == (5000,)
    db.close()
`,
    );
  },
  killed: {
    async prepare(place) {
      await py(
        place,
        `${SQLITE_PREAMBLE}
for mode in ["DELETE", "WAL"]:
    connect(mode).execute("CREATE TABLE done(id INTEGER PRIMARY KEY, data BLOB)")
`,
      );
    },
    work: (place) =>
      pythonCommand(
        `${SQLITE_PREAMBLE}
def write(mode, who):
    # After a commit the journal is deleted, and only EXTRA syncs the directory then.
    db = connect(mode, "EXTRA")
    log = os.open(sys.argv[1] + "/done-" + mode, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while True:
        db.execute("BEGIN IMMEDIATE")
        cursor = db.execute("INSERT INTO done(data) VALUES (?)", (random.randbytes(random.randrange(9000)),))
        if random.random() < 0.2:
            db.execute("UPDATE done SET data = ? WHERE id = ?", (random.randbytes(3000), random.randrange(1, 100)))
        db.execute("COMMIT")
        # SQLite lets it pass when it cannot open the directory to sync it: had the mount died?
        os.statvfs(".")
        os.write(log, b"%d\\n" % cursor.lastrowid)
reap([child(write, mode, who) for mode in ["DELETE", "WAL"] for who in range(2)])
`,
        place.out,
      ),
    async recovered(place) {
      await py(
        place,
        `${SQLITE_PREAMBLE}
for mode in ["DELETE", "WAL"]:
    log = sys.argv[1] + "/done-" + mode
    done = {int(line) for line in open(log)} if os.path.exists(log) else set()
    db = connect(mode)
    sound(db)
    lost = done - {row[0] for row in db.execute("SELECT id FROM done")}
    assert not lost, "%s: %d of %d rows are lost" % (mode, len(lost), len(done))
    db.close()
`,
        place.out,
      );
    },
  },
};

// --- rsync, tar ------------------------------------------------------------------

// Nanoseconds count as well.
const RSYNC = "rsync -aHAX --numeric-ids --modify-window=-1";

/** Asserts that rsync finds nothing to do. */
async function nothingToSync(place: Place, from: string, to: string): Promise<void> {
  assert.equal(await place.sh(`${RSYNC} --itemize-changes --delete ${from}/ ${to}/`), "");
}

const rsync: Program = {
  name: "rsync",
  needs: ["rsync", "python3"],
  async run(place) {
    await py(place, MAKE_TREE, `${place.out}/tree`);
    await place.sh(`${RSYNC} $OUT/tree/ copy/`);
    await nothingToSync(place, "$OUT/tree", "copy");
    await sameTrees(place, `${place.out}/tree`, "copy");
    // From the mount to itself and out of it.
    await place.sh(`${RSYNC} --sparse copy/ second/; ${RSYNC} second/ $OUT/back/`);
    await nothingToSync(place, "copy", "second");
    await sameTrees(place, `${place.out}/tree`, `${place.out}/back`);
    await place.sh(`
      echo more >> second/hard1; rm second/fifo; chmod 711 second/empty; mv second/d1 second/d9
      ${RSYNC} --delete --inplace second/ copy/
    `);
    await nothingToSync(place, "second", "copy");
  },
  async remounted(place) {
    await nothingToSync(place, "second", "copy");
    await sameTrees(place, "second", "copy");
  },
  killed: {
    async prepare(place) {
      await py(place, MAKE_TREE, `${place.out}/tree`);
    },
    work: () => `
      while :; do
        ${RSYNC} $OUT/tree/ copy/; rm -rf copy/d0 copy/hard1; ${RSYNC} --fsync $OUT/tree/ copy/; rm -rf copy
      done`,
    async recovered(place) {
      await place.sh(`${RSYNC} --checksum --delete $OUT/tree/ copy/`);
      await nothingToSync(place, "$OUT/tree", "copy");
      await sameTrees(place, `${place.out}/tree`, "copy");
    },
  },
};

const TAR = "tar --format=pax --xattrs --xattrs-include=user.* --numeric-owner --sparse";

const tar: Program = {
  name: "tar",
  needs: ["tar", "python3"],
  async run(place) {
    await py(place, MAKE_TREE, "tree");
    await place.sh(`
      ${TAR} -cf tree.tar -C tree . 2>/dev/null
      mkdir copy $OUT/copy; ${TAR} -xpf tree.tar -C copy; ${TAR} -xpf tree.tar -C $OUT/copy
      ${TAR} -df tree.tar -C copy
    `);
    await sameTrees(place, "tree", "copy", "no-sockets");
    await sameTrees(place, "tree", `${place.out}/copy`, "no-sockets");
    await place.sh(`
      ${TAR} -cf - -C $OUT/copy . | (mkdir second; ${TAR} -xpf - -C second)
      # Over what is there.
      ${TAR} -xpf tree.tar -C second
      ${TAR} --recursive-unlink --unlink-first -xpf tree.tar -C second; touch -r tree second
    `);
    await sameTrees(place, "tree", "second", "no-sockets");
  },
  async remounted(place) {
    await place.sh(`${TAR} -df tree.tar -C copy; ${TAR} -df tree.tar -C second`);
    await sameTrees(place, "tree", `${place.out}/copy`, "no-sockets");
    await sameTrees(place, "tree", "copy", "no-sockets");
    await place.sh(`rm -rf tree copy; [[ $(ls) == $'second\\ntree.tar' ]]`);
  },
  killed: {
    async prepare(place) {
      await py(place, MAKE_TREE, `${place.out}/tree`);
      await place.sh(`${TAR} -cf $OUT/tree.tar -C $OUT/tree . 2>/dev/null`);
    },
    work: () => `
      while :; do
        mkdir -p copy; ${TAR} -xpf $OUT/tree.tar -C copy; ${TAR} -cf again.tar copy; rm -rf copy
      done`,
    async recovered(place) {
      await place.sh(`rm -rf copy again.tar; mkdir copy; ${TAR} -xpf $OUT/tree.tar -C copy`);
      await sameTrees(place, `${place.out}/tree`, "copy", "no-sockets");
    },
  },
};

// --- a project in C --------------------------------------------------------------

const C_FILES = 60;

/** Makes a project that depends on itself in many ways. */
const MAKE_PROJECT = `
mkdir -p project/src project/include; cd project
for h in {0..9}; do
  printf '#ifndef H%d\\n#define H%d\\n#define FACTOR_%d %d\\n#endif\\n' $h $h $h $((h + 1)) > include/h$h.h
done
declare=; call=
for ((i = 0; i < ${C_FILES}; i++)); do
  h=$((i % 10))
  printf '#include "h%d.h"\\n#include <stdio.h>\\n#include <stdlib.h>\\nint part_%d(int x) { return x * FACTOR_%d + %d; }\\n' \\
    $h $i $h $i > src/part$i.c
  declare+="int part_$i(int); "; call+="sum += part_$i($i); "
done
printf '#include <stdio.h>\\n%s\\nint main(void) { int sum = 0; %s printf("%%d\\\\n", sum); return 0; }\\n' \\
  "$declare" "$call" > src/main.c
cat > Makefile <<'END'
PARTS := $(filter-out build/main.o,$(patsubst src/%.c,build/%.o,$(wildcard src/*.c)))
build/sum: build/main.o build/libparts.a
	$(CC) -o $@ $^
build/libparts.a: $(PARTS)
	$(AR) rcs $@ $^
build/%.o: src/%.c | build
	$(CC) -Iinclude -MMD -g -c -o $@ $<
build:
	mkdir build
clean:
	rm -rf build
-include $(wildcard build/*.d)
END
`;

/** What the built program prints: every part adds i * factor + i. */
const C_SUM = Array.from({ length: C_FILES }, (_, i) => i * (i % 10 + 1) + i)
  .reduce((sum, n) => sum + n, 0);

const compiler: Program = {
  name: "a C project",
  needs: ["make", "gcc", "ar"],
  async run(place) {
    await place.sh(MAKE_PROJECT);
    const said = await place.sh(`
      cd project; make -s -j4; make -q; make -j4 | grep -c 'up to date'; ./build/sum
      touch include/h3.h; make -j4 | grep -c -- ' -c -o'; make -q; ./build/sum
    `);
    assert.equal(said, `1\n${C_SUM}\n${C_FILES / 10}\n${C_SUM}\n`);
  },
  async remounted(place) {
    const said = await place.sh(
      `cd project; make -q; ./build/sum; make -s clean; [[ ! -e build ]]`,
    );
    assert.equal(said, `${C_SUM}\n`);
  },
  killed: {
    async prepare(place) {
      await place.sh(MAKE_PROJECT);
    },
    work: () => `cd project; while :; do make -s -j4; ./build/sum; make -s clean; done`,
    async recovered(place) {
      const said = await place.sh(`cd project; make -s clean; make -s -j4; ./build/sum`);
      assert.equal(said, `${C_SUM}\n`);
    },
  },
};

// --- editors ---------------------------------------------------------------------

// By default it makes no backups below the directory for temporary files.
const VIM = `$(command -v vim || command -v vim.tiny) -es -u NONE -i NONE --cmd 'set backupskip='`;

const editors: Program = {
  name: "sed -i and vim",
  needs: ["sed"],
  missing: () => Promise.resolve(hasProgram("vim") || hasProgram("vim.tiny") ? null : "no vim"),
  async run(place) {
    await place.sh(`
      seq 1 3000 > f; chmod 640 f; before=$(stat -c %i f)
      sed -i 's/^7$/seven/' f; [[ $(sed -n 7p f) == seven && $(wc -l < f) == 3000 && $(stat -c %a f) == 640 ]]
      sed -i.bak '1d' f; [[ $(wc -l < f) == 2999 && $(wc -l < f.bak) == 3000 ]]
      ln f hard; ln -s f soft
      ${VIM} -c '%s/^8$/eight/' -c wq f; grep -qx eight f; grep -qx eight hard; [[ $(stat -c %a f) == 640 ]]
      ${VIM} -c 'set backup backupcopy=yes' -c '%s/^9$/nine/' -c wq soft
      grep -qx nine f; grep -qx nine hard; [[ -L soft ]]; ! grep -qx nine soft~
      ${VIM} -c 'set backup backupcopy=no' -c '%s/^10$/ten/' -c wq f
      grep -qx ten f; ! grep -qx ten hard; ! grep -qx ten f~
      for i in {1..10}; do ${VIM} -c "\\$d" -c 'set nowritebackup' -c 'w!' -c "\\$d" -c 'wq!' f; done
      [[ $(wc -l < f) == 2979 ]]
      ${VIM} -c "a
new text
." -c wq new; [[ $(cat new) == 'new text' ]]
      sed -i 's/new/old/' new; [[ $(cat new) == 'old text' ]]
      [[ -z $(find . -name '.*.sw*' -o -name 'sed*' -o -name 4913) ]]
    `);
  },
  async remounted(place) {
    await place.sh(
      `[[ $(wc -l < f) == 2979 && $(cat new) == 'old text' && $(wc -l < hard) == 2999 ]]`,
    );
  },
  killed: {
    async prepare(place) {
      await place.sh(`seq 1 2000 | sed 's/.*/0/' | tee by-vim > by-sed`);
    },
    work: () => `
      for ((i = 1;; i++)); do
        ${VIM} -n -c "%s/.*/$i/" -c wq by-vim; echo $i >> $OUT/by-vim
        sed -i "s/.*/$i/" by-sed
      done`,
    async recovered(place) {
      // vim syncs what it saves; until it has, the backup is there. sed syncs
      // nothing, but there is never another file than a whole one.
      await place.sh(`
        whole() { [[ -f $1 && $(wc -l < $1) == 2000 && $(uniq $1 | wc -l) == 1 ]]; }
        saved=$(tail -n 1 $OUT/by-vim 2>/dev/null || echo 0)
        whole by-sed
        if ! whole by-vim; then whole by-vim~; mv by-vim~ by-vim; fi
        [[ $(head -n 1 by-vim) -ge $saved ]]
        rm -f $OUT/by-vim by-vim~ sed?????? 4913
        seq 1 2000 | sed 's/.*/0/' | tee by-vim > by-sed
      `);
    },
  },
};

// --- fio, stress-ng --------------------------------------------------------------

const FIO_JOBS = `
[global]
verify=crc32c
verify_fatal=1
verify_backlog=0
randrepeat=1
allrandrepeat=1
size=6m
group_reporting=1
[sequential]
rw=write
bs=64k
end_fsync=1
[random]
rw=randwrite
bs=4k
fsync=64
[mixed]
rw=randrw
bsrange=512-32k
[mapped]
ioengine=mmap
rw=randwrite
bs=4k
[mapped-in-order]
ioengine=mmap
rw=write
bs=16k
[direct]
ioengine=psync
direct=1
rw=randwrite
bs=4k
size=2m
[queued]
ioengine=libaio
direct=1
iodepth=8
rw=randwrite
bs=16k
[synchronous]
rw=randwrite
bs=4k
size=512k
sync=1
`;

const fio: Program = {
  name: "fio",
  needs: ["fio"],
  async run(place) {
    await place.sh(
      `printf %s ${
        quoted(FIO_JOBS)
      } > $OUT/jobs; fio --output=$OUT/said $OUT/jobs || { cat $OUT/said; exit 1; }`,
    );
  },
  async remounted(place) {
    // What is mixed is not read back by itself: another run would draw other blocks.
    await place.sh(`
      sed '/^\\[mixed/,/^bsrange/d' $OUT/jobs > $OUT/verify
      fio --verify_only --output=$OUT/said $OUT/verify || { cat $OUT/said; exit 1; }
    `);
  },
  killed: {
    async prepare(place) {
      await place.sh(`printf %s ${quoted(FIO_JOBS)} > $OUT/jobs`);
    },
    work: () => `while :; do fio --output=/dev/null $OUT/jobs; done`,
    async recovered(place) {
      await place.sh(
        `fio --section=random --section=mapped --output=$OUT/said $OUT/jobs || { cat $OUT/said; exit 1; }; rm -f *`,
      );
    },
  },
};

/** What runs at once, for a second or so each. */
const STRESSORS: readonly (readonly string[])[] = [
  ["access", "chmod", "chown", "dentry", "dir", "filename", "link", "rename", "symlink", "unlink"],
  [
    "dirdeep",
    "dirmany",
    "fcntl",
    "flock",
    "fstat",
    "getdent",
    "lockf",
    "lockofd",
    "locka",
    "mknod",
  ],
  ["copy-file", "fallocate", "fpunch", "hdd", "iomix", "seek", "sync-file", "revio", "readahead"],
  ["touch", "utime", "xattr", "open", "chdir", "sendfile", "splice", "aio", "fiemap", "fsize"],
  ["mmap", "msync", "lease", "handle", "inode-flags", "dnotify", "inotify"],
];

/** Sizes that fit a second. */
const STRESS_OPTIONS = [
  "--hdd-bytes 4m --hdd-opts fsync,wr-rnd,rd-seq --copy-file-bytes 128m --fallocate-bytes 4m",
  "--iomix-bytes 4m --seek-size 4m --sync-file-bytes 4m --revio-bytes 4m --readahead-bytes 8m",
  "--mmap-file --mmap-bytes 4m --msync-bytes 4m --dentries 200 --dir-dirs 200 --fiemap-bytes 4m",
  "--dirdeep-dirs 2 --dirdeep-inodes 300 --sendfile-size 1m --splice-bytes 64k",
].join(" ");

let known: Set<string> | undefined;

/** Those that this version has. */
function stressors(): string[][] {
  known ??= new Set(
    new TextDecoder().decode(
      new Deno.Command("stress-ng", { args: ["--stressors"] }).outputSync().stdout,
    ).split(/\s+/),
  );
  return STRESSORS.map((names) => names.filter((name) => known!.has(name)));
}

function stressCommand(names: readonly string[], seconds: number): string {
  return `stress-ng --temp-path . --verify --timeout ${seconds} ${STRESS_OPTIONS} ${
    names.map((name) => `--${name} 1`).join(" ")
  }`;
}

const stress: Program = {
  name: "stress-ng",
  needs: ["stress-ng"],
  async run(place) {
    for (const names of stressors()) {
      const said = await place.sh(stressCommand(names, 1));
      assert.ok(!/\bfail(ed)?:/.test(said), said);
      assert.equal(await place.sh("ls -A"), "", names.join());
    }
  },
  killed: {
    work: () =>
      `while :; do\n${
        stressors().map((names) => `${stressCommand(names, 1)} >/dev/null`).join("\n")
      }\ndone`,
    async recovered(place) {
      await place.sh("rm -rf ./*; [[ -z $(ls -A) ]]");
    },
  },
};

// --- PostgreSQL ------------------------------------------------------------------

/** Where Debian keeps the server's programs, of the newest version; empty in others' paths. */
function postgresPath(): string {
  const base = "/usr/lib/postgresql";
  try {
    const versions = [...Deno.readDirSync(base)].map(({ name }) => Number(name))
      .filter((version) => version > 0).sort((a, b) => b - a);
    if (versions.length > 0) return `${base}/${versions[0]}/bin`;
  } catch {
    // Elsewhere they are in the path.
  }
  return "";
}

/** Whoever runs the server, which refuses root. */
function postgresUser(): { uid: number; gid: number } | undefined {
  if (!isRoot()) return undefined;
  const id = (flag: string) => {
    const { stdout } = new Deno.Command("id", { args: [flag, "postgres"], stderr: "null" })
      .outputSync();
    return Number(new TextDecoder().decode(stdout).trim() || NaN);
  };
  const user = { uid: id("-u"), gid: id("-g") };
  return Number.isNaN(user.uid) ? undefined : user;
}

/** `serve`, which starts the server, and `stop`. */
function postgresPreamble(): string {
  return `
    export PATH=${postgresPath()}:$PATH PGHOST=$OUT PGDATABASE=postgres
    serve() {
      # A server that was killed lets go of its memory when its last process has seen it.
      for try in {1..20}; do
        postgres -D data -k $OUT -c listen_addresses= -c max_wal_size=32MB -c shared_buffers=16MB \\
          >> $OUT/log 2>&1 &
        server=$!
        trap 'kill -KILL $server 2>/dev/null || true' EXIT
        while kill -0 $server 2>/dev/null; do
          if pg_isready -q; then return; fi
          sleep 0.05
        done
        sleep 0.5
      done
      tail -n 30 $OUT/log; return 1
    }
    stop() { kill -INT $server; wait $server; }
    ask() { psql -qAtX -v ON_ERROR_STOP=1 -c "$1"; }
  `;
}

async function asPostgres(place: Place, script: string): Promise<void> {
  await place.sh(`${postgresPreamble()}\n${script}`, { user: postgresUser() });
}

async function initdb(place: Place, ...options: string[]): Promise<void> {
  const user = postgresUser();
  if (user !== undefined) {
    await Deno.chown(place.dir, user.uid, user.gid);
    await Deno.chown(place.out, user.uid, user.gid);
  }
  await asPostgres(
    place,
    `initdb -D data -A trust -U "$(id -un)" -k ${
      options.join(" ")
    } > $OUT/initdb || { cat $OUT/initdb; exit 1; }`,
  );
}

/** pgbench writes every change to an account, a teller and a branch, and into a history. */
const BALANCED = `
  [[ $(ask "select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history)
    and (select sum(tbalance) from pgbench_tellers) = (select sum(delta) from pgbench_history)
    and (select sum(bbalance) from pgbench_branches) = (select sum(delta) from pgbench_history)") =~ ^t?$ ]]
  pg_amcheck --install-missing --heapallindexed > $OUT/said 2>&1 || { cat $OUT/said; exit 1; }
`;

const postgres: Program = {
  name: "PostgreSQL",
  needs: [],
  missing() {
    const here = postgresPath() !== "" || (hasProgram("postgres") && hasProgram("pgbench"));
    if (!here) return Promise.resolve("no postgres");
    return Promise.resolve(
      isRoot() && postgresUser() === undefined ? "no user for postgres" : null,
    );
  },
  async run(place) {
    await initdb(place);
    await asPostgres(
      place,
      `
      serve
      pgbench -q -i -s 1 >/dev/null 2>&1
      pgbench -c 4 -j 2 -T 1 2>&1 | tee $OUT/said | grep -q 'number of failed transactions: 0' || { cat $OUT/said; exit 1; }
      ask "create index on pgbench_accounts(abalance)"; ask "vacuum full pgbench_accounts"; ask checkpoint
      ${BALANCED}
      ask "select count(*) from pgbench_history" > $OUT/count
      stop
      pg_checksums --check -D data > $OUT/said || { cat $OUT/said; exit 1; }
    `,
    );
  },
  async remounted(place) {
    await asPostgres(
      place,
      `
      serve
      ${BALANCED}
      [[ $(ask "select count(*) from pgbench_history") == $(cat $OUT/count) ]]
      stop
    `,
    );
  },
  killed: {
    user: postgresUser,
    async prepare(place) {
      await initdb(place, "--no-sync");
      await asPostgres(place, "serve; pgbench -q -i -s 1 >/dev/null 2>&1; stop");
    },
    work: () =>
      `${postgresPreamble()}
      serve
      rm -f $OUT/transactions*
      pgbench -n -c 4 -j 2 -T 60 -l --log-prefix=$OUT/transactions >/dev/null`,
    async recovered(place) {
      await asPostgres(
        place,
        `
        serve
        committed=$({ cat $OUT/transactions* 2>/dev/null || true; } | wc -l)
        [[ $(ask "select count(*) from pgbench_history") -ge $committed ]]
        ${BALANCED}
        ask "truncate pgbench_history"; ask "update pgbench_accounts set abalance = 0 where abalance <> 0"
        ask "update pgbench_tellers set tbalance = 0"; ask "update pgbench_branches set bbalance = 0"
        rm -f $OUT/transactions*
        stop
      `,
      );
    },
  },
};

/** All programs. */
export const PROGRAMS: readonly Program[] = [
  git,
  npm,
  sqlite,
  rsync,
  tar,
  compiler,
  editors,
  fio,
  stress,
  postgres,
];

/** Returns why a program cannot run here; null when it can. */
export async function missingFor(program: Program): Promise<string | null> {
  for (const name of program.needs) if (!hasProgram(name)) return `no ${name}`;
  return await program.missing?.() ?? null;
}
