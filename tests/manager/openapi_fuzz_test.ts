/**
 * The OpenAPI description is true: every route is in it, and every answer to
 * any request is one that it describes.
 *
 * `ALOELITE_TEST_RUNS` multiplies the number of requests, `ALOELITE_TEST_SEED`
 * repeats a run.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { createApp } from "../../manager/routes/app.ts";
import { Auth } from "../../manager/http/auth.ts";
import { raw } from "./raw.ts";
import { TestManager } from "./support.ts";
import { runs } from "../support/runs.ts";

const seed = Deno.env.get("ALOELITE_TEST_SEED");

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
}

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema: Schema;
}

type Content = Record<string, { schema: Schema }>;

interface Operation {
  summary: string;
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Content };
  responses: Record<string, { description: string; content?: Content }>;
}

interface Described {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/** Answers that every request may get, as the description says. */
const ANY = new Set([401, 403, 408, 413, 414, 421, 431, 503]);

/** The page's own routes, which are not part of the API. */
const PAGES = new Set(["/", "/assets/*", "/docs", "/docs/start.js", "/docs/assets/*"]);

class Description {
  readonly document: Described;

  constructor(document: Described) {
    this.document = document;
  }

  resolve(schema: Schema): Schema {
    if (schema.allOf !== undefined) {
      const { allOf, ...own } = schema;
      const parts = [own, ...allOf.map((part) => this.resolve(part))];
      return {
        ...Object.assign({}, ...parts),
        properties: Object.assign({}, ...parts.map(({ properties }) => properties)),
        required: parts.flatMap(({ required = [] }) => required),
      };
    }
    if (schema.$ref === undefined) return schema;
    const name = schema.$ref.replace("#/components/schemas/", "");
    const found = this.document.components.schemas[name];
    assert.ok(found !== undefined, `${schema.$ref} leads nowhere`);
    return this.resolve(found);
  }

  /** Returns how a value differs from its schema; null if it does not. */
  fault(schema: Schema, value: unknown, at = "$"): string | null {
    schema = this.resolve(schema);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices !== undefined) {
      const faults = choices.map((choice) => this.fault(choice, value, at));
      return faults.includes(null) ? null : faults[0];
    }
    if (schema.type !== undefined) {
      const types = [schema.type].flat();
      if (!types.some((type) => isOf(type, value))) {
        return `${at}: ${JSON.stringify(value)} is no ${types}`;
      }
    }
    if (schema.enum !== undefined && value !== null && !schema.enum.includes(value)) {
      return `${at}: ${value} is none of ${schema.enum}`;
    }
    if (Array.isArray(value) && schema.items !== undefined) {
      for (const [i, item] of value.entries()) {
        const fault = this.fault(schema.items, item, `${at}[${i}]`);
        if (fault !== null) return fault;
      }
    }
    if (isOf("object", value) && schema.properties !== undefined) {
      for (const name of schema.required ?? []) {
        if (!(name in (value as object))) return `${at}.${name} is missing`;
      }
      for (const [name, one] of Object.entries(value as object)) {
        const property = schema.properties[name];
        if (property === undefined && (schema.additionalProperties ?? false) !== false) continue;
        if (property === undefined) return `${at}.${name} is not told of`;
        const fault = this.fault(property, one, `${at}.${name}`);
        if (fault !== null) return fault;
      }
    }
    return null;
  }

  /** Generates values of a schema. */
  fitting(schema: Schema, name = ""): fc.Arbitrary<unknown> {
    schema = this.resolve(schema);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices !== undefined) return fc.oneof(...choices.map((one) => this.fitting(one, name)));
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    const types = [schema.type ?? "string"].flat();
    return fc.oneof(...types.map((type) => this.#ofType(type, schema, name)));
  }

  #ofType(type: string, schema: Schema, name: string): fc.Arbitrary<unknown> {
    switch (type) {
      case "null":
        return fc.constant(null);
      case "boolean":
        return fc.boolean();
      case "integer":
        return fc.oneof(
          fc.integer({ min: schema.minimum ?? -5, max: schema.maximum ?? 0o777 }),
          fc.maxSafeInteger(),
        );
      case "number":
        return fc.double();
      case "array":
        return fc.array(this.fitting(schema.items ?? {}, name), {
          minLength: schema.minItems ?? 0,
          maxLength: 4,
        });
      case "object": {
        const properties = Object.entries(schema.properties ?? {})
          .map(([key, one]) => [key, this.fitting(one, key)] as const);
        if (properties.length === 0) {
          return fc.dictionary(fc.string({ unit: "binary", maxLength: 8 }), fc.jsonValue());
        }
        return fc.record(Object.fromEntries(properties), { requiredKeys: schema.required ?? [] });
      }
      default:
        return texts(name);
    }
  }
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "boolean":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number";
    default:
      return typeof value === "string";
  }
}

