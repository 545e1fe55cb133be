// A pattern runs as a nondeterministic automaton, all states at once, so each character of a path
// is read once for any pattern. Libraries that compile to a regular expression backtrack, which
// takes exponential time for some patterns. re2js does not backtrack, but takes 20 ms to load. Both
// match UTF-16 units and treat characters as special that names here may contain.

/**
 * Returns a matcher of paths. `*` matches any characters of a name, `?` one character, `[…]` one of
 * a class (`[a-z]`, `[!a-z]`), `**` any number of names, and `{…,…}` one of several patterns. All
 * other characters match themselves; a special one does after a backslash.
 *
 * A match takes time proportional to the path's length times the pattern's.
 *
 * @param pattern Names and slashes, without a leading slash.
 * @returns A function that returns whether a path, also without a leading slash, matches.
 */
export function globMatcher(pattern: string): (path: string) => boolean {
  const automaton = new Automaton(new Parser(pattern).parse());
  return (path) => automaton.matches(path);
}

/** Returns the maximum number of names in a path that matches a pattern. */
export function globDepth(pattern: string): number {
  return pattern.includes("**") ? Infinity : pattern.split("/").length;
}

/** Matches one character. */
type Sign = (point: number) => boolean;

/** A parsed part of a pattern. */
type Part =
  | { kind: "one"; sign: Sign }
  /** At least `least` characters. */
  | { kind: "many"; sign: Sign; least: 0 | 1 }
  /** Any number of names, each followed by a slash. */
  | { kind: "names" }
  | { kind: "choice"; of: Part[][] };

const SLASH = 0x2f;
const any: Sign = () => true;
const inName: Sign = (point) => point !== SLASH;

/** The maximum nesting of braces; deeper ones match themselves. */
const DEEPEST = 64;

/**
 * Splits a pattern into characters. One after a backslash keeps that, so that
 * it is no special character; a slash separates names in any case, and a
 * backslash at the end matches itself.
 */
function signsOf(pattern: string): string[] {
  const signs: string[] = [];
  let escaped = false;
  for (const sign of pattern) {
    if (!escaped && sign === "\\") {
      escaped = true;
      continue;
    }
    signs.push(escaped && sign !== "/" ? `\\${sign}` : sign);
    escaped = false;
  }
  if (escaped) signs.push("\\");
  return signs;
}

/** The code point that a character of a pattern matches. */
function pointOf(sign: string): number {
  return (sign.length > 1 && sign[0] === "\\" ? sign.slice(1) : sign).codePointAt(0)!;
}

/** Parses a pattern. */
class Parser {
  readonly #signs: string[];
  /**
   * The closing brace of each opening brace of a choice; and the opening brace of each comma in
   * one.
   */
  readonly #closing = new Map<number, number>();
  readonly #opening = new Map<number, number>();
  /** The end of the class that begins at an index. */
  readonly #classes = new Map<number, number>();

  constructor(pattern: string) {
    this.#signs = signsOf(pattern);
    this.#findClasses();
    this.#findBraces();
  }

  parse(): Part[] {
    return this.#sequence(0, this.#signs.length);
  }

