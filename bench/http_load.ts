/** Connections that ask at once, each for one thing after the other. */
const CONNECTIONS = 16;

/**
 * Asks for a resource again and again, by as little code as can be: what is
 * measured is the server.
 *
 * @returns Answers a second.
 */
export async function requestRate(url: string, seconds: number): Promise<number> {
  const { hostname, port, pathname, search } = new URL(url);
  const request = new TextEncoder().encode(
    `GET ${pathname}${search} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`,
  );
  const end = performance.now() + seconds * 1000;
  const lanes = Array.from({ length: CONNECTIONS }, async () => {
    using lane = new Lane(await connect(hostname, Number(port)), hostname, Number(port));
    let count = 0;
    while (performance.now() < end) {
      await lane.ask(request);
      count++;
    }
    return count;
  });
  const start = performance.now();
  const counts = await Promise.all(lanes);
  const took = (performance.now() - start) / 1000;
  return counts.reduce((sum, count) => sum + count, 0) / took;
}

async function connect(hostname: string, port: number): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname, port });
  connection.setNoDelay(true);
  return connection;
}

class Lane implements Disposable {
  #connection: Deno.TcpConn;
  readonly #hostname: string;
  readonly #port: number;
  readonly #buffer = new Uint8Array(256 * 1024);

  constructor(connection: Deno.TcpConn, hostname: string, port: number) {
    this.#connection = connection;
    this.#hostname = hostname;
    this.#port = port;
  }

  async ask(request: Uint8Array): Promise<void> {
    for (let done = 0; done < request.length;) {
      done += await this.#connection.write(request.subarray(done));
    }
    let have = 0;
    let need = Infinity;
    let last = false;
    while (have < need) {
      const n = await this.#connection.read(this.#buffer.subarray(have));
      if (n === null) {
        if (last) break;
        throw new Error("the server closed the connection");
      }
      have += n;
      if (need !== Infinity) continue;
      const head = headOf(this.#buffer.subarray(0, have));
      if (head === null) continue;
      if (!/^HTTP\/1\.[01] 200 /.test(head)) throw new Error(head.slice(0, 40));
      last = /^connection: close\r?$/im.test(head);
      const length = /^content-length: (\d+)/im.exec(head);
      if (length === null) throw new Error("an answer without its length");
      need = head.length + 4 + Number(length[1]);
    }
    if (!last) return;
    this.#connection.close();
    this.#connection = await connect(this.#hostname, this.#port);
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

function headOf(bytes: Uint8Array): string | null {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 4096));
  const end = text.indexOf("\r\n\r\n");
  return end === -1 ? null : text.slice(0, end);
}
