"""Makes the golden files of this folder with the Python package ``aloelite``.

Run it twice, first with release 0.3.7 and then with 0.4.0, each installed with
``pip install 'aloelite[bundled-sqlite]==…'``:

    python-with-0.3.7 make.py
    python-with-0.4.0 make.py

The first run makes the files of era 1. The second makes the others and writes,
beside each file, a JSON text of what it holds: for era 1, of what it holds
after the package's own upgrade.
"""

import json
import os
import pathlib
import shutil
import sys
import tempfile

import pysqlite3

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent / "oracle"))

import aloelite  # noqa: E402
from driver import HAS_NS, Driver  # noqa: E402


def data(text):
    return text.encode().hex()


class Maker:
    """One file in the making, and the facts to be told of it."""

    def __init__(self, name):
        self.name = name
        self.path = HERE / (name + ".db")
        self.path.unlink(missing_ok=True)
        self.driver = Driver()
        self.file = self.driver.open(str(self.path))
        self.volumes = []
        self.facts = {"versions": [], "removed": [], "hidden": []}

    def volume(self, name, chunk_size, pin=None, mode="none"):
        self.id = self.driver.create_volume(
            self.file, name, chunk_size, None if pin is None else data(pin), mode
        )
        self.pin = pin
        self.mount = self.driver.mount(self.file, self.id, None if pin is None else data(pin))
        self.volumes.append(
            {"id": self.id, "name": name, "chunk_size": chunk_size, "encryption": mode, "pin": pin}
        )

    def __call__(self, op, **args):
        return self.driver.apply(self.file, self.mount, {"op": op, **args})

    def keep(self, path, version):
        """Tells what a version holds that is the committed one now."""
        stat = self.driver.stat(self.mount, path)
        assert stat["version"] == version, stat
        self.facts["versions"].append(
            {
                "volume": self.id,
                "path": path,
                "id": stat["id"],
                "version": version,
                "data": self.driver.read_all(self.mount, path),
            }
        )

    def hide(self, path):
        """Tells what is at a path that a newer sibling is about to hide."""
        stat = self.driver.stat(self.mount, path)
        self.facts["hidden"].append(
            {"volume": self.id, "id": stat["id"], "data": self.driver.read_all(self.mount, path)}
        )

    def removed(self, path, kind="entry"):
        self.facts["removed"].append({"volume": self.id, "path": path, "type": kind})

    def unmount(self):
        self.driver.unmount(self.mount)

    def done(self):
        self.driver.close(self.file)
        compact(self.path)
        with open(HERE / (self.name + ".json"), "w") as out:
            facts = {
                "made_by": self.driver.version(),
                "era": 3 if HAS_NS else 1,
                "volumes": self.volumes,
                **self.facts,
            }
            json.dump(facts, out, indent=1, sort_keys=True, ensure_ascii=False)
            out.write("\n")


def compact(path):
    """Small pages and a rollback journal: one small file that can be committed."""
    raw = pysqlite3.connect(path, isolation_level=None)
    raw.execute("pragma journal_mode = delete")
    raw.execute("pragma page_size = 512")
    raw.execute("vacuum")
    raw.close()
    for tail in ("-wal", "-shm", "-journal"):
        assert not os.path.exists(str(path) + tail)


def make_plain():
    make = Maker("plain")
    fill_tree(make)
    fill_history(make)
    make.done()


