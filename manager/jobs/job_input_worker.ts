/**
 * The thread of a job's process that listens to the manager. When the manager has
 * gone it ends the process, which may be within a statement that never ends.
 *
 * @module
 */
import { FrameReader } from "./job_frames.ts";
import type { JobRequest } from "./job_protocol.ts";

/** What the thread hands over: a job, and the key of its volume. */
export interface JobInput {
  request: JobRequest;
  key: Uint8Array<ArrayBuffer>;
}

/** The global object, as a worker has it. */
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
