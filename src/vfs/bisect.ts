/**
 * Returns the first index up to `length` at which a condition is false, by binary search. The
 * condition must hold for all indexes before it and for none after.
 */
export function bisect(length: number, isBefore: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
