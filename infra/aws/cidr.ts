/** A block of IPv4 addresses: its first one as a number, and how many bits are fixed. */
export interface Cidr {
  readonly base: number;
  readonly bits: number;
}

const pattern = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;

/** Undefined when it is none, or when bits are set behind the fixed ones (AWS refuses such blocks). */
export function parseCidr(text: string): Cidr | undefined {
  const [, ...parts] = pattern.exec(text) ?? [];
  const [first = NaN, second = NaN, third = NaN, fourth = NaN, bits = NaN] = parts.map(Number);
  if ([first, second, third, fourth].some((part) => !(part <= 255)) || !(bits <= 32)) return undefined;
  const base = ((first * 256 + second) * 256 + third) * 256 + fourth;
  return base % sizeOf(bits) === 0 ? { base, bits } : undefined;
}

export function renderCidr({ base, bits }: Cidr): string {
  const parts = [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256);
  return `${parts.join('.')}/${bits}`;
}

/** Blocks either contain each other or have no address in common. */
export function overlap(left: Cidr, right: Cidr): boolean {
  return contains(left, right) || contains(right, left);
}

export function contains(outer: Cidr, inner: Cidr): boolean {
  return outer.bits <= inner.bits && inner.base - (inner.base % sizeOf(outer.bits)) === outer.base;
}

const privateRanges: readonly Cidr[] = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].flatMap((text) => {
  const range = parseCidr(text);
  return range === undefined ? [] : [range];
});

/** RFC 1918. */
export function isPrivate(block: Cidr): boolean {
  return privateRanges.some((range) => contains(range, block));
}

/** The first `count` of the equal parts into which the block falls with `extraBits` more fixed bits. */
export function subBlocks({ base, bits }: Cidr, extraBits: number, count: number): readonly Cidr[] {
  const size = sizeOf(bits + extraBits);
  return Array.from({ length: count }, (_, index) => ({ base: base + index * size, bits: bits + extraBits }));
}

function sizeOf(bits: number): number {
  return 2 ** (32 - bits);
}
