import { ApiError, problemFrom, unreachable } from "../api/problem.ts";

export interface XhrRequest {
  method: string;
  url: string;
  body: Blob | null;
  headers: Record<string, string>;
  signal: AbortSignal;
  onProgress?: (sent: number) => void;
}

export interface XhrAnswer {
  status: number;
  header: (name: string) => string | null;
}

/** A request by XMLHttpRequest: `fetch` does not tell how much of a body is sent. */
export function send(wish: XhrRequest): Promise<XhrAnswer> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open(wish.method, wish.url);
    for (const [name, value] of Object.entries(wish.headers)) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = (event) => wish.onProgress?.(event.loaded);
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) {
        resolve({ status: xhr.status, header: (name) => xhr.getResponseHeader(name) });
      } else {
        reject(problemFrom(xhr.status, xhr.responseText, xhr.getResponseHeader("retry-after")));
      }
    };
    xhr.onerror = () => reject(unreachable());
    xhr.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    if (wish.signal.aborted) return reject(new DOMException("cancelled", "AbortError"));
    wish.signal.addEventListener("abort", () => xhr.abort(), { once: true });
    xhr.send(wish.body);
  });
}

/** Whether trying again may help: the connection broke, or the manager is busy. */
export function isPassing(error: unknown): boolean {
  return error instanceof ApiError &&
    (error.status === 0 || error.status === 409 || error.status === 423 || error.status === 429 ||
      error.status >= 502);
}
