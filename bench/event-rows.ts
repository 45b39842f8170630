/** The rows that benchmarks write: web events, about 127 bytes each in Arrow, the same for a seed wherever they run. */
import { Random } from '../test/simulation/random.ts'

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

const KINDS: readonly [string, ...string[]] = ['view', 'click', 'scroll', 'search', 'cart', 'order', 'login', 'logout']
const START_MS = Date.UTC(2026, 0, 1)

/** Rows `first` to `first + count − 1` of an endless table. */
export function eventRows(first: number, count: number): EventRow[] {
  const random = new Random(first + 1)
  return Array.from({ length: count }, (_, i) => ({
    id: BigInt(first + i),
    ts: new Date(START_MS + (first + i) * 250 + random.int(250)).toISOString(),
    user: `user-${random.int(100_000)}`,
    kind: random.pick(KINDS),
    url: `https://shop.example.org/category/${random.int(50)}/item/${random.int(1e9)}?ref=${random.int(1e6)}`,
    value: random.int(1e6) / 100,
    flag: random.chance(0.5),
  }))
}
