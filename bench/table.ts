import type { Bar, Row } from "./harness.ts";

/** The rows as a table, their notes below it. */
export function table(rows: readonly Row[]): string {
  const head = ["figure", "against", "ours", "peer", "unit", "ratio", "bar", ""];
  const lines = rows.map((row) => [
    row.figure,
    row.against,
    number(row.ours),
    number(row.peer),
    row.unit,
    row.ratio === null ? "" : row.ratio.toFixed(2),
    bar(row.bar),
    row.pass === null ? (row.ours === null ? "skipped" : "") : row.pass ? "pass" : "FAIL",
  ]);
  const all = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column].length)));
  const right = new Set([2, 3, 5]);
  const text = all.map((line) =>
    line.map((cell, i) => right.has(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))
      .join("  ").trimEnd()
  );
  text.splice(1, 0, widths.map((width) => "-".repeat(width)).join("  "));
  const notes = rows.filter((row) => row.note !== "")
    .map((row) => `  ${row.figure}: ${row.note}`);
  return [...text, "", ...notes].join("\n");
}

function number(value: number | null): string {
  if (value === null) return "";
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 3;
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function bar({ least, most }: Bar): string {
  if (least !== undefined) return `≥ ${least}`;
  return most === undefined ? "" : `≤ ${most}`;
}
