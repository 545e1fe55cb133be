/** HTTP/2 frames as they are written, for what no client would send. */

const TYPES = {
  data: 0,
  headers: 1,
  rst: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;

const encoder = new TextEncoder();

/** A frame. */
export function frame(
  type: keyof typeof TYPES,
  stream: number,
  payload: Uint8Array = new Uint8Array(),
  flags = 0,
): Uint8Array {
  const bytes = new Uint8Array(9 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length << 8 | TYPES[type]);
  bytes[4] = flags;
  view.setUint32(5, stream);
  bytes.set(payload, 9);
  return bytes;
}

/** The header block of a request, none of it compressed. */
export function block(method: string, host: string, path: string, extra: [string, string][] = []) {
  const parts: number[] = [];
  const text = (value: string) => {
    const bytes = encoder.encode(value);
    if (bytes.length < 127) parts.push(bytes.length);
    else {
      parts.push(127);
      let rest = bytes.length - 127;
      for (; rest >= 128; rest = Math.floor(rest / 128)) parts.push(rest % 128 + 128);
      parts.push(rest);
    }
    parts.push(...bytes);
  };
  const field = (name: string, value: string) => {
    parts.push(0);
    text(name);
    text(value);
  };
  field(":method", method);
  field(":scheme", "http");
  field(":authority", host);
  field(":path", path);
  for (const [name, value] of extra) field(name, value);
  return new Uint8Array(parts);
}

/** A setting and its value. */
export function setting(id: number, value: number): Uint8Array {
  const bytes = new Uint8Array(6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id);
  view.setUint32(2, value);
  return bytes;
}

const PREFACE = encoder.encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** A connection that speaks HTTP/2 from its first byte. */
export class Frames implements Disposable {
  readonly connection: Deno.TcpConn;
  readonly #host: string;
  #next = 1;
  isClosed = false;
  /** Statuses are not decoded: how many answers have begun. */
  answers = 0;
  /** Streams that the other side has reset. */
  resets = 0;
  read = 0;

  private constructor(connection: Deno.TcpConn, host: string) {
    this.connection = connection;
    this.#host = host;
    void this.#listen();
  }

  /** @param window How much of each answer it takes, bytes. */
  static async open(url: string, window: number): Promise<Frames> {
    const { hostname, port, host } = new URL(url);
    const frames = new Frames(await Deno.connect({ hostname, port: Number(port) }), host);
    await frames.say(PREFACE);
    await frames.say(frame("settings", 0, setting(4, window)));
    return frames;
  }

  async say(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.connection.write(bytes.subarray(at));
    } catch {
      this.isClosed = true;
    }
  }

  /** Sends a request. @returns Its stream. */
  async ask(
    method: string,
    path: string,
    { extra = [], end = true }: { extra?: [string, string][]; end?: boolean } = {},
  ): Promise<number> {
    const stream = this.#next;
    this.#next += 2;
    await this.say(frame("headers", stream, block(method, this.#host, path, extra), end ? 5 : 4));
    return stream;
  }

  get next(): number {
    const stream = this.#next;
    this.#next += 2;
    return stream;
  }

  async #listen(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    let rest = new Uint8Array();
    try {
      for (let n; (n = await this.connection.read(buffer)) !== null;) {
        this.read += n;
        rest = new Uint8Array([...rest, ...buffer.subarray(0, n)]);
        while (rest.length >= 9) {
          const view = new DataView(rest.buffer, rest.byteOffset);
          const length = view.getUint32(0) >>> 8;
          if (rest.length < 9 + length) break;
          if (rest[3] === TYPES.headers) this.answers++;
          if (rest[3] === TYPES.rst) this.resets++;
          if (rest[3] === TYPES.settings && (rest[4] & 1) === 0) {
            void this.say(frame("settings", 0, new Uint8Array(), 1));
          }
          rest = rest.slice(9 + length);
        }
      }
    } catch {
      // Reset.
    }
    this.isClosed = true;
  }

  [Symbol.dispose](): void {
    try {
      this.connection.close();
    } catch {
      // It is.
    }
  }
}