/** Placeholders for existing ids and names, replaced when a request is sent. */
const PLAIN = "<plain>";
const VAULT = "<vault>";
const FILESYSTEM = "<filesystem>";
const NODE = "<node>";
const UPLOAD = "<upload>";
const TASK = "<task>";
const PIN = "2468";

const STRANGE = fc.oneof(
  fc.constantFrom(
    "",
    " ",
    "\0",
    "a\0b",
    "\ud800",
    "..",
    "../..",
    "//",
    "%",
    "%2e%2e",
    "'\"; --",
    "\r\nx: y",
    "x".repeat(300),
    "名".repeat(90),
    "019ad2c4-5b1e-7000-8000-000000000000",
    "0".repeat(32),
    "-1",
    "0",
    "1",
    "9".repeat(30),
    "1e3",
    "NaN",
    "true",
    "__proto__",
  ),
  fc.string({ unit: "binary", maxLength: 12 }),
);

const PATHS = ["/", "/a.txt", "/dir", "/dir/b.txt", "/new", "/dir/new", "/a.txt/under", "//dir//"];

/** Texts with and without a meaning for a field. */
function texts(name: string): fc.Arbitrary<string> {
  const known: Record<string, string[]> = {
    path: PATHS,
    from: PATHS,
    paths: PATHS,
    to: PATHS,
    on_conflict: ["fail", "skip", "replace", "rename"],
    task: [TASK],
    node: [NODE],
    id: [NODE],
    ids: [NODE],
    volume: [PLAIN, VAULT],
    fs_id: [FILESYSTEM],
    pin: [PIN],
    old_pin: [PIN],
    new_pin: [PIN],
    pin_env: ["PATH", "NO_SUCH_VARIABLE"],
    pin_file: ["/dev/null", "/", "/no/such/file"],
    name: ["some name"],
    version: ["0", "1", "2"],
    limit: ["1", "10"],
    q: ["a", "txt"],
    deep: ["0", "1"],
    modified_at: ["2001-02-03T04:05:06.000000007Z", "2001-02-30T00:00:00Z", "yesterday"],
    range: ["bytes=0-0", "bytes=-1", "bytes=9-", "bytes=0-0,2-2", "bytes=x"],
    "if-match": ["*", '"x"'],
    "if-none-match": ["*", '"x"'],
    "tus-resumable": ["1.0.0"],
    "upload-length": ["0", "5", "1000"],
    "upload-offset": ["0", "5"],
    "upload-defer-length": ["1"],
    "upload-metadata": [`path ${btoa("/up")}`, `path ${btoa("/dir/up")},overwrite ${btoa("0")}`],
    "upload-checksum": [`sha1 ${btoa("x")}`],
  };
  const some = known[name];
  if (some === undefined) return STRANGE;
  return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...some) }, {
    weight: 1,
    arbitrary: STRANGE,
  });
}

/** A generated request. */
interface Wish {
  params: Record<string, string>;
  query: Record<string, string>;
  headers: Record<string, string>;
  type: string | null;
  body: string | Uint8Array<ArrayBuffer> | null;
  /** Whether the session that has unlocked the vault sends it. */
  known: boolean;
}

