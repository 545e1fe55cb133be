import DOMPurify from "dompurify";
import { marked } from "marked";
import { useEffect, useMemo, useState } from "react";
import { baseName } from "../lib/paths.ts";
import { nonce } from "./nonce.ts";
import { pictureAt, pictures } from "./pictures.ts";

/**
 * The frame's own style: it gets no style of the page, and can run and load
 * nothing.
 */
const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.65 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 28px 24px 64px; color: #1c2421; background: #fff; overflow-wrap: break-word; }
h1, h2, h3, h4 { line-height: 1.25; margin: 1.6em 0 .5em; } h1 { margin-top: 0; }
a { color: #17694e; } img { max-width: 100%; } hr { border: 0; border-top: 1px solid #d9dfdb; }
pre, code { font: 13.5px/1.55 ui-monospace, monospace; background: #f1f4f2; border-radius: 5px; }
code { padding: 1px 5px; } pre { padding: 14px 16px; overflow: auto; } pre code { padding: 0; }
blockquote { margin: 1em 0; padding-left: 16px; border-left: 3px solid #b9c6bf; color: #4b5953; }
table { border-collapse: collapse; } td, th { border: 1px solid #d9dfdb; padding: 6px 12px; text-align: left; }
`;
const DARK = `
body { color: #e4eae7; background: #161b19; } a { color: #7fd1ae; }
pre, code { background: #212826; } blockquote { color: #a9b6b0; border-color: #46524d; }
td, th, hr { border-color: #333d39; }
`;

/** The pictures that `clean` inserts, and the references that it met. */
let found: ReadonlyMap<string, string> = new Map();
let wanted = new Set<string>();
let from = "/";

// The frame has no network: use the picture's data URL, or its alternative
// text.
DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "IMG") return;
  node.removeAttribute("srcset");
  const reference = node.getAttribute("src") ?? "";
  if (/^data:/i.test(reference)) return;
  const path = pictureAt(reference, from);
  if (path !== null) wanted.add(path);
  const address = path === null ? undefined : found.get(path);
  if (address === undefined) node.removeAttribute("src");
  else node.setAttribute("src", address);
});

/** Returns a text as sanitised HTML with the available pictures. */
function clean(
  text: string,
  path: string,
  there: ReadonlyMap<string, string>,
): { html: string; wanted: Set<string> } {
  [found, wanted, from] = [there, new Set(), path];
  const html = DOMPurify.sanitize(marked.parse(text, { async: false, gfm: true }), {
    USE_PROFILES: { html: true },
    FORBID_TAGS: ["style", "form", "input", "button", "select", "textarea", "iframe", "base"],
    FORBID_ATTR: ["style"],
  });
  return { html, wanted };
}

/** Loads the pictures that a text refers to. */
function usePictures(volume: string, wanted: ReadonlySet<string>): ReadonlyMap<string, string> {
  const [there, setThere] = useState<ReadonlyMap<string, string>>(new Map());
  useEffect(() => {
    if (wanted.size === 0) return setThere(new Map());
    const stop = new AbortController();
    pictures(volume, wanted, stop.signal).then((all) => stop.signal.aborted || setThere(all));
    return () => stop.abort();
  }, [volume, [...wanted].join("\n")]);
  return there;
}

/**
 * Renders Markdown as a document of its own in a frame without scripts, forms
 * and network.
 */
export default function Markdown(
  { volume, path, text }: { volume: string; path: string; text: string },
) {
  const theme = document.documentElement.dataset.theme;
  const bare = useMemo(() => clean(text, path, new Map()), [text, path]);
  const there = usePictures(volume, bare.wanted);
  const page = useMemo(() => {
    const { html } = there.size === 0 ? bare : clean(text, path, there);
    const dark = theme === "dark"
      ? DARK
      : theme === "light"
      ? ""
      : `@media (prefers-color-scheme: dark) {${DARK}}`;
    return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Preview</title>` +
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; ` +
      `img-src data:; style-src 'nonce-${nonce()}'"><base target="_blank">` +
      `<style nonce="${nonce()}">${STYLE}${dark}</style></head><body>${html}</body></html>`;
  }, [bare, there, theme]);
  // Links open in a new tab, which is not sandboxed.
  return (
    <iframe
      className="frame"
      title={`Preview of ${baseName(path)}`}
      sandbox="allow-popups allow-popups-to-escape-sandbox"
      srcDoc={page}
    />
  );
}
