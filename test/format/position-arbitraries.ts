/** Positions that fill containers of each form: scattered ones, long runs, and runs with holes. */
import fc from 'fast-check'

const start = fc.oneof(
  fc.nat(200_000),
  fc.nat(2 ** 31 - 1).map((n) => n * 4),
  fc.maxSafeInteger().map((n) => Math.min(Math.abs(n), 2 ** 53 - 400_000)),
)
const stretch = fc
  .record({ start, length: fc.oneof(fc.nat(20), fc.nat(20_000)), step: fc.constantFrom(1, 1, 2, 3, 13) })
  .map(({ start: first, length, step }) => Array.from({ length }, (_, i) => first + i * step))

/** Neither sorted nor free of repeats. */
export const positions: fc.Arbitrary<readonly number[]> = fc
  .array(stretch, { maxLength: 5 })
  .map((stretches) => stretches.flat())
