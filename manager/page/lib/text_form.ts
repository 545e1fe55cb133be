/** The byte form of a text. */
export interface TextForm {
  encoding: "utf-8" | "utf-16le" | "utf-16be";
  /** Whether the bytes begin with a byte order mark. */
  bom: boolean;
}

export interface DecodedText {
  text: string;
  /** How to encode the text to the same bytes; null if that is impossible. */
  form: TextForm | null;
  /** Why the text cannot be encoded. */
  reason: string | null;
}

const MARKS: readonly [TextForm["encoding"], readonly number[]][] = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];

/**
 * Decodes a file's bytes. The result has a form only if encoding the text gives
 * the same bytes; otherwise the text is read-only and decoded as well as
 * possible.
 */
export function decodeText(bytes: Uint8Array<ArrayBuffer>): DecodedText {
  const mark = MARKS.find(([, begin]) => begin.every((byte, at) => bytes[at] === byte));
  const form: TextForm = { encoding: mark?.[0] ?? "utf-8", bom: mark !== undefined };
  try {
    const decoder = new TextDecoder(form.encoding, { fatal: true, ignoreBOM: true });
    const text = decoder.decode(bytes.subarray(mark?.[1].length ?? 0));
    if (text.includes("\0")) return { text, form: null, reason: "It is not a text file" };
    if (sameBytes(encodeText(text, form), bytes)) return { text, form, reason: null };
  } catch {
    // The bytes are not in that encoding.
  }
  const binary = bytes.includes(0);
  return {
    text: new TextDecoder(binary ? "utf-8" : "windows-1252").decode(bytes),
    form: null,
    reason: binary ? "It is not a text file" : "It is not in UTF-8",
  };
}

/** Encodes a text as the bytes of a file. */
export function encodeText(text: string, { encoding, bom }: TextForm): Uint8Array<ArrayBuffer> {
  const marked = bom ? `\ufeff${text}` : text;
  if (encoding === "utf-8") return new TextEncoder().encode(marked);
  const bytes = new Uint8Array(marked.length * 2);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < marked.length; at++) {
    view.setUint16(at * 2, marked.charCodeAt(at), encoding === "utf-16le");
  }
  return bytes;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
