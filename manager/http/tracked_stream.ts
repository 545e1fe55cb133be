import type { Visit } from "./visit.ts";

/** The body of an answer, as its visit is told how its client takes it, and can end it. */
export function trackedStream(
  visit: Visit,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  return new ReadableStream({
    start(controller) {
      visit.cut = () => {
        visit.cut = null;
        const error = new Error("others wait for the place of this answer");
        // The runtime prints it: how it came to it is nobody's business.
        error.stack = error.message;
        controller.error(error);
        void reader.cancel().catch(() => {});
      };
    },
    async pull(controller) {
      visit.progressAt = performance.now();
      const { done, value } = await reader.read();
      // Nothing is to be said any more to one that was ended meanwhile.
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
