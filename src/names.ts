/**
 * Converts names between bytes, as the kernel has them (any bytes except `/` and NUL), and text, as
 * the file has them. Valid UTF-8 becomes the corresponding text. A byte 0xHH outside valid UTF-8
 * becomes U+10FEHH. To keep this reversible, the four bytes of a character that looks like such an
 * escape are escaped too.
 *
 * A file may contain names that no directory can show: `.` and `..`, the empty name, and names with
 * a slash or a NUL. They are shown with similar escapes, for example U+10FE2E for a dot, and can be
 * looked up by these.
 */

/** U+10FE00: an escape is this code point plus its byte. */
const ESCAPE = 0x10fe00;
const FIRST_ESCAPE = ESCAPE + 0x80;
const LAST_ESCAPE = ESCAPE + 0xff;
/** The first UTF-16 unit of every escape. */
const HIGH_SURROGATE = "\udbff";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

const SHOWN_NUL = "\u{10fe00}";
const SHOWN_EMPTY = "\u{10fe01}";
const SHOWN_DOT = "\u{10fe2e}";
const SHOWN_SLASH = "\u{10fe2f}";

/** Names that no directory can hold unchanged. */
const UNSHOWABLE = /^\.{0,2}$|[/\0]/;

/** Returns a name as a directory can show it, which is usually the name itself. */
export function shownName(name: string): string {
  if (!UNSHOWABLE.test(name)) return name;
  if (name === "") return SHOWN_EMPTY;
  if (name === "." || name === "..") return SHOWN_DOT.repeat(name.length);
  return name.replaceAll("/", SHOWN_SLASH).replaceAll("\0", SHOWN_NUL);
}

/** Returns the name that is shown as the given text: the inverse of {@linkcode shownName}. */
export function nameShown(shown: string): string {
  if (!shown.includes(HIGH_SURROGATE)) return shown;
  if (shown === SHOWN_EMPTY) return "";
  if (shown === SHOWN_DOT || shown === SHOWN_DOT + SHOWN_DOT) return ".".repeat(shown.length / 2);
  return shown.replaceAll(SHOWN_SLASH, "/").replaceAll(SHOWN_NUL, "\0");
}

/** Converts the bytes of a directory's entry to its name. The mapping is injective. */
export function decodeName(bytes: Uint8Array): string {
  return nameShown(decodeText(bytes));
}

/** Converts a name to the bytes of a directory's entry: the inverse of {@linkcode decodeName}. */
export function encodeName(name: string): Uint8Array<ArrayBuffer> {
  return encodeText(shownName(name));
}

/** Converts any bytes to text. The mapping is injective. */
export function decodeText(bytes: Uint8Array): string {
  try {
    const text = strict.decode(bytes);
    if (!text.includes(HIGH_SURROGATE) || !hasEscape(text)) return text;
  } catch {
    // Not UTF-8: decode character by character.
  }
  let text = "";
  for (let i = 0; i < bytes.length;) {
    const length = sequenceLength(bytes, i);
    const character = length === 0 ? null : strict.decode(bytes.subarray(i, i + length));
    if (character === null) {
      text += String.fromCodePoint(ESCAPE + bytes[i]);
      i++;
    } else if (isEscape(character.codePointAt(0)!)) {
      for (const byte of bytes.subarray(i, i + length)) {
        text += String.fromCodePoint(ESCAPE + byte);
      }
      i += length;
    } else {
      text += character;
      i += length;
    }
  }
  return text;
}

/** Converts text to the bytes that it represents: the inverse of {@linkcode decodeText}. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  if (!text.includes(HIGH_SURROGATE) || !hasEscape(text)) return encoder.encode(text);
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0)!;
    if (isEscape(point)) bytes.push(point - ESCAPE);
    else bytes.push(...encoder.encode(character));
  }
  return new Uint8Array(bytes);
}

function isEscape(point: number): boolean {
  return point >= FIRST_ESCAPE && point <= LAST_ESCAPE;
}

function hasEscape(text: string): boolean {
  for (const character of text) if (isEscape(character.codePointAt(0)!)) return true;
  return false;
}

/** Returns the length of the UTF-8 sequence at an offset; 0 when it is not valid. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return 1;
  const length = first >= 0xc2 && first <= 0xdf
    ? 2
    : first >= 0xe0 && first <= 0xef
    ? 3
    : first >= 0xf0 && first <= 0xf4
    ? 4
    : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const second = bytes[at + 1];
  // Exclude overlong forms, surrogates, and code points beyond U+10FFFF.
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let i = at + 2; i < at + length; i++) {
    if ((bytes[i] & 0xc0) !== 0x80) return 0;
  }
  return length;
}
