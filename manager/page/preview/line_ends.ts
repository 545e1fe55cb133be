import { invertedEffects } from "@codemirror/commands";
import {
  type EditorState,
  type Extension,
  MapMode,
  RangeSet,
  RangeValue,
  StateEffect,
  StateField,
} from "@codemirror/state";

/** A line end that differs from the file's most frequent one. */
class LineEnd extends RangeValue {
  readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
    // A line end moves with the line break that it belongs to.
    this.startSide = 1;
    this.endSide = 1;
    this.mapMode = MapMode.TrackAfter;
  }

  override eq(other: RangeValue): boolean {
    return other instanceof LineEnd && other.text === this.text;
  }
}

interface Placed {
  at: number;
  end: LineEnd;
}

export interface LineEnds {
  extension: Extension;
  /** Returns the text of an editor with its original line ends. */
  read: (state: EditorState) => string;
}

const BREAK = /\r\n?|\n/g;

/**
 * An editor extension that keeps the line ends of a text: untouched lines keep
 * theirs, a new line gets the most frequent one.
 */
export function lineEnds(text: string): LineEnds {
  const counts = new Map([["\n", 0], ["\r\n", 0], ["\r", 0]]);
  for (const [end] of text.matchAll(BREAK)) counts.set(end, counts.get(end)! + 1);
  const [[usual]] = [...counts].sort(([, a], [, b]) => b - a);

  const others: Placed[] = [];
  let shorter = 0;
  for (const { 0: end, index } of text.matchAll(BREAK)) {
    if (end !== usual) others.push({ at: index - shorter, end: new LineEnd(end) });
    shorter += end.length - 1;
  }

  const back = StateEffect.define<Placed>({
    map: ({ at, end }, changes) => ({ at: changes.mapPos(at, 1), end }),
  });
  const field = StateField.define<RangeSet<LineEnd>>({
    create: () => RangeSet.of(others.map(({ at, end }) => end.range(at))),
    update: (ends, transaction) => {
      const add = transaction.effects.filter((effect) => effect.is(back))
        .map(({ value: { at, end } }) => end.range(at));
      return ends.map(transaction.changes).update({ add, sort: true });
    },
  });
  // Undo restores the line ends too.
  const undoing = invertedEffects.of((transaction) => {
    const gone: StateEffect<Placed>[] = [];
    const ends = transaction.startState.field(field);
    transaction.changes.iterChangedRanges((from, to) =>
      ends.between(from, to, (at, _to, end) => {
        if (at < to) gone.push(back.of({ at, end }));
      })
    );
    return gone;
  });

  return {
    extension: [field, undoing],
    read: (state) => {
      const { doc } = state;
      let out = "";
      let done = 0;
      for (const cursor = state.field(field).iter(); cursor.value !== null; cursor.next()) {
        out += doc.sliceString(done, cursor.from, usual) + cursor.value.text;
        done = cursor.from + 1;
      }
      return out + doc.sliceString(done, doc.length, usual);
    },
  };
}
