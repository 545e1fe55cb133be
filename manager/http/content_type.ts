import mime from "mime";
import { safeName } from "../../src/safe_name.ts";

/**
 * Types that a browser shows without running scripts. Other text is shown as plain
 * text; the rest is downloaded.
 */
const SAFE =
  /^(?:image\/(?:png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon|svg\+xml)|audio\/.+|video\/.+|font\/.+|application\/(?:pdf|ogg))$/;

const TEXT =
  /^(?:text\/.+|application\/(?:json|.+\+json|xml|.+\+xml|javascript|typescript|x-sh|x-httpd-php|toml|yaml|x-yaml|sql|x-ndjson|graphql|rtf))$/;

/** Extensions of text files that are in no registry of types. */
const TEXT_ENDINGS =
  /\.(?:c|cc|cpp|h|hpp|rs|go|py|rb|pl|java|kt|swift|ts|tsx|mts|cts|jsx|sh|bash|zsh|fish|toml|yaml|yml|ini|conf|cfg|env|log|diff|patch|sql|lock|gitignore|dockerfile|makefile)$/i;

/** The headers that declare some content. */
export interface Declared {
  /** The Content-Type. */
  type: string;
  /** Whether a browser may show it inline. */
  inline: boolean;
}

/** Declares content by its file's name. @param download Whether it is to be downloaded. */
export function declare(name: string, download: boolean): Declared {
  const known = TEXT_ENDINGS.test(name) ? "text/plain" : mime.getType(name);
  const type = known ?? "application/octet-stream";
  if (download) return { type: withCharset(type), inline: false };
  if (SAFE.test(type)) return { type, inline: true };
  if (TEXT.test(type)) return { type: "text/plain; charset=utf-8", inline: true };
  return { type: "application/octet-stream", inline: false };
}

function withCharset(type: string): string {
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type;
}

/** A Content-Disposition, with the name in ASCII for old clients and in UTF-8. */
export function disposition(name: string, inline: boolean): string {
  const safe = safeName(name, "anywhere").toWellFormed();
  const plain = safe.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const full = encodeURIComponent(safe).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${inline ? "inline" : "attachment"}; filename="${plain}"; filename*=UTF-8''${full}`;
}
