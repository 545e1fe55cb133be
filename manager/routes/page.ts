import type { Context } from "hono";
import { compress } from "hono/compress";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { type Manifest, PageAssets } from "../page_assets.ts";
import { Problem } from "../http/problem.ts";
import type { Env } from "../http/env.ts";
import { router } from "../http/router.ts";
import { streamed } from "../http/sized_answer.ts";

/**
 * The web page and its files, all of this origin. Inline scripts are forbidden; inline
 * styles need the nonce of the response (the editor adds its style sheet so).
 */
export function pageRoutes(): OpenAPIHono<Env> {
  const app = router();
  const assets = new PageAssets();

  app.get("/", async (c) => {
    const manifest = await assets.manifest();
    const nonce = crypto.randomUUID().replaceAll("-", "");
    const html = manifest === null ? UNBUILT : page(manifest, nonce);
    return new Response(c.req.method === "HEAD" ? null : html, {
      status: manifest === null ? 503 : 200,
      headers: {
        ...COMMON,
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "content-security-policy": policy(nonce),
      },
    });
  });

  app.use("/assets/*", compress());
  app.use("/docs/assets/*", compress());
  app.get("/assets/*", (c) => serve(c, `assets/${c.req.path.slice("/assets/".length)}`));
  app.get("/docs/assets/*", (c) => serve(c, `docs/${c.req.path.slice("/docs/assets/".length)}`));

  const serve = async (c: Context<Env>, name: string): Promise<Response> => {
    const asset = await assets.get(name);
    if (asset === null) throw new Problem(404, "not_found", `${c.req.path}: no such resource`);
    const headers: Record<string, string> = {
      ...COMMON,
      etag: asset.etag,
      "cache-control": asset.immutable ? "public, max-age=31536000, immutable" : "no-cache",
    };
    // Compression makes the tag a weak one.
    const known = c.req.header("if-none-match")?.split(/,\s*/) ?? [];
    if (known.some((etag) => etag.replace(/^W\//, "") === asset.etag)) {
      return new Response(null, { status: 304, headers });
    }
    headers["content-type"] = asset.type;
    headers["content-length"] = String(asset.content.length);
    // A worker has the policy of its own script. This one decodes images in WebAssembly.
    headers["content-security-policy"] = name === "assets/pdf/worker.mjs"
      ? "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
      : "default-src 'none'; sandbox";
    if (c.req.method === "HEAD") return new Response(null, { headers });
    // The runtime reports when a stream has been sent, also a compressed one.
    return streamed(asset.content, { headers: new Headers(headers) }, c.env.visit).response;
  };
  return app;
}

const COMMON = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

function policy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "font-src 'self' data:",
    "worker-src 'self'",
    "frame-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join("; ");
}

function page({ script, style, icon }: Manifest, nonce: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>aloelite</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta property="csp-nonce" content="${nonce}">
<link rel="icon" type="image/svg+xml" href="/assets/${icon}">
<link rel="stylesheet" href="/assets/${style}">
<script type="module" src="/assets/${script}"></script>
</head>
<body>
<div id="root"></div>
<noscript>This page needs JavaScript. The API at /openapi.json and the command line do not.</noscript>
</body>
</html>
`;
}

const UNBUILT = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>aloelite: page not built</title></head>
<body>
<h1>The page is not built</h1>
<p>The manager runs, and its API answers. To build its page, run in the sources of aloelite:</p>
<pre>deno task page</pre>
<p>Then load this page again. The API is described at <a href="/docs">/docs</a>.</p>
</body>
</html>
`;