def fill_tree(make):
    """Names and places: hidden siblings, moves, links, types, attributes, a pack."""
    make.volume("tree", 256)
    make("mkdir", path="/docs/deep/er", parents=True, existOk=False)
    make("createEntry", path="/docs/text", data=data("a text of more than one chunk " * 20))
    make("createEntry", path="/docs/empty")
    make("createEntry", path="/docs/zeros", data="00" * 600)
    for name in ("..", "é", "e\u0301", "🌵"):
        make("createEntry", path="/docs/deep/" + name, data=data(name))
    make("createEntry", path="/twice", data=data("older"))
    make.hide("/twice")
    make("createEntry", path="/twice", data=data("newer"))
    make("createEntry", path="/thing", data=data("an entry below a container"))
    make.hide("/thing")
    make("createContainer", path="/thing")
    make("createEntry", path="/thing/inside", data=data("inside"))
    make("createEntry", path="/moved-from", data=data("moved"))
    make("move", **{"from": "/moved-from", "to": "/docs/deep/er/moved-to"})
    make("createEntry", path="/before", data=data("renamed"))
    make("rename", path="/before", name="after")
    make("createEntry", path="/hard", data=data("two names"))
    make("link", **{"from": "/hard", "to": "/docs/hard-too"})
    make("createSpecial", path="/symlink", type="symlink", data=data("docs/text"))
    make("createSpecial", path="/fifo", type="fifo", data="")
    make("createSpecial", path="/socket", type="socket", data="")
    make("setOwner", path="/docs", uid=1000, gid=100, mode=0o2750)
    make("setMetadata", path="/docs/text", metadata={"author": "é", "k": "v"})
    make("setXattr", path="/docs/text", name="user.mime", data=data("text/plain"))
    make("setXattr", path="/docs", name="user.empty", data="")
    make("setMtime", path="/docs/text", time="1234567890123456789")
    make("setAtime", path="/docs/text", time="1334567890123456789")
    make("copy", **{"from": "/docs", "to": "/packed"})
    make.removed("/packed", "container")
    make("pack", path="/packed")
    make("copy", **{"from": "/docs/deep", "to": "/copy"})
    make("createEntry", path="/removed", data=data("removed"))
    make("remove", path="/removed")
    make.removed("/removed")
    make("mkdir", path="/tree/of/removed", parents=True, existOk=False)
    make("createEntry", path="/tree/of/removed/leaf", data=data("leaf"))
    make("removeRecursive", path="/tree")
    make.removed("/tree", "container")
    # The mount stays: a file of a process that ended without unmounting.


def fill_history(make):
    """Versions and retention, holes, an aborted write and a forgotten lock."""
    make.volume("history", 8)
    make("createEntry", path="/all", data=data("one"))
    make.keep("/all", 1)
    make("writeAll", path="/all", data=data("the second version"))
    make.keep("/all", 2)
    make("append", path="/all", data=data(", longer"))
    make.keep("/all", 3)
    make("truncate", path="/all", size=7)
    make.keep("/all", 4)
    make("writeRange", path="/all", offset=20, data=data("far"))
    make.keep("/all", 5)
    # An empty version leaves no row behind that tells of it later on.
    make("writeAll", path="/all", data="")
    make("stream", path="/all", mode="truncate", parts=[data("streamed "), data("in parts")])
    make.keep("/all", 7)
    make("stream", path="/all", mode="append", parts=[data(" and on")])
    make.keep("/all", 8)
    make("createEntry", path="/two", data=data("0"))
    for number in range(1, 6):
        make("writeAll", path="/two", data=data(str(number)))
        if number >= 4:
            make.keep("/two", number + 1)
    make("setRetention", path="/two", keep=2)
    make("pruneContent")
    make("createEntry", path="/sparse")
    make("truncate", path="/sparse", size=100)
    make("writeRange", path="/sparse", offset=50, data=data("island"))
    make("createEntry", path="/interrupted", data=data("committed"))
    fd = make.driver.open_write(make.mount, "/interrupted", "append")
    make.driver.write(fd, data("never committed, and several chunks long"))
    make.driver.forget(fd)
    make.unmount()


