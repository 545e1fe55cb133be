/**
 * Loaded before the command line: makes its statements, and those of its
 * mounts, hang on request.
 */

import "./statements.ts";

const MOUNT = new URL("../../../fuse/worker.ts", import.meta.url).href;
const HANGING = new URL("./worker.ts", import.meta.url);

globalThis.Worker = class extends Worker {
  constructor(module: string | URL, options?: WorkerOptions) {
    super(`${module}` === MOUNT ? HANGING : module, options);
  }
};
