/** The interval between pings of the thread, in ms. */
const INTERVAL = 500;

/** How long the thread may spin before it counts as hung, in ms. */
const TIMEOUT = 10_000;

/** A thread that writes fewer bytes per interval writes no page of the file or its log. */
const MIN_WRITTEN = 512;

/** The CPU ticks per interval from which on a thread counts as spinning. */
const MIN_TICKS = 2;

/** Returns the directory of the calling thread in `/proc`. */
export function ownThread(): string {
  return `/proc/${Deno.readLinkSync("/proc/thread-self")}`;
}

/**
 * Detects that a thread which should end never will. The thread counts as hung when, for a long
 * time, it does not answer, keeps a CPU busy and writes nothing: it runs an SQLite statement that
 * never ends. A thread that waits for a slow disk or writes much data gets all the time it needs.
 */
export class EndWatch {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #thread: string;
  #hung = 0;
  #answered = false;
  #before: Work;

  /**
   * @param thread The thread's directory, as {@linkcode ownThread} returned it there.
   * @param ask Pings the thread.
   * @param giveUp Called when the thread counts as hung.
   */
  constructor(thread: string, ask: () => void, giveUp: () => void) {
    this.#thread = thread;
    this.#before = workOf(thread);
    ask();
    this.#timer = setInterval(() => {
      this.#check();
      if (this.#hung < TIMEOUT) return ask();
      this.stop();
      giveUp();
    }, INTERVAL);
    // The timer must not keep the process alive.
    Deno.unrefTimer(Number(this.#timer));
  }

  /** Records an answer of the thread. */
  onAnswer(): void {
    this.#answered = true;
  }

  /** Stops watching. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const before = this.#before;
    const now = this.#before = workOf(this.#thread);
    if (this.#answered || now.written - before.written >= MIN_WRITTEN) this.#hung = 0;
    else if (now.ticks - before.ticks >= MIN_TICKS) this.#hung += INTERVAL;
    // Otherwise the thread waits for the disk or a CPU, which does not count.
    this.#answered = false;
  }
}

/** The work of a thread since its start. */
interface Work {
  /** The bytes written; 0 where the kernel does not count them. */
  written: number;
  /** The CPU time, in hundredths of a second. */
  ticks: number;
}

function workOf(thread: string): Work {
  // The program's name may contain spaces; it ends at the last parenthesis.
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
