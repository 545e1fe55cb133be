/**
 * The first index up to `length` for which a condition does not hold any more,
 * found by halving: the condition holds for all before it, and for none after.
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