function wishes(description: Description, path: string, operation: Operation): fc.Arbitrary<Wish> {
  const parameters = operation.parameters ?? [];
  const some = (where: string) =>
    fc.record(
      Object.fromEntries(
        parameters.filter((one) => one.in === where).map(({ name }) => [name, texts(name)]),
      ),
      { requiredKeys: [] },
    ) as fc.Arbitrary<Record<string, string>>;
  const ids = path.startsWith("/filesystems")
    ? fc.oneof({ weight: 5, arbitrary: fc.constant(FILESYSTEM) }, { weight: 1, arbitrary: STRANGE })
    : fc.oneof(
      { weight: 4, arbitrary: fc.constant(PLAIN) },
      { weight: 2, arbitrary: fc.constant(VAULT) },
      { weight: 1, arbitrary: STRANGE },
    );
  return fc.record({
    params: fc.record({
      id: ids,
      path: texts("path"),
      upload: fc.oneof(fc.constant(UPLOAD), STRANGE),
      mount: fc.oneof(fc.constant(UPLOAD), STRANGE),
      task: fc.oneof(fc.constant(TASK), STRANGE),
    }),
    query: some("query"),
    headers: some("header"),
    known: fc.boolean(),
  }).chain((rest) =>
    bodies(description, path, operation).map(([type, body]) => ({ ...rest, type, body }))
  );
}

type Body = [string | null, string | Uint8Array<ArrayBuffer> | null];

function bodies(
  description: Description,
  path: string,
  { requestBody }: Operation,
): fc.Arbitrary<Body> {
  if (requestBody === undefined) return fc.constant([null, null]);
  const [type] = Object.keys(requestBody.content);
  const octets = fc.uint8Array({ maxLength: 40 })
    .map((bytes) => new Uint8Array(bytes) as Uint8Array<ArrayBuffer>);
  if (type === "multipart/form-data") {
    const named = texts("path").map((name) =>
      `--b\r\ncontent-disposition: form-data; name="f"; filename="${name}"\r\n\r\nx\r\n--b--\r\n`
    );
    const form = `${type}; boundary=b`;
    return fc.oneof(
      fc.tuple(fc.constantFrom(form, form, form, type, "text/plain"), fc.oneof(named, octets)),
    );
  }
  if (type !== "application/json") {
    return fc.tuple(
      fc.constantFrom(type, type, "text/plain", null),
      fc.oneof(octets, fc.constant(null)),
    );
  }
  const { schema } = requestBody.content[type];
  const changed = fc.tuple(
    description.fitting(schema),
    fc.constantFrom(...Object.keys(description.resolve(schema).properties ?? { x: 0 })),
    fc.jsonValue(),
  ).map(([value, name, other]) =>
    isOf("object", value) ? { ...value as object, [name]: other } : other
  );
  const json = fc.oneof(
    { weight: 4, arbitrary: description.fitting(schema) },
    { weight: 2, arbitrary: changed },
    { weight: 1, arbitrary: fc.jsonValue() },
  );
  if (path.endsWith("/mount")) {
    // Mounts as directories have their own tests, and take long.
    return json.map((value) => [type, JSON.stringify({ ...Object(value), mode: "direct" })]);
  }
  return fc.oneof(
    { weight: 6, arbitrary: json.map((value): Body => [type, JSON.stringify(value) ?? ""]) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom(type, "text/plain", null), octets) },
    { weight: 1, arbitrary: fc.constant<Body>([type, '{"name":']) },
  );
}

/** A manager with test data, created again after a request has deleted it. */
class Ground {
  readonly m: TestManager;
  #known: Record<string, string> = {};
  #session = "";

  constructor(m: TestManager) {
    this.m = m;
  }

