import { reportAnswer } from "../api/connection.ts";
import { problemFrom, unreachable } from "../api/problem.ts";
import { reportProblem } from "../api/request.ts";

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
  /** The response body. */
  text: string;
}

/**
 * Sends a request by XMLHttpRequest, because `fetch` does not report upload
 * progress.
 */
export function send(options: XhrRequest): Promise<XhrAnswer> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open(options.method, options.url);
    for (const [name, value] of Object.entries(options.headers)) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = (event) => options.onProgress?.(event.loaded);
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) {
        reportAnswer();
        const header = (name: string) => xhr.getResponseHeader(name);
        resolve({ status: xhr.status, header, text: xhr.responseText });
      } else {
        const retryAfter = xhr.getResponseHeader("retry-after");
        reject(reportProblem(problemFrom(options.url, xhr.status, xhr.responseText, retryAfter)));
      }
    };
    xhr.onerror = () => reject(unreachable());
    xhr.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    if (options.signal.aborted) return reject(new DOMException("cancelled", "AbortError"));
    options.signal.addEventListener("abort", () => xhr.abort(), { once: true });
    xhr.send(options.body);
  });
}
