/** What a figure has to reach. */
export interface Bar {
  /** The ratio, or the value where there is none, is to be at least this. */
  least?: number;
  /** It is to be at most this. */
  most?: number;
}

/** One line of the table. */
export interface Row {
  /** What was measured. */
  figure: string;
  /** What it is compared with; empty when its bar is a limit of its own. */
  against: string;
  /** Unit of `ours` and `peer`. */
  unit: string;
  /** Our median; null when it could not be measured. */
  ours: number | null;
  /** The peer's median. */
  peer: number | null;
  /** `ours / peer`. */
  ratio: number | null;
  /** What is asked; empty for a row that only informs. */
  bar: Bar;
  /** Whether the bar was reached; null without a bar or without a measurement. */
  pass: boolean | null;
  /** Sizes, spreads, or why there is nothing to show. */
  note: string;
}

/** What every figure is given. */
export interface Bench {
  /** Whether sizes are small, for a quick look. */
  quick: boolean;
  /** A new path in a directory of this run, on disk. */
  path(name: string): string;
  /** Deletes a database with what SQLite keeps beside it. */
  discard(path: string): Promise<void>;
  /** Says on stderr what is being done. */
  say(text: string): void;
}

/** A figure or a group of figures that share their preparation. */
export interface Figure {
  /** Its name for `--only`. */
  name: string;
  /** Measures it. */
  run(bench: Bench): Promise<Row[]>;
}

/** Makes a row of two medians. */
export function compare(
  row: Pick<Row, "figure" | "against" | "unit" | "bar"> & { note?: string },
  times: { ours: number[]; peer: number[] },
): Row {
  const ours = median(times.ours);
  const peer = median(times.peer);
  const ratio = ours / peer;
  return { note: "", ...row, ours, peer, ratio, pass: reaches(row.bar, ratio) };
}

/** Makes a row of a value that has a limit of its own. */
export function limit(
  row: Pick<Row, "figure" | "unit" | "bar"> & { note?: string },
  ours: number,
): Row {
  return {
    against: "",
    note: "",
    ...row,
    ours,
    peer: null,
    ratio: null,
    pass: reaches(row.bar, ours),
  };
}

/** Makes a row of what could not be measured here. */
export function skipped(
  row: Pick<Row, "figure" | "against" | "bar">,
  reason: string,
): Row {
  const note = `skipped: ${reason}`;
  return { ...row, unit: "", ours: null, peer: null, ratio: null, pass: null, note };
}

function reaches(bar: Bar, value: number): boolean | null {
  if (bar.least === undefined && bar.most === undefined) return null;
  return value >= (bar.least ?? -Infinity) && value <= (bar.most ?? Infinity);
}

/** One measurement: what was done in how many seconds, as the figure's unit has it. */
export type Measurement = (round: number) => number | Promise<number>;

/**
 * Measures both sides in turn, so that what else the machine does meets both;
 * who goes first changes with each round.
 */
export async function interleave(
  rounds: number,
  ours: Measurement,
  peer: Measurement,
): Promise<{ ours: number[]; peer: number[] }> {
  const times = { ours: [] as number[], peer: [] as number[] };
  const measure = { ours, peer };
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
      times[side].push(await measure[side](round));
    }
  }
  return times;
}

const SIDES = ["ours", "peer"] as const;

/** Runs something. @returns How long it took, seconds. */
export async function seconds(task: () => unknown): Promise<number> {
  const start = performance.now();
  await task();
  return (performance.now() - start) / 1000;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Waits until what was written is on disk, so that the next measurement does not pay for it. */
export async function settle(): Promise<void> {
  if (Deno.build.os === "windows") return;
  await new Deno.Command("sync").output();
}

/** Bytes of a MiB. */
export const MIB = 1024 * 1024;

/** A directory of this run; disposing deletes it. */
export class Scratch implements Bench, AsyncDisposable {
  readonly quick: boolean;
  readonly #directory: string;
  #files = 0;

  private constructor(directory: string, quick: boolean) {
    this.#directory = directory;
    this.quick = quick;
  }

  /** Makes one in the system's directory for temporary files. */
  static async make(quick: boolean): Promise<Scratch> {
    const directory = await Deno.makeTempDir({ prefix: "aloelite-bench-" });
    return new Scratch(directory, quick);
  }

  path(name: string): string {
    return `${this.#directory}/${this.#files++}-${name}`;
  }

  async discard(path: string): Promise<void> {
    for (const suffix of ["", "-wal", "-shm", "-journal"]) {
      await Deno.remove(path + suffix).catch(() => {});
    }
  }

  say(text: string): void {
    console.error(`… ${text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#directory, { recursive: true });
  }
}
