import { isCancelled, problemFrom, unreachable } from "./problem.ts";

export interface RequestOptions {
  query?: Record<string, string | number | boolean | readonly string[] | undefined>;
  json?: unknown;
  body?: BodyInit;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Told when the manager demands its token. */
let onUnauthorized: () => void = () => {};

export function whenUnauthorized(listener: () => void): void {
  onUnauthorized = listener;
}

export function withQuery(path: string, query: RequestOptions["query"] = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === false) continue;
    if (Array.isArray(value)) { for (const one of value) search.append(key, one); }
    else search.append(key, value === true ? "1" : String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** Asks the manager. Anything but success is thrown as an ApiError. */
export async function request(
  method: string,
  path: string,
  { query, json, body, headers, signal }: RequestOptions = {},
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(withQuery(path, query), {
      method,
      body: json === undefined ? body : JSON.stringify(json),
      headers: {
        accept: "application/json",
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      signal,
      credentials: "same-origin",
    });
  } catch (error) {
    if (isCancelled(error)) throw error;
    throw unreachable();
  }
  if (response.ok) return response;
  const problem = problemFrom(
    response.status,
    await response.text().catch(() => ""),
    response.headers.get("retry-after"),
  );
  if (problem.code === "unauthorized") onUnauthorized();
  throw problem;
}

export async function requestJson<T>(
  method: string,
  path: string,
  options?: RequestOptions,
): Promise<T> {
  return await (await request(method, path, options)).json() as T;
}
