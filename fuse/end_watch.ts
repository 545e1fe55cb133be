/** How often the thread is asked whether it is there, ms. */
const EVERY = 500;

/** How long it may go round in circles, ms. */
const PATIENCE = 10_000;

/** Less than this is no page of the file or its log, bytes in that time. */
const LITTLE_WRITTEN = 512;

/** Ticks of the processor that a thread has in that time which goes round in circles. */
const MUCH_WORKED = 2;

/** The directory in `/proc` of the thread that asks. */
export function ownThread(): string {
  return `/proc/${Deno.readLinkSync("/proc/thread-self")}`;
}

/**
 * Looks whether a thread that is to end ever will. It will not when it answers
 * nothing for long, keeps a processor busy and writes nothing: it is within a
 * statement of SQLite's that never ends. What waits for a slow disk, and what has
 * much to write, gets all the time that it needs.
 */
export class EndWatch {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #thread: string;
  #lost = 0;
  #answered = false;
  #before: Work;

  /**
   * @param thread Its directory, as {@linkcode ownThread} tells it there.
   * @param ask Asks it for an answer.
   * @param giveUp Called when it has been in vain for long enough.
   */
  constructor(thread: string, ask: () => void, giveUp: () => void) {
    this.#thread = thread;
    this.#before = workOf(thread);
    ask();
    this.#timer = setInterval(() => {
      this.#look();
      if (this.#lost < PATIENCE) return ask();
      this.stop();
      giveUp();
    }, EVERY);
    // The thread keeps the process, not the watch.
    Deno.unrefTimer(Number(this.#timer));
  }

  /** The thread has answered. */
  heard(): void {
    this.#answered = true;
  }

  /** Ends the watch. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const before = this.#before;
    const now = this.#before = workOf(this.#thread);
    if (this.#answered || now.written - before.written >= LITTLE_WRITTEN) this.#lost = 0;
    else if (now.ticks - before.ticks >= MUCH_WORKED) this.#lost += EVERY;
    // Otherwise it waits, for the disk or for a processor: that tells nothing.
    this.#answered = false;
  }
}

/** What a thread has done so far. */
interface Work {
  /** Bytes that it has written; 0 where the kernel does not count them. */
  written: number;
  /** Hundredths of a second that it had a processor. */
  ticks: number;
}

function workOf(thread: string): Work {
  // The name of the program may have spaces in it, and ends with the last parenthesis.
  const stat = textOf(`${thread}/stat`).split(")").at(-1)!.split(" ");
  const [, written = "0"] = /^wchar: (\d+)$/m.exec(textOf(`${thread}/io`)) ?? [];
  return { written: Number(written), ticks: Number(stat[12]) + Number(stat[13]) };
}

function textOf(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
