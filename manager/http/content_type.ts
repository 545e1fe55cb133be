import mime from "mime";
import { safeName } from "../../src/safe_name.ts";

/**
 * Types that a browser shows without running anything of them. The others are
 * shown as plain text if they are text, and saved if they are not.
 */
const SAFE =
  /^(?:image\/(?:png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon|svg\+xml)|audio\/.+|video\/.+|font\/.+|application\/(?:pdf|ogg))$/;

const TEXT =
  /^(?:text\/.+|application\/(?:json|.+\+json|xml|.+\+xml|javascript|typescript|x-sh|x-httpd-php|toml|yaml|x-yaml|sql|x-ndjson|graphql|rtf))$/;

/** Endings of text that no registry of types has. */
const TEXT_ENDINGS =
  /\.(?:c|cc|cpp|h|hpp|rs|go|py|rb|pl|java|kt|swift|ts|tsx|mts|cts|jsx|sh|bash|zsh|fish|toml|yaml|yml|ini|conf|cfg|env|log|diff|patch|sql|lock|gitignore|dockerfile|makefile)$/i;

/** How some content is declared. */
export interface Declared {
  /** The Content-Type. */
  type: string;
  /** Whether a browser may show it where it is. */
  inline: boolean;
}

/** How content of a name is declared. @param download Whether it is to be saved. */
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

/** A Content-Disposition: the name in ASCII for old clients, and as it is. */
export function disposition(name: string, inline: boolean): string {
  const safe = safeName(name, "anywhere").toWellFormed();
  const plain = safe.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const full = encodeURIComponent(safe).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${inline ? "inline" : "attachment"}; filename="${plain}"; filename*=UTF-8''${full}`;
}
