/** Raw requests, which no client would send. */

/** A response, as far as it was received. */
export interface RawAnswer {
  /** 0 if the connection was closed without a status. */
  status: number;
  headers: Headers;
  /** The body, its chunks not joined. */
  text: string;
}

/**
 * Sends a request to this machine and reads its answer.
 *
 * @param head The request line and headers; `Host` and `Connection` are added.
 * @param parts The further bytes, each after a wait.
 */
export async function raw(
  url: string,
  head: string[],
  parts: { after?: number; bytes: string | Uint8Array }[] = [],
): Promise<RawAnswer> {
  const { hostname, port, host } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = [head[0], ...head.slice(1)];
  if (!lines.some((line) => /^host:/i.test(line))) lines.push(`Host: ${host}`);
  lines.push("Connection: close");
  const answer = received(connection);
  const write = async (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  };
  try {
    await write(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
    for (const { after = 0, bytes } of parts) {
      if (after > 0) await new Promise((resolve) => setTimeout(resolve, after));
      await write(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
    }
  } catch {
    // The answer may arrive before everything was sent.
  }
  const text = await answer;
  connection.close();
  const [start, ...rest] = text.split("\r\n\r\n");
  const [status = "", ...fields] = start.split("\r\n");
  const headers = new Headers();
  for (const field of fields) {
    const at = field.indexOf(":");
    if (at > 0) headers.append(field.slice(0, at), field.slice(at + 1).trim());
  }
  return { status: Number(status.split(" ")[1] ?? 0), headers, text: rest.join("\r\n\r\n") };
}

/** Reads until the answer is complete, or the connection is closed. */
async function received(connection: Deno.Conn): Promise<string> {
  const piece = new Uint8Array(65_536);
  const decoder = new TextDecoder();
  let text = "";
  while (!isWhole(text)) {
    const size = await connection.read(piece).catch(() => null);
    if (size === null) break;
    text += decoder.decode(piece.subarray(0, size), { stream: true });
  }
  return text;
}

/** Whether a body of known length is complete. */
function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return false;
  const length = /^content-length: *(\d+)\r$/im.exec(text.slice(0, end + 2))?.[1];
  return length !== undefined &&
    new TextEncoder().encode(text.slice(end + 4)).length >= Number(length);
}