def make_encrypted():
    """A plain volume and two encrypted ones side by side in one file."""
    make = Maker("encrypted")
    for name, pin, mode in (
        ("plain", None, "none"),
        ("convergent", "correct horse é", "convergent"),
        ("random", "", "random"),
    ):
        make.volume(name, 64, pin, mode)
        make("mkdir", path="/a/b", parents=True, existOk=False)
        make("createEntry", path="/a/b/long", data=data("secret " * 20))
        make.keep("/a/b/long", 1)
        make("append", path="/a/b/long", data=data("tail"))
        make.keep("/a/b/long", 2)
        make("createEntry", path="/a/same", data=data("secret " * 20))
        make("createEntry", path="/a/empty")
        make("setMetadata", path="/a/same", metadata={"k": "v"})
        make("copy", **{"from": "/a", "to": "/copy"})
        make.removed("/copy", "container")
        make("pack", path="/copy")
        make.unmount()
    make.done()


def make_era1():
    """Era 1, with the permission bits and symlinks that it kept in metadata."""
    make = Maker("era1")
    make.volume("main", 64)
    make("mkdir", path="/d/e", parents=True, existOk=False)
    make("createEntry", path="/d/script", data=data("#!/bin/sh\n"))
    make("setMetadata", path="/d/script", metadata={"mode": "755", "k": "v"})
    make("createEntry", path="/d/link", data=data("script"))
    make("setMetadata", path="/d/link", metadata={"symlink": "1", "mode": "777"})
    make("createEntry", path="/d/link2", data=data("e"))
    make("setMetadata", path="/d/link2", metadata={"symlink": "1"})
    make("setMetadata", path="/d", metadata={"mode": "1777"})
    make("createEntry", path="/d/twice", data=data("older"))
    make.hide("/d/twice")
    make("createEntry", path="/d/twice", data=data("newer, and longer than a chunk " * 5))
    make("createEntry", path="/d/before", data=data("renamed"))
    make("rename", path="/d/before", name="after")
    make("createEntry", path="/d/from", data=data("moved"))
    make("move", **{"from": "/d/from", "to": "/d/e/to"})
    make("setMtime", path="/d/e/to", time="1234567890123000000")
    make("createEntry", path="/d/versions", data=data("one"))
    make.keep("/d/versions", 1)
    make("writeAll", path="/d/versions", data=data("two"))
    make.keep("/d/versions", 2)
    make("createEntry", path="/d/gone", data=data("removed"))
    make("remove", path="/d/gone")
    make.removed("/d/gone")
    make("copy", **{"from": "/d", "to": "/packed"})
    make("pack", path="/packed")
    make.removed("/packed", "container")
    make.unmount()
    for name, pin, mode in (("convergent", "1234", "convergent"), ("random", "4321", "random")):
        make.volume(name, 64, pin, mode)
        make("createContainer", path="/a")
        make("createEntry", path="/a/long", data=data("secret " * 20))
        make("setMetadata", path="/a/long", metadata={"mode": "600"})
        make.unmount()
    make.done()


def describe():
    """Adds to each JSON text what this release shows of a copy of the file."""
    for path in sorted(HERE.glob("*.db")):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / path.name
            shutil.copy(path, copy)
            driver = Driver()
            file = driver.open(str(copy))
            beside = path.with_suffix(".json")
            facts = json.loads(beside.read_text())
            for volume in facts["volumes"]:
                pin = None if volume["pin"] is None else data(volume["pin"])
                mount = driver.mount(file, volume["id"], pin)
                volume["nodes"] = [told(row) for row in driver.snapshot(mount)]
                assert driver.verify(mount)["problems"] == []
                driver.unmount(mount)
            assert driver.health(file) == []
            driver.close(file)
        text = json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False)
        beside.write_text(text + "\n")


def told(row):
    """A row without what is null, empty or as usual."""
    usual = {"visible": True, "nlink": 1}
    return {k: v for k, v in row.items() if v not in (None, {}) and usual.get(k) != v}


if __name__ == "__main__":
    if HAS_NS:
        make_plain()
        make_encrypted()
        describe()
    else:
        make_era1()
