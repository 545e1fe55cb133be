// Libraries match UTF-16 units, know more than the four signs, and take a
// pattern that equals a name for a match of it; names here are any text.

/**
 * A test for paths. `*` stands for any characters of a name, `?` for one,
 * `[…]` for one of a class (`[a-z]`, `[!a-z]`), and `**` for any number of
 * names. All else stands for itself.
 *
 * @param pattern Names and slashes, without a leading slash.
 * @returns Whether a path, written in the same way, matches.
 */
export function globMatcher(pattern: string): (path: string) => boolean {
  const parts = pattern.split("/");
  let source = "";
  parts.forEach((part, index) => {
    const last = index === parts.length - 1;
    if (part !== "**") source += namePattern(part) + (last ? "" : "/");
    else source += last ? ".+" : "(?:[^/]+/)*";
  });
  const expression = new RegExp(`^${source}$`, "su");
  return (path) => expression.test(path);
}

/** The expression for one name. */
function namePattern(part: string): string {
  let source = "";
  const signs = [...part];
  for (let i = 0; i < signs.length; i++) {
    const sign = signs[i];
    const end = sign === "[" ? classEnd(signs, i) : -1;
    if (sign === "*") source += "[^/]*";
    else if (sign === "?") source += "[^/]";
    else if (end === -1) source += RegExp.escape(sign);
    else {
      source += classPattern(signs.slice(i + 1, end));
      i = end;
    }
  }
  return source;
}

/** Where a class ends, -1 when it does not: the bracket then stands for itself. */
function classEnd(signs: string[], start: number): number {
  // A bracket that comes first is one of the class.
  const first = start + (signs[start + 1] === "!" || signs[start + 1] === "^" ? 2 : 1);
  return signs.indexOf("]", first + 1);
}

function classPattern(signs: string[]): string {
  const negated = signs[0] === "!" || signs[0] === "^";
  const members = negated ? signs.slice(1) : signs;
  let source = "";
  for (let i = 0; i < members.length; i++) {
    const to = members[i + 1] === "-" ? members[i + 2] : undefined;
    if (to === undefined) {
      source += RegExp.escape(members[i]);
      continue;
    }
    // A range that runs backwards holds nothing.
    if (members[i].codePointAt(0)! <= to.codePointAt(0)!) {
      source += `${RegExp.escape(members[i])}-${RegExp.escape(to)}`;
    }
    i += 2;
  }
  return negated ? `[^/${source}]` : `(?!/)[${source}]`;
}
