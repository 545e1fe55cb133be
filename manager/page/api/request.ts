import { reportAnswer, reportPinRequired, reportTokenRequired } from "./connection.ts";
import { type ApiError, isCancelled, problemFrom, unreachable } from "./problem.ts";

export interface RequestOptions {
  query?: Record<string, string | number | boolean | readonly string[] | undefined>;
  json?: unknown;
  body?: BodyInit;
  headers?: Record<string, string>;
  signal?: AbortSignal;
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

/**
 * Sends a request to the manager. Throws an ApiError for every status but
 * success.
 */
export async function request(
  method: string,
  path: string,
  { query, json, body, headers, signal }: RequestOptions = {},
): Promise<Response> {
  const url = withQuery(path, query);
  const response = await readWhole(() =>
    fetch(url, {
      method,
      body: json === undefined ? body : JSON.stringify(json),
      headers: {
        accept: "application/json",
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      signal,
      credentials: "same-origin",
    })
  );
  if (response.ok) {
    reportAnswer();
    return response;
  }
  const text = await response.text().catch(() => "");
  throw reportProblem(problemFrom(url, response.status, text, response.headers.get("retry-after")));
}

/** Reports a required token or PIN, whatever the request was. */
export function reportProblem(problem: ApiError): ApiError {
  if (problem.code === "unauthorized") reportTokenRequired();
  const { status, code, volume } = problem;
  if (status === 401 && code === "encryption_required" && volume !== null) {
    reportPinRequired(volume);
  }
  return problem;
}

/** Throws if the answer was cut off. */
export async function readWhole<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isCancelled(error)) throw error;
    throw unreachable();
  }
}

export async function requestJson<T>(
  method: string,
  path: string,
  options?: RequestOptions,
): Promise<T> {
  const response = await request(method, path, options);
  // Reject an HTML page that a proxy sends in place of an answer.
  return await readWhole(async () => await response.json() as T);
}
