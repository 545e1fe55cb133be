/**
 * Returns the nonce that the content security policy requires of style sheets.
 */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.content ?? "";
}
