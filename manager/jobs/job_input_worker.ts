/**
 * The thread of a job process that reads from the manager. When the manager has ended
 * it ends the process, whose main thread may be within an endless statement.
 *
 * @module
 */
import { FrameReader } from "./job_frames.ts";
import type { JobRequest } from "./job_protocol.ts";

/** What the thread passes on: a job, and the key of its volume. */
export interface JobInput {
  request: JobRequest;
  key: Uint8Array<ArrayBuffer>;
}

/** The global object of a worker. */
const scope = self as unknown as {
  postMessage(message: JobInput, transfer: Transferable[]): void;
};

try {
  const frames = new FrameReader<JobRequest>();
  for await (const part of Deno.stdin.readable) {
    for (const { message, bytes } of frames.push(part)) {
      scope.postMessage({ request: message, key: bytes }, [bytes.buffer]);
    }
  }
} finally {
  Deno.kill(Deno.pid, "SIGKILL");
}
