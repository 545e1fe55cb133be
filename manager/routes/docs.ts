import type { OpenAPIHono } from "@hono/zod-openapi";
import { PageAssets } from "../page_assets.ts";
import type { Env } from "../http/env.ts";
import { router } from "../http/router.ts";

/** The page with the API reference. It loads nothing from elsewhere. */
export function docsRoutes(document: () => unknown): OpenAPIHono<Env> {
  const app = router();
  const assets = new PageAssets();

  app.get("/docs", async () => {
    const reader = await assets.get("docs/swagger-ui-bundle.js");
    return new Response(reader === null ? plain(document() as Described) : READER, {
      headers: {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "content-security-policy": POLICY,
      },
    });
  });

  app.get("/docs/start.js", () =>
    new Response(START, {
      headers: { "content-type": "text/javascript; charset=utf-8", "cache-control": "no-cache" },
    }));

  return app;
}

// The API reader sets styles of its elements.
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; " +
  "form-action 'none'";

const HEAD = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>aloelite: the API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">`;

const READER = `${HEAD}
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<script defer src="/docs/assets/swagger-ui-bundle.js"></script>
<script defer src="/docs/start.js"></script>
</head>
<body><main id="api"></main></body>
</html>
`;

const START = `SwaggerUIBundle({
  url: "/openapi.json",
  domNode: document.getElementById("api"),
  deepLinking: true,
  docExpansion: "list",
  validatorUrl: null,
});
`;

interface Described {
  paths: Record<string, Record<string, { summary?: string; description?: string }>>;
}

/** A static API reference, for where the page is not built. */
function plain({ paths }: Described): string {
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary = "", description = "" }]) =>
      `<dt><code>${method.toUpperCase()} ${escaped(path)}</code></dt>
<dd>${escaped(summary)}. ${escaped(description)}</dd>`
    )
  );
  return `${HEAD}
</head>
<body>
<h1>The API</h1>
<p>All of it, with its schemas, is in <a href="/openapi.json">/openapi.json</a>. To try it out on
this page, build the manager's page with <code>deno task page</code>.</p>
<dl>
${rows.join("\n")}
</dl>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
