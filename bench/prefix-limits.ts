/**
 * S1, its layout half: how many requests a second the data files of a table bear before S3 throttles, by a model of its limits.
 *
 * S3 bears 3,500 PUTs and 5,500 GETs a second for each *partitioned prefix*, a range of keys, and splits ranges that stay
 * busy ("Best practices design patterns: optimizing Amazon S3 performance"). The model grants a table a number of ranges,
 * split where the keys of the days before were, and asks what share of a new day's requests meets the busiest of them. Keys
 * are those of the layouts that firn writes; metadata is left out, since commits follow one another anyway.
 */
import { dataFileName, locationProvider } from '../src/write/location-provider.ts'
import { OBJECT_STORAGE_ENABLED } from '../src/spec/properties.ts'
import { currentSchema, defaultSpec } from '../src/spec/table-metadata-access.ts'
import { Random } from '../test/simulation/random.ts'
import { emptyTable } from './planning-table.ts'

export interface PrefixLimitsResult {
  readonly layout: string
  /** Ranges that S3 has made of the table's keys. */
  readonly ranges: number
  /** Of a day's requests, those that meet the busiest range. */
  readonly busiestShare: number
  readonly putsPerSecond: number
  readonly getsPerSecond: number
}

const PUTS_PER_SECOND = 3500
const GETS_PER_SECOND = 5500
const FIRST_DAY = 20_454 // 2026-01-01
const DAYS = 7
const FILES_A_DAY = 20_000

export function runPrefixLimits(ranges: number): PrefixLimitsResult[] {
  return [
    { layout: 'by day', hashed: false },
    { layout: 'by day, hashed', hashed: true },
  ].map(({ layout, hashed }) => {
    const days = Array.from({ length: DAYS + 1 }, (_, day) => keysOfDay(FIRST_DAY + day, hashed))
    const today = days.pop() ?? []
    const boundaries = splitBusiest(days.flat(), ranges)
    const busiestShare = Math.max(...countByRange(today, boundaries)) / today.length
    return {
      layout,
      ranges,
      busiestShare,
      putsPerSecond: PUTS_PER_SECOND / busiestShare,
      getsPerSecond: GETS_PER_SECOND / busiestShare,
    }
  })
}

/** Of a table partitioned by day: the files that a day's writers make. */
function keysOfDay(day: number, hashed: boolean): string[] {
  const table = emptyTable('s3://lake/events', hashed ? { [OBJECT_STORAGE_ENABLED]: 'true' } : {})
  const locationOf = locationProvider(table, currentSchema(table), defaultSpec(table))
  const random = new Random(day)
  return Array.from({ length: FILES_A_DAY }, () => locationOf([day], dataFileName(random.uuid(), 1)))
}

/** First keys of all ranges but the first, ascending: the range with most requests is split in the middle, again and again. */
function splitBusiest(keys: readonly string[], ranges: number): string[] {
  const parts = [keys.toSorted()]
  while (parts.length < ranges) {
    parts.sort((a, b) => a.length - b.length)
    const busiest = parts.pop() ?? []
    const middle = busiest.length >> 1
    parts.push(busiest.slice(0, middle), busiest.slice(middle))
  }
  return parts
    .map(([first = '']) => first)
    .toSorted()
    .slice(1)
}

function countByRange(keys: readonly string[], boundaries: readonly string[]): number[] {
  const counts = Array.from({ length: boundaries.length + 1 }, () => 0)
  for (const key of keys) {
    const after = boundaries.findIndex((boundary) => key < boundary)
    const range = after < 0 ? boundaries.length : after
    counts[range] = (counts[range] ?? 0) + 1
  }
  return counts
}