  #findClasses(): void {
    const signs = this.#signs;
    /** The next closing bracket, and the next slash, from each character on. */
    let bracket = Infinity;
    let slash = Infinity;
    const closes = new Array<number>(signs.length + 1);
    const slashes = new Array<number>(signs.length + 1);
    for (let i = signs.length; i >= 0; i--) {
      if (signs[i] === "]") bracket = i;
      if (signs[i] === "/") slash = i;
      closes[i] = bracket;
      slashes[i] = slash;
    }
    for (let i = 0; i < signs.length; i++) {
      if (signs[i] !== "[") continue;
      // A bracket at the start is a member of the class.
      const first = i + (signs[i + 1] === "!" || signs[i + 1] === "^" ? 2 : 1);
      const end = closes[Math.min(first + 1, signs.length)];
      if (end === Infinity || end > slashes[i]) continue;
      this.#classes.set(i, end);
      i = end;
    }
  }

  #findBraces(): void {
    const open: { at: number; commas: number[] }[] = [];
    for (let i = 0; i < this.#signs.length; i++) {
      const sign = this.#signs[i];
      i = this.#classes.get(i) ?? i;
      if (sign === "{") open.push({ at: i, commas: [] });
      else if (sign === ",") open.at(-1)?.commas.push(i);
      else if (sign === "}") {
        const brace = open.pop();
        // Braces without a comma match themselves.
        if (brace === undefined || brace.commas.length === 0 || open.length >= DEEPEST) continue;
        this.#closing.set(brace.at, i);
        for (const comma of brace.commas) this.#opening.set(comma, brace.at);
        this.#opening.set(i, brace.at);
      }
    }
  }

  #sequence(from: number, to: number): Part[] {
    const parts: Part[] = [];
    for (let i = from; i < to; i++) {
      const sign = this.#signs[i];
      const brace = this.#closing.get(i);
      const end = this.#classes.get(i);
      if (brace !== undefined) {
        parts.push({ kind: "choice", of: this.#choices(i, brace) });
        i = brace;
      } else if (end !== undefined) {
        parts.push({ kind: "one", sign: classSign(this.#signs.slice(i + 1, end)) });
        i = end;
      } else if (sign === "*") {
        let last = i;
        while (last + 1 < to && this.#signs[last + 1] === "*") last++;
        const whole = last === i + 1 && this.#startsName(i) && this.#endsName(last);
        if (whole && this.#signs[last + 1] === "/" && last + 1 < to) {
          parts.push({ kind: "names" });
          last++;
        } else parts.push({ kind: "many", sign: whole ? any : inName, least: whole ? 1 : 0 });
        i = last;
      } else if (sign === "?") parts.push({ kind: "one", sign: inName });
      else {
        const wanted = pointOf(sign);
        parts.push({ kind: "one", sign: (point) => point === wanted });
      }
    }
    return parts;
  }

  #choices(open: number, close: number): Part[][] {
    const choices: Part[][] = [];
    let from = open + 1;
    for (let i = from; i <= close; i++) {
      if (i !== close && (this.#opening.get(i) !== open)) continue;
      choices.push(this.#sequence(from, i));
      from = i + 1;
    }
    return choices;
  }

  /** Returns whether a name begins at an index. */
  #startsName(at: number): boolean {
    for (let i = at - 1;; i = (this.#closing.has(i) ? i : this.#opening.get(i)!) - 1) {
      if (i < 0 || this.#signs[i] === "/") return true;
      const choice = this.#closing.has(i) ||
        (this.#signs[i] === "," && this.#opening.has(i));
      if (!choice) return false;
    }
  }

  /** Returns whether a name ends at an index. */
  #endsName(at: number): boolean {
    for (let i = at + 1;;) {
      if (i >= this.#signs.length || this.#signs[i] === "/") return true;
      const open = this.#opening.get(i);
      if (open === undefined) return false;
      i = this.#closing.get(open)! + 1;
    }
  }
}

/** Returns the matcher of a class; it never matches a slash. */
function classSign(signs: string[]): Sign {
  const negated = signs[0] === "!" || signs[0] === "^";
  const members = (negated ? signs.slice(1) : signs).map(pointOf);
  const ranges: [number, number][] = [];
  for (let i = 0; i < members.length; i++) {
    const isRange = signs[i + 1 + Number(negated)] === "-" && i + 2 < members.length;
    // A reversed range matches nothing.
    ranges.push([members[i], isRange ? members[i + 2] : members[i]]);
    if (isRange) i += 2;
  }
  return (point) =>
    point !== SLASH && ranges.some(([from, to]) => from <= point && point <= to) !== negated;
}

/** A state: the character it consumes and its successors. Without a matcher it consumes none. */
interface State {
  sign: Sign | null;
  next: number[];
}

/** Executes a pattern. */
class Automaton {
  readonly #states: State[] = [];
  readonly #start: number;
  readonly #end: number;
  /** The step in which each state was last entered. */
  readonly #entered: Uint32Array;
  #step = 0;
  readonly #waiting: number[] = [];

  constructor(parts: Part[]) {
    this.#end = this.#add(null, []);
    this.#start = this.#sequence(parts, this.#end);
    this.#entered = new Uint32Array(this.#states.length);
  }

  #add(sign: Sign | null, next: number[]): number {
    return this.#states.push({ sign, next }) - 1;
  }

  /** Creates the states of a sequence of parts. @returns The first state. */
  #sequence(parts: Part[], end: number): number {
    let next = end;
    for (let i = parts.length - 1; i >= 0; i--) next = this.#part(parts[i], next);
    return next;
  }

  #part(part: Part, end: number): number {
    switch (part.kind) {
      case "one":
        return this.#add(part.sign, [end]);
      case "many": {
        const again = this.#add(null, [end]);
        const one = this.#add(part.sign, [again]);
        this.#states[again].next.push(one);
        return part.least === 0 ? again : one;
      }
      case "names": {
        const start = this.#add(null, [end]);
        const slash = this.#add((point) => point === SLASH, [start]);
        const one = this.#add(inName, [slash]);
        this.#states[one].next.push(one);
        this.#states[start].next.push(one);
        return start;
      }
      case "choice":
        return this.#add(null, part.of.map((parts) => this.#sequence(parts, end)));
    }
  }

  matches(path: string): boolean {
    let now: number[] = [];
    let then: number[] = [];
    this.#begin();
    let ended = this.#enter(this.#start, now);
    for (let i = 0; i < path.length; i++) {
      const point = path.codePointAt(i)!;
      if (point > 0xffff) i++;
      this.#begin();
      ended = false;
      for (const at of now) {
        const { sign, next } = this.#states[at];
        if (!sign!(point)) continue;
        for (const each of next) if (this.#enter(each, then)) ended = true;
      }
      if (then.length === 0 && !ended) return false;
      [now, then] = [then, now];
      then.length = 0;
    }
    return ended;
  }

  #begin(): void {
    this.#step++;
    if (this.#step > 0xffff_ffff) {
      this.#entered.fill(0);
      this.#step = 1;
    }
  }

  /**
   * Adds a state and all states reachable from it without a character.
   *
   * @returns Whether the end state is among them.
   */
  #enter(start: number, into: number[]): boolean {
    let ended = false;
    const waiting = this.#waiting;
    waiting.push(start);
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (this.#entered[at] === this.#step) continue;
      this.#entered[at] = this.#step;
      const { sign, next } = this.#states[at];
      if (at === this.#end) ended = true;
      else if (sign !== null) into.push(at);
      else for (const each of next) waiting.push(each);
    }
    return ended;
  }
}
