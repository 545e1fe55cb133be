"""What bench/reference.ts has the Python package do: a line of JSON in, a line of JSON out."""

import json
import os
import sys
import time

import aloelite

MIB = 1024 * 1024
PIECE = MIB
block = bytearray(os.urandom(MIB))
state = {}


def stamped(number, size=MIB):
    block[:8] = number.to_bytes(8, "big")
    return bytes(block[:size])


def open_(path):
    state["fs"] = aloelite.Aloelite(path)
    state["mount"] = state["fs"].mount(state["fs"].create_volume("main").id)


def directories(count):
    for i in range(count):
        state["mount"].create_container(f"/{i}")


def create(round_, files):
    contents = [stamped(round_ * files + i, 4096) for i in range(files)]
    mount = state["mount"]
    start = time.perf_counter()
    for i in range(files):
        mount.create_entry(f"/{round_}/{i}.txt", contents[i])
    return time.perf_counter() - start


def stat(round_, files):
    mount = state["mount"]
    start = time.perf_counter()
    for i in range(files):
        mount.stat(f"/{round_}/{i}.txt")
    return time.perf_counter() - start


def list_(round_, files):
    start = time.perf_counter()
    found = state["mount"].list(f"/{round_}")
    spent = time.perf_counter() - start
    assert len(found) == files
    return spent


def read(round_, files):
    mount = state["mount"]
    start = time.perf_counter()
    for i in range(files):
        mount.read_all(f"/{round_}/{i}.txt")
    return time.perf_counter() - start


def stream_in(round_, mib):
    mount = state["mount"]
    path = f"/{round_}.bin"
    mount.create_entry(path)
    start = time.perf_counter()
    descriptor = mount.open_write(path)
    for i in range(mib):
        descriptor.write(stamped((round_ << 32) + i))
    descriptor.close()
    return time.perf_counter() - start


def stream_out(round_, mib):
    start = time.perf_counter()
    descriptor = state["mount"].open_read(f"/{round_}.bin")
    size = 0
    while piece := descriptor.read(PIECE):
        size += len(piece)
    descriptor.close()
    spent = time.perf_counter() - start
    assert size == mib * MIB
    return spent


def close():
    state["mount"].unmount()
    state["fs"].close()


FUNCTIONS = {
    "open": open_,
    "directories": directories,
    "create": create,
    "stat": stat,
    "list": list_,
    "read": read,
    "stream_in": stream_in,
    "stream_out": stream_out,
    "close": close,
}

for line in sys.stdin:
    name, *args = json.loads(line)
    try:
        answer = {"seconds": FUNCTIONS[name](*args) or 0}
    except Exception as error:  # the other side shows it
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
