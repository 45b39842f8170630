/** The rows that benchmarks write: web events, about 127 bytes each in Arrow, the same for a seed wherever they run. */

export type EventRow = {
  readonly id: bigint
  readonly ts: string
  readonly user: string
  readonly kind: string
  readonly url: string
  readonly value: number
  readonly flag: boolean
}

export const EVENT_SCHEMA = {
  id: 'long not null',
  ts: 'timestamptz',
  user: 'string',
  kind: 'string',
  url: 'string',
  value: 'double',
  flag: 'boolean',
} as const

const KINDS = ['view', 'click', 'scroll', 'search', 'cart', 'order', 'login', 'logout']
const START_MS = Date.UTC(2026, 0, 1)

/** Rows `first` to `first + count − 1` of an endless table. */
export function eventRows(first: number, count: number): EventRow[] {
  const random = randomNumbers(first + 1)
  const below = (limit: number): number => Math.floor(random() * limit)
  return Array.from({ length: count }, (_, i) => ({
    id: BigInt(first + i),
    ts: new Date(START_MS + (first + i) * 250 + below(250)).toISOString(),
    user: `user-${below(100_000)}`,
    kind: KINDS[below(KINDS.length)] ?? '',
    url: `https://shop.example.org/category/${below(50)}/item/${below(1e9)}?ref=${below(1e6)}`,
    value: Math.round(random() * 1e6) / 100,
    flag: random() < 0.5,
  }))
}

/** Mulberry32: uniform in [0, 1). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
