import DOMPurify from "dompurify";
import { marked } from "marked";
import { useMemo } from "react";
import { nonce } from "./nonce.ts";

/** The frame has no style of the page: it can neither run nor load anything. */
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

// The frame has no network: what stands for a picture there is its text.
DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "IMG" && !/^data:/i.test(node.getAttribute("src") ?? "")) {
    node.removeAttribute("src");
    node.removeAttribute("srcset");
  }
});

/** Markdown as a page of its own in a frame without scripts, forms and network. */
export default function Markdown({ name, text }: { name: string; text: string }) {
  const theme = document.documentElement.dataset.theme;
  const page = useMemo(() => {
    const clean = DOMPurify.sanitize(marked.parse(text, { async: false, gfm: true }), {
      USE_PROFILES: { html: true },
      FORBID_TAGS: ["style", "form", "input", "button", "select", "textarea", "iframe", "base"],
      FORBID_ATTR: ["style"],
    });
    const dark = theme === "dark"
      ? DARK
      : theme === "light"
      ? ""
      : `@media (prefers-color-scheme: dark) {${DARK}}`;
    return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Preview</title>` +
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; ` +
      `img-src data:; style-src 'nonce-${nonce()}'"><base target="_blank">` +
      `<style nonce="${nonce()}">${STYLE}${dark}</style></head><body>${clean}</body></html>`;
  }, [text, theme]);
  // Links open in a tab of their own, which is not sandboxed.
  return (
    <iframe
      className="frame"
      title={`Preview of ${name}`}
      sandbox="allow-popups allow-popups-to-escape-sandbox"
      srcDoc={page}
    />
  );
}