  async prepare(): Promise<void> {
    const { m } = this;
    const all = (await m.ask("GET", "/volumes")).json.map(({ id }: { id: string }) => id);
    if (!all.includes(this.#known[PLAIN])) {
      const id = await m.volume("plain");
      this.#known[PLAIN] = id;
      this.#known[FILESYSTEM] = (await m.ask("GET", `/volumes/${id}`)).json.fs_id;
    }
    if (!all.includes(this.#known[VAULT])) {
      const id = await m.volume("vault", { encrypted: true, pin: PIN });
      this.#known[VAULT] = id;
      const { headers } = await m.ask("POST", `/volumes/${id}/unlock`, { json: { pin: PIN } });
      this.#session = /=([0-9a-f]{64});/.exec(headers.get("set-cookie")!)![1];
    }
    const at = `/volumes/${this.#known[PLAIN]}`;
    const put = await m.ask("PUT", `${at}/files/a.txt`, { body: "abc" });
    if (put.status < 300) this.#known[NODE] = put.json.node;
    await m.ask("PUT", `${at}/files/dir/b.txt?parents=1`, { body: "abc" });
    const metadata = `path ${btoa("/up")}`;
    const upload = await m.ask("POST", `${at}/uploads`, {
      headers: { "tus-resumable": "1.0.0", "upload-length": "5", "upload-metadata": metadata },
    });
    const wish = { operation: "copy", paths: ["/a.txt"], to: "/", on_conflict: "skip" };
    this.#known[TASK] = (await m.ask("POST", `${at}/tasks`, { json: wish })).json?.id ?? "none";
    this.#known[UPLOAD] = upload.headers.get("location")?.split("/").at(-1) ?? "none";
  }

  /** Sends a request. @returns Null for a request that no client can write. */
  async send(method: string, path: string, wish: Wish): Promise<Response | null> {
    const { url, headers } = this.#written(path, wish);
    const safe = method === "get" || method === "head";
    // The client would normalise these, and request another path.
    if (/\/(?:\.|%2e){1,2}(?=[/?]|$)/i.test(url)) return null;
    let request: Request;
    try {
      request = new Request(url, {
        method: method.toUpperCase(),
        headers,
        ...(safe || wish.body === null ? {} : { body: this.#filled(wish.body) }),
      });
    } catch {
      return null;
    }
    return await fetch(request);
  }

  #written(path: string, { params, query, headers, type, known }: Wish) {
    const filled = path.replace(/\{(\w+)\}/g, (_, name) => {
      const value = this.#filled(params[name]) as string;
      return name === "path"
        ? value.split("/").map(escaped).join("/").replace(/^\//, "")
        : escaped(value) || "%20";
    });
    const pairs = Object.entries(query)
      .map(([name, value]) => `${name}=${escaped(this.#filled(value) as string)}`);
    return {
      url: `${this.m.url}${filled}${pairs.length > 0 ? `?${pairs.join("&")}` : ""}`,
      headers: {
        ...Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, value.replace(/[^ -~]/g, "?")]),
        ),
        ...(type === null ? {} : { "content-type": type }),
        ...(known ? { "aloelite-session": this.#session } : {}),
      },
    };
  }

  #filled<T extends string | Uint8Array<ArrayBuffer>>(text: T): T {
    if (typeof text !== "string") return text;
    return text.replace(/<\w+>/g, (mark) => this.#known[mark] ?? mark) as T;
  }
}

function escaped(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

Deno.test("every route is described, and the description is consistent", async () => {
  await using m = await TestManager.start();
  const { status, headers, json } = await m.ask("GET", "/openapi.json");
  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "application/json");
  const description = new Description(json);
  const { document } = description;
  assert.match(document.openapi, /^3\.1\.\d+$/);
  assert.ok(document.info.title.length > 0 && document.info.version.length > 0);
  const described = new Set<string>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const where = `${method} ${path}`;
      described.add(where);
      assert.ok(operation.summary.length > 0, where);
      assert.ok(Object.keys(operation.responses).some((code) => Number(code) < 400), where);
      const inPath = (operation.parameters ?? []).filter((one) => one.in === "path");
      assert.deepEqual(
        inPath.map(({ name }) => name).sort(),
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort(),
        where,
      );
      assert.ok(inPath.every(({ required }) => required === true), where);
      for (const { description: text, content = {} } of Object.values(operation.responses)) {
        assert.ok(text.length > 0, where);
        for (const { schema } of Object.values(content)) resolveAll(description, schema);
      }
      for (const { schema } of Object.values(operation.requestBody?.content ?? {})) {
        resolveAll(description, schema);
      }
    }
  }
  const app = createApp({ settings: {} } as never, new Auth(null, 1));
  const routes = new Set(
    app.routes.filter(({ method, path }) => method !== "ALL" && !PAGES.has(path))
      .map(({ method, path }) =>
        `${method.toLowerCase()} ${path.replace(/\*$/, "{path}").replace(/:(\w+)/g, "{$1}")}`
      ),
  );
  assert.ok(routes.size > 40);
  assert.deepEqual([...routes].filter((route) => !described.has(route)), []);
  assert.deepEqual(
    [...described].filter((route) => !route.startsWith("head ") && !routes.has(route)),
    [],
  );
});

function resolveAll(description: Description, schema: Schema): void {
  const { properties = {}, items, anyOf = [], oneOf = [] } = description.resolve(schema);
  for (const part of [...Object.values(properties), ...anyOf, ...oneOf]) {
    resolveAll(description, part);
  }
  if (items !== undefined) resolveAll(description, items);
}

Deno.test("every answer to any request is as described", async () => {
  await using m = await TestManager.start();
  const description = new Description((await m.ask("GET", "/openapi.json")).json);
  const ground = new Ground(m);
  const seen = new Map<string, Set<number>>();
  for (const [path, methods] of Object.entries(description.document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      await ground.prepare();
      const where = `${method} ${path}`;
      const statuses = new Set<number>();
      seen.set(where, statuses);
      await fc.assert(
        fc.asyncProperty(wishes(description, path, operation), async (wish) => {
          const response = await ground.send(method, path, wish);
          if (response === null) return;
          statuses.add(response.status);
          await check(description, where, operation, response);
          if (method === "delete" && response.status === 204) await ground.prepare();
        }),
        {
          numRuns: runs(14),
          endOnFailure: true,
          ...(seed === undefined ? {} : { seed: Number(seed) }),
        },
      );
    }
  }
  assert.deepEqual(m.log.filter((line) => /internal|TypeError|RangeError|at /.test(line)), []);
  const worked = [...seen.values()].filter((all) => [...all].some((status) => status < 300));
  assert.ok(worked.length > seen.size / 2, "most operations have worked at least once");
});

async function check(
  description: Description,
  where: string,
  operation: Operation,
  response: Response,
): Promise<void> {
  const { status, headers } = response;
  const type = headers.get("content-type")?.split(";")[0] ?? null;
  if (type === "text/event-stream") await response.body!.cancel();
  const text = type === "text/event-stream" ? "" : await response.text();
  assert.ok(status < 500 || status === 503, `${where}: ${status} ${text}`);
  const told = operation.responses[status];
  assert.ok(told !== undefined || ANY.has(status), `${where}: ${status} is not told of: ${text}`);
  if (where.startsWith("head ") || status === 204 || status === 304) {
    return assert.equal(text, "", where);
  }
  if (status >= 400) {
    if (type === "application/json" && told?.content?.[type] === undefined) {
      assert.fail(`${where}: ${status} is no problem: ${text}`);
    }
    if (type !== "application/json") assert.equal(type, "application/problem+json", where);
  }
  const schema = told?.content?.[type ?? ""]?.schema ??
    (status >= 400 ? { $ref: "#/components/schemas/Problem" } : undefined);
  const isRange = status === 206 || where.includes("/files");
  if (told?.content !== undefined && !isRange) {
    assert.ok(schema !== undefined, `${where}: ${status} ${type} is not told of`);
  }
  if (schema !== undefined && type?.endsWith("json")) {
    assert.equal(description.fault(schema, JSON.parse(text)), null, `${where}: ${text}`);
  }
}

Deno.test("garbage instead of a request affects nobody", async () => {
  await using m = await TestManager.start();
  const id = await m.volume("one");
  const sign = fc.string({ unit: "binary-ascii", maxLength: 40 }).map((text) =>
    text.replace(/[\r\n]/g, "")
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "XYZ", "g e"),
      fc.constantFrom("/", "/volumes/", `/volumes/${id}/`, `/volumes/${id}/files/`, ""),
      sign,
      fc.array(sign, { maxLength: 3 }),
      fc.uint8Array({ maxLength: 60 }),
      async (method, start, rest, fields, body) => {
        const length = method === "HEAD" || method === "GET" ? 0 : body.length;
        const head = [`${method} ${start}${rest} HTTP/1.1`, ...fields, `Content-Length: ${length}`];
        const { status, text } = await raw(m.url, head, [{ bytes: body.slice(0, length) }]);
        assert.ok(status < 500 || status === 503, `${status}: ${text}`);
      },
    ),
    {
      numRuns: runs(300),
      endOnFailure: true,
      ...(seed === undefined ? {} : { seed: Number(seed) }),
    },
  );
  assert.equal((await m.ask("GET", `/volumes`)).status, 200);
});
