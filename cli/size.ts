import { UsageError } from "./args.ts";

const BINARY = ["KiB", "MiB", "GiB", "TiB"];

/** Formats a number of bytes for users: `512 B`, `1.5 MiB`. */
export function showSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes;
  let unit = -1;
  do {
    value /= 1024;
    unit++;
  } while (value >= 1024 && unit < BINARY.length - 1);
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${BINARY[unit]}`;
}

/**
 * Parses a size: plain bytes, binary units (`64K`, `64KiB`, `1M`, `1MiB`) or decimal ones (`64kB`,
 * `1MB`).
 *
 * @returns The size in bytes.
 * @throws {UsageError} When the text is not a size.
 */
export function parseSize(text: string): number {
  const found = /^(\d{1,15}(?:\.\d{1,6})?)\s*([kmgt]?)(i?b)?$/i.exec(text);
  if (found !== null) {
    const power = " kmgt".indexOf(
      found[2] === "" ? " " : found[2].toLowerCase(),
    );
    const decimal = found[3]?.toLowerCase() === "b" && power > 0;
    const bytes = Number(found[1]) * (decimal ? 1000 : 1024) ** power;
    if (Number.isSafeInteger(bytes)) return bytes;
  }
  throw new UsageError(`not a size: ${text} (write 65536, 64KiB or 1MiB)`);
}
