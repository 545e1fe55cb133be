import { openLibc } from "../../src/runtime/libc.ts";
import { textOf } from "./addresses.ts";
import { openDescriptors } from "./descriptors.ts";

/** A TCP connection of this process. */
export interface OpenSocket {
  descriptor: number;
  /** The other end's address. */
  address: string;
  /** The other end's port. */
  port: number;
}

/** The system's view of connections, below the server that owns them. */
export interface Sockets {
  /** The connections that came to a port of this process. */
  of(port: number): OpenSocket[];
  /** Shuts a connection down: its server notices, and closes it. */
  end(descriptor: number): void;
  /**
   * How many of the bytes sent the other end has acknowledged; null when it has
   * acknowledged all of them.
   */
  taken(descriptor: number): bigint | null;
}

const SYMBOLS = {
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
} as const;

const AF_INET = 2;
const AF_INET6 = 10;
const SHUT_RDWR = 2;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;

/** Offsets of fields in `struct tcp_info` of Linux. */
const UNACKED = 24;
const BYTES_ACKED = 120;
const NOTSENT_BYTES = 144;
const TCP_INFO_BYTES = 192;

/**
 * The system calls for sockets. The runtime's server accepts any number of
 * connections and does not end silent ones, so that they are managed below it.
 *
 * @returns Null where they are unavailable: without Linux, or without the permission
 * for native code.
 */
export function systemSockets(): Sockets | null {
  try {
    const libc = openLibc(SYMBOLS);
    return libc === null ? null : new SystemSockets(libc);
  } catch {
    return null;
  }
}

class SystemSockets implements Sockets {
  readonly #libc: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  readonly #address = new Uint8Array(128);
  readonly #length = new Uint32Array(1);
  readonly #info = new Uint8Array(TCP_INFO_BYTES);

  constructor(libc: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"]) {
    this.#libc = libc;
  }

  // Nothing awaits between scanning and ending. Connections belong to this thread, so that
  // no descriptor is reused meanwhile.
  of(port: number): OpenSocket[] {
    const found: OpenSocket[] = [];
    for (const descriptor of openDescriptors() ?? everyDescriptor()) {
      const there = this.#name("getpeername", descriptor);
      if (there === null) continue;
      const other = { descriptor, address: there.address(), port: there.port };
      if (this.#name("getsockname", descriptor)?.port === port) found.push(other);
    }
    return found;
  }

  end(descriptor: number): void {
    this.#libc.shutdown(descriptor, SHUT_RDWR);
  }

  taken(descriptor: number): bigint | null {
    this.#length[0] = TCP_INFO_BYTES;
    const failed = this.#libc.getsockopt(
      descriptor,
      IPPROTO_TCP,
      TCP_INFO,
      this.#info,
      this.#length,
    );
    if (failed !== 0 || this.#length[0] < NOTSENT_BYTES + 4) return null;
    const view = new DataView(this.#info.buffer);
    const waiting = view.getUint32(UNACKED, true) + view.getUint32(NOTSENT_BYTES, true);
    return waiting === 0 ? null : view.getBigUint64(BYTES_ACKED, true);
  }

  #name(call: "getpeername" | "getsockname", descriptor: number) {
    this.#length[0] = this.#address.length;
    if (this.#libc[call](descriptor, this.#address, this.#length) !== 0) return null;
    const view = new DataView(this.#address.buffer);
    const family = view.getUint16(0, true);
    if (family !== AF_INET && family !== AF_INET6) return null;
    const bytes = this.#address;
    return {
      port: view.getUint16(2),
      address: () => family === AF_INET ? bytes.subarray(4, 8).join(".") : ip6(view),
    };
  }
}

/** The descriptors to try where the open ones cannot be listed. */
function everyDescriptor(): number[] {
  return Array.from({ length: 4096 }, (_, i) => i);
}

function ip6(view: DataView): string {
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + 2 * i));
  return textOf(groups);
}
