import type { Visit } from "./visit.ts";

/** The body of a response. It records in its visit how the client reads it, and can be cut. */
export function trackedStream(
  visit: Visit,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  return new ReadableStream({
    start(controller) {
      visit.cut = () => {
        visit.cut = null;
        const error = new Error("the response was ended because other requests wait");
        // The runtime prints the error: a stack would only be noise.
        error.stack = error.message;
        controller.error(error);
        void reader.cancel().catch(() => {});
      };
    },
    async pull(controller) {
      visit.progressAt = performance.now();
      visit.working = true;
      const { done, value } = await reader.read().finally(() => visit.working = false);
      visit.progressAt = performance.now();
      // It was cut meanwhile: its controller is closed.
      if (visit.cut === null) return;
      if (!done) return controller.enqueue(value);
      visit.cut = null;
      controller.close();
    },
    async cancel(reason) {
      visit.cut = null;
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
