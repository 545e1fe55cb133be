"""Drives the Python package ``aloelite`` for the tests, as a black box.

One JSON request a line on stdin, one JSON answer a line on stdout:

    {"fn": "open", "args": {"path": "x.db"}}
    {"ok": 1}            or        {"err": "not_found", "message": "..."}

Bytes travel as hex text. Times travel as decimal text, in nanoseconds, also
where an old release of the package counts in milliseconds. Files, mounts and
descriptors are numbered handles, so that one process serves many tests.
"""

import inspect
import json
import sys

import aloelite
from aloelite import errors

HAS_NS = hasattr(aloelite.Mount, "set_owner")
"""Releases since 0.4 know owners, links and nanoseconds."""


class Driver:
    def __init__(self):
        self.handles = {}
        self.next_handle = 1

    def keep(self, thing):
        handle = self.next_handle
        self.next_handle += 1
        self.handles[handle] = thing
        return handle

    # --- files and volumes -------------------------------------------------

    def version(self):
        from importlib.metadata import version

        return version("aloelite")

    def open(self, path):
        return self.keep(aloelite.Aloelite(path))

    def close(self, file):
        self.handles.pop(file).close()

    def create_volume(self, file, name=None, chunk_size=1048576, pin=None, enc_mode="convergent"):
        args = {"name": name, "chunk_size": chunk_size}
        if pin is not None:
            args["pin"] = bytes.fromhex(pin)
            args["enc_mode"] = enc_mode
        return str(self.handles[file].create_volume(**args).id)

    def volumes(self, file):
        return [
            {"id": str(v.id), "name": v.name, "root": str(v.root), "created_at": ns(v.created_at)}
            for v in self.handles[file].list_volumes()
        ]

    def change_pin(self, file, volume, old, new):
        volume = aloelite.VolumeId(volume)
        self.handles[file].change_pin(volume, bytes.fromhex(old), bytes.fromhex(new))

    def health(self, file):
        return [{"kind": a.kind, "id": a.id} for a in self.handles[file].health_check()]

    def prune(self, file):
        report = self.handles[file].prune()
        return {"nodes": report.nodes_pruned, "locks": report.locks_pruned}

    def prune_content(self, file):
        report = self.handles[file].prune_content()
        return {"versions": report.versions_pruned, "chunks": report.chunks_pruned}

    # --- mounts --------------------------------------------------------------

    def mount(self, file, volume, pin=None, at="/", ttl_ms=None, overlap=True, access="rw"):
        args = {"at": at, "ttl_ms": ttl_ms}
        if pin is not None:
            args["pin"] = bytes.fromhex(pin)
        if HAS_NS:
            args["allow_overlap"] = overlap
            args["access"] = access
        return self.keep(self.handles[file].mount(aloelite.VolumeId(volume), **args))

    def mount_info(self, mount):
        info = self.handles[mount].info()
        return {"id": str(info.id), "path": info.mount_path, "state": info.state.value}

    def mounts(self, file, all=False):
        found = self.handles[file].list_mounts(include_unmounted=all)
        return [{"id": str(m.id), "volume": str(m.volume), "state": m.state.value} for m in found]

    def unmount(self, mount):
        self.handles.pop(mount).unmount()

    def forget(self, handle):
        """Lets go of a mount or descriptor without ending it: its row stays."""
        self.handles.pop(handle)

    def verify(self, mount, deep=True):
        report = self.handles[mount].verify(deep=deep)
        return {
            "entries": report.entries_checked,
            "chunks": report.chunks_checked,
            "problems": list(report.problems),
        }

    # --- one operation -------------------------------------------------------

    def apply(self, file, mount, op):
        """Applies one operation of the tests' vocabulary to a mount."""
        m = self.handles[mount]
        kind = op["op"]
        if kind == "pruneContent":
            return {"chunks": self.prune_content(file)["chunks"]}
        data = bytes.fromhex(op.get("data", ""))
        if kind == "createEntry":
            return str(m.create_entry(op["path"], data if "data" in op else None))
        if kind == "createContainer":
            return str(m.create_container(op["path"]))
        if kind == "mkdir":
            return str(m.mkdir(op["path"], parents=op["parents"], exist_ok=op["existOk"]))
        if kind == "writeAll":
            return m.write_all(op["path"], data)
        if kind == "append":
            return m.append(op["path"], data)
        if kind == "writeRange":
            return m.write_range(op["path"], op["offset"], data)
        if kind == "truncate":
            return m.truncate(op["path"], op["size"])
        if kind == "put":
            return m.put(op["path"], data, append=op["append"])
        if kind == "stream":
            parts = [bytes.fromhex(part) for part in op["parts"]]
            d = m.open_write(op["path"], aloelite.WriteMode(op["mode"]))
            for part in parts:
                d.write(part)
            return d.abort() if op.get("abort") else d.close()
        if kind == "rename":
            return m.rename(op["path"], op["name"])
        if kind == "move":
            return m.move(op["from"], op["to"])
        if kind == "copy":
            return str(m.copy(op["from"], op["to"]))
        if kind == "remove":
            return m.remove(op["path"])
        if kind == "removeRecursive":
            return m.remove_recursive(op["path"])
        if kind == "setMetadata":
            return m.set_metadata(op["path"], op["metadata"])
        if kind == "setRetention":
            return m.set_retention(op["path"], op["keep"])
        if kind == "pack":
            return str(m.pack(op["path"]))
        if kind == "unpack":
            return m.unpack(op["path"])
        if kind == "link":
            return m.hardlink(op["from"], op["to"])
        if kind == "createSpecial":
            return str(m.create_special(op["path"], aloelite.NodeType(op["type"]), data))
        if kind == "setXattr":
            return m.set_xattr(op["path"], op["name"], data)
        if kind == "removeXattr":
            return m.remove_xattr(op["path"], op["name"])
        if kind == "setOwner":
            return m.set_owner(op["path"], uid=op.get("uid"), gid=op.get("gid"), mode=op.get("mode"))
        if kind == "setMtime":
            return m.set_mtime(m.stat(op["path"]).id, time_in(op["time"]))
        if kind == "setAtime":
            return m.set_atime(m.stat(op["path"]).id, time_in(op["time"]))
        if kind == "lock":
            return str(m.lock(op["path"], op.get("ttl")).id)
        raise ValueError("no such operation: " + kind)

    def read_all(self, mount, path):
        return self.handles[mount].read_all(path).hex()

    def stat(self, mount, path):
        return stat_row(self.handles[mount].stat(path))

    def open_write(self, mount, path, mode="truncate"):
        return self.keep(self.handles[mount].open_write(path, aloelite.WriteMode(mode)))

    def write(self, fd, data):
        return self.handles[fd].write(bytes.fromhex(data))

    def close_fd(self, fd):
        self.handles.pop(fd).close()

    def ask(self, file, mount, what, args):
        """Answers a question of a scenario; see ``their_subject.ts``."""
        m = self.handles[mount]
        path = args.get("path")
        fd = self.handles.get(args.get("fd"))
        if what == "stat":
            return tagged(m.stat(path))
        if what == "stat_by_id":
            return tagged(m.stat_by_id(args["node"]))
        if what == "exists":
            return m.exists(path)
        if what == "list":
            return [tagged(entry) for entry in m.list(path)]
        if what == "path_of":
            return m.path_of(args["node"])
        if what == "read_all":
            return {"hex": m.read_all(path).hex()}
        if what == "get_xattr":
            value = m.get_xattr(path, args["name"])
            return None if value is None else {"hex": value.hex()}
        if what == "list_xattrs":
            return list(m.list_xattrs(path))
        if what == "open_read":
            return self.keep(m.open_read(path))
        if what == "open_write":
            return self.keep(m.open_write(path, aloelite.WriteMode(args["mode"])))
        if what == "read":
            return {"hex": fd.read(args.get("length", -1)).hex()}
        if what == "seek":
            return fd.seek(args["offset"], aloelite.Whence(args["whence"]))
        if what == "tell":
            return fd.tell()
        if what == "write":
            return fd.write(bytes.fromhex(args["data"]))
        if what == "close":
            return fd.close()
        if what == "abort":
            return fd.abort()
        if what == "unlock":
            return m.unlock(args["lock"])
        if what == "unmount":
            return m.unmount()
        if what == "verify":
            return list(m.verify(deep=True).problems)
        if what == "health":
            return self.health(file)
        raise ValueError("no such question: " + what)

    # --- looking -------------------------------------------------------------

    def paths(self, mount):
        """Every visible path with its type and node, the root first."""
        m = self.handles[mount]
        found = [{"path": "/", "type": "container", "id": str(m.stat("/").id)}]
        pending = ["/"]
        while pending:
            here = pending.pop()
            for child in m.list(here):
                if child.visible and "/" not in child.name:
                    path = here.rstrip("/") + "/" + child.name
                    found.append({"path": path, "type": child.type.value, "id": str(child.node)})
                    if child.type.value == "container":
                        pending.append(path)
        return found

    def snapshot(self, mount):
        """All that the API shows of a mount, in listing order, top-down.

        What a newer sibling hides is reported by id, without bytes: this
        package's API reads bytes by path alone.
        """
        m = self.handles[mount]
        root = stat_row(m.stat("/"))
        root.update(path="/", visible=True, edge=None, xattrs=xattrs(m, "/"), data=None)
        rows = [root]
        pending = ["/"]
        while pending:
            here = pending.pop(0)
            for child in m.list(here):
                path = here.rstrip("/") + "/" + child.name
                row = stat_row(m.stat(path) if child.visible else m.stat_by_id(child.node))
                row.update(path=path, visible=child.visible, edge=str(child.edge), xattrs=None, data=None)
                if str(child.node) != row["id"] or child.type.value != row["type"]:
                    raise AssertionError("list and stat disagree on " + path)
                if child.visible:
                    row["xattrs"] = xattrs(m, path)
                    if row["type"] == "container":
                        pending.append(path)
                    else:
                        row["data"] = m.read_all(path).hex()
                rows.append(row)
        return rows


