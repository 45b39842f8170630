/** Metrics of data files, each map there or not. */
import fc from 'fast-check'

function optionalMap<T>(values: fc.Arbitrary<T>): fc.Arbitrary<ReadonlyMap<number, T> | undefined> {
  const entries = fc.array(fc.tuple(fc.integer({ min: -300, max: 2 ** 31 - 1 }), values), { maxLength: 9 })
  return fc.option(
    entries.map((all) => new Map(all)),
    { nil: undefined },
  )
}

const counts = optionalMap(fc.maxSafeNat())
const bounds = optionalMap(fc.uint8Array({ maxLength: 90 }))

/** For a record of a data file's members. */
export const METRICS = {
  columnSizes: counts,
  valueCounts: counts,
  nullValueCounts: counts,
  nanValueCounts: counts,
  lowerBounds: bounds,
  upperBounds: bounds,
}
