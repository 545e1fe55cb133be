/** The path of a URL as it is written, without its query; `/` where there is none. */
export function pathOf(url: string): string {
  return /^[a-z]+:\/\/[^/?#]*([^?#]+)/.exec(url)?.[1] ?? "/";
}