def ns(value):
    return None if value is None else str(int(value) * (1 if HAS_NS else 1000000))


def time_in(text):
    return int(text) // (1 if HAS_NS else 1000000)


def tagged(info):
    """A record as plain data; numbers that JavaScript would round are marked."""
    plain = {}
    for key, value in info.model_dump(mode="json").items():
        big = isinstance(value, int) and abs(value) > 2**53
        plain[key] = {"int": str(value)} if big else value
    return plain


def stat_row(info):
    return {
        "id": str(info.id),
        "type": info.type.value,
        "size": info.size,
        "version": info.version,
        "metadata": dict(info.metadata),
        "created": ns(info.created_at),
        "modified": ns(info.modified_at),
        "atime": ns(getattr(info, "atime", None)),
        "ctime": ns(getattr(info, "ctime", None)),
        "mode": getattr(info, "mode", None),
        "uid": getattr(info, "uid", None),
        "gid": getattr(info, "gid", None),
        "nlink": getattr(info, "nlink", 1),
    }


def xattrs(mount, path):
    if not HAS_NS:
        return {}
    return {name: mount.get_xattr(path, name).hex() for name in sorted(mount.list_xattrs(path))}


def serve(lines, out):
    driver = Driver()
    functions = dict(inspect.getmembers(driver, inspect.ismethod))
    for line in lines:
        request = json.loads(line)
        try:
            answer = {"ok": functions[request["fn"]](**request["args"])}
        except errors.FsError as error:
            answer = {"err": error.code, "message": str(error)}
        except Exception as error:  # a fault of the test, or of the package
            answer = {"err": "python:" + type(error).__name__, "message": str(error)}
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
