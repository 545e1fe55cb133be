/** An address in one form; an IPv4-mapped one of IPv6 as IPv4. */
export function plainAddress(text: string): string {
  if (!text.includes(":")) return text;
  const [head, tail] = text.replace(/^\[|\]$|%.*$/g, "").replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a, b, c, d) => `${(a * 256 + +b).toString(16)}:${(c * 256 + +d).toString(16)}`,
  ).split("::");
  const numbers = (part: string | undefined) =>
    part ? part.split(":").map((group) => parseInt(group, 16)) : [];
  const [front, back] = [numbers(head), numbers(tail)];
  const gap = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  return textOf([...front, ...Array(gap).fill(0), ...back]);
}

/** Formats an IPv6 address of eight groups of 16 bits. */
export function textOf(groups: number[]): string {
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (!mapped) return groups.map((group) => group.toString(16)).join(":");
  return [groups[6] >> 8, groups[6] & 255, groups[7] >> 8, groups[7] & 255].join(".");
}

/** The network of a client: its IPv4 address, or the first 64 bits of its IPv6 address. */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  return plain.includes(":") ? `${plain.split(":").slice(0, 4).join(":")}::/64` : plain;
}
