/** The one promise of all pruning, on random tables, filters and specs: no row that matches is ever left out. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expr/bind.ts'
import type { BoundExpression } from '../../src/expr/bound-expression.ts'
import { orderOf } from '../../src/expr/bound-expression.ts'
import { evaluate } from '../../src/expr/evaluate.ts'
import type { Expression } from '../../src/expr/expression.ts'
import { manifestMightMatch } from '../../src/expr/manifest-evaluator.ts'
import { fileMightMatch, fileMustMatch, statsMightMatch, statsMustMatch } from '../../src/expr/metrics-evaluator.ts'
import type { ColumnStats } from '../../src/expr/metrics-evaluator.ts'
import { projectPartition, residualOf, strictProject } from '../../src/expr/project.ts'
import type { DataFile, FieldSummary, PartitionData } from '../../src/spec/data-file.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import { encodeSingleValue } from '../../src/spec/single-value.ts'
import { applyTransform, transformResultType, truncateText } from '../../src/spec/transform.ts'
import type { PrimitiveType } from '../../src/spec/types.ts'
import { compareValues, fromRowValue } from '../../src/spec/value.ts'
import type { Value } from '../../src/spec/value.ts'
import { filterOn, specOn, table } from './filter-arbitraries.ts'
import type { TestColumn, TestRow, TestTable } from './filter-arbitraries.ts'

const RUNS = { numRuns: 1500 }

const filtered = table.chain((t) =>
  fc.record({ table: fc.constant(t), filter: filterOn(t), drop: fc.nat({ max: 63 }) }),
)
const partitioned = table.chain((t) =>
  fc.record({ table: fc.constant(t), filter: filterOn(t), spec: specOn(t), legacy: fc.boolean(), nans: fc.boolean() }),
)

const matches = (e: BoundExpression, row: TestRow): boolean => evaluate(e, (id) => row.get(id) ?? null)

describe('evaluate', () => {
  it('agrees with a direct reading of the filter in three-valued logic', () => {
    fc.assert(
      fc.property(filtered, ({ table: { schema, columns, rows }, filter }) => {
        const bound = bind(schema, filter)
        for (const row of rows) expect(matches(bound, row)).toBe(truth(filter, columns, row) === true)
      }),
      RUNS,
    )
  })
})

describe('partition pruning', () => {
  it('never excludes a matching row, and residuals agree with the filter', () => {
    fc.assert(
      fc.property(partitioned, ({ table: { schema, rows, columns }, filter, spec, legacy }) => {
        const bound = bind(schema, filter)
        const might = projectPartition(bound, spec, schema)
        const must = strictProject(bound, spec, schema)
        for (const row of rows) {
          const partition = partitionOf(row, { spec, columns, legacy })
          const get = (id: number): Value | null => partition[id - 1000] ?? null
          const matching = matches(bound, row)
          if (matching) expect(evaluate(might, get), 'inclusive').toBe(true)
          if (evaluate(must, get)) expect(matching, 'strict').toBe(true)
          expect(matches(residualOf(bound, spec, schema)(partition), row), 'residual').toBe(matching)
        }
      }),
      RUNS,
    )
  })

  it('never excludes a manifest with a matching row', () => {
    fc.assert(
      fc.property(partitioned, ({ table: { schema, rows, columns }, filter, spec, legacy, nans }) => {
        const bound = bind(schema, filter)
        const might = projectPartition(bound, spec, schema)
        const partitions = rows.map((row) => partitionOf(row, { spec, columns, legacy }))
        const summaries = spec.fields.map((field, i) => {
          const type = transformResultType(
            field.transform,
            columns.find((c) => c.id === field.sourceIds[0])?.type ?? { kind: 'string' },
          )
          return summarize(
            type,
            partitions.map((p) => p[i] ?? null),
            nans,
          )
        })
        if (rows.some((row) => matches(bound, row))) expect(manifestMightMatch(might, spec, summaries)).toBe(true)
      }),
      RUNS,
    )
  })
})

describe('metrics pruning', () => {
  it('never excludes a file with a matching row, and never takes a file whole with a row that does not match', () => {
    fc.assert(
      fc.property(filtered, ({ table: t, filter, drop }) => {
        const bound = bind(t.schema, filter)
        const file = fileOf(t, drop)
        const found = t.rows.map((row) => matches(bound, row))
        if (found.includes(true)) expect(fileMightMatch(bound, file, t.schema)).toBe(true)
        if (fileMustMatch(bound, file, t.schema)) expect(found).not.toContain(false)
      }),
      RUNS,
    )
  })

  it('holds for exact statistics, as those of row groups', () => {
    fc.assert(
      fc.property(filtered, ({ table: t, filter }) => {
        const bound = bind(t.schema, filter)
        const stats = new Map(t.columns.map((c) => [c.id, statsOf(c, t.rows)]))
        const found = t.rows.map((row) => matches(bound, row))
        if (found.includes(true)) expect(statsMightMatch(bound, (id) => stats.get(id))).toBe(true)
        if (statsMustMatch(bound, (id) => stats.get(id))) expect(found).not.toContain(false)
      }),
      RUNS,
    )
  })

  it('decides filters on a single row exactly where its statistics are complete', () => {
    fc.assert(
      fc.property(filtered, ({ table: t, filter }) => {
        const bound = bind(t.schema, filter)
        const [row] = t.rows
        if (row === undefined) return
        const stats = new Map(t.columns.map((c) => [c.id, statsOf(c, [row])]))
        expect(statsMightMatch(bound, (id) => stats.get(id))).toBe(matches(bound, row))
      }),
      RUNS,
    )
  })
})

/** True, false or, as of comparisons with null, neither. NaN is unequal to everything and has no order. */
function truth(e: Expression, columns: readonly TestColumn[], row: TestRow): boolean | null {
  switch (e.type) {
    case 'true':
    case 'false':
      return e.type === 'true'
    case 'not': {
      const child = truth(e.child, columns, row)
      return child === null ? null : !child
    }
    case 'and':
    case 'or': {
      const [left, right] = [truth(e.left, columns, row), truth(e.right, columns, row)]
      const stop = e.type === 'or'
      if (left === stop || right === stop) return stop
      return left === null || right === null ? null : !stop
    }
    default:
  }
  const column = columns.find(({ name }) => name === e.term)
  if (column === undefined) throw new Error(`no column ${e.term}`)
  const value = row.get(column.id) ?? null
  if (e.type === 'is-null' || e.type === 'not-null') return (value === null) === (e.type === 'is-null')
  if (e.type === 'is-nan' || e.type === 'not-nan') return Number.isNaN(value) === (e.type === 'is-nan')
  if (value === null) return null
  const compare = (input: unknown): number => {
    const literal = fromRowValue(column.type, input)
    return value === literal ? 0 : compareValues(column.type, value, literal)
  }
  const nan = Number.isNaN(value)
  switch (e.type) {
    case 'in':
      return e.values.some((v) => compare(v) === 0)
    case 'not-in':
      return !e.values.some((v) => compare(v) === 0)
    case 'eq':
      return compare(e.value) === 0
    case 'not-eq':
      return compare(e.value) !== 0
    case 'lt':
      return nan ? null : compare(e.value) < 0
    case 'lt-eq':
      return nan ? null : compare(e.value) <= 0
    case 'gt':
      return nan ? null : compare(e.value) > 0
    case 'gt-eq':
      return nan ? null : compare(e.value) >= 0
    case 'starts-with':
      return String(value).startsWith(String(e.value))
    case 'not-starts-with':
      return !String(value).startsWith(String(e.value))
  }
}

interface Partitioning {
  readonly spec: PartitionSpec
  readonly columns: readonly TestColumn[]
  /** Whether the writer was one of those that rounded times before 1970 towards it. */
  readonly legacy: boolean
}

function partitionOf(row: TestRow, { spec, columns, legacy }: Partitioning): PartitionData {
  return spec.fields.map(({ sourceIds: [sourceId = 0], transform }) => {
    const type = columns.find(({ id }) => id === sourceId)?.type ?? { kind: 'unknown' }
    if (transform.kind === 'unknown') return 'whatever'
    const result = applyTransform(transform, type, row.get(sourceId) ?? null)
    const periods = ['year', 'month', 'day', 'hour'].includes(transform.kind)
    const roundsUp = legacy && periods && !(transform.kind === 'day' && type.kind === 'date')
    return roundsUp && typeof result === 'number' && result < 0 ? result + 1 : result
  })
}

function range(type: PrimitiveType, values: readonly (Value | null)[]): { lower?: Value; upper?: Value } {
  const sorted = values
    .filter((v) => v !== null && !Number.isNaN(v))
    .toSorted((a, b) => compareValues(type, a as Value, b as Value))
  const [lower, upper] = [sorted[0], sorted.at(-1)]
  return lower === undefined || lower === null || upper === undefined || upper === null ? {} : { lower, upper }
}

function summarize(type: PrimitiveType, values: readonly (Value | null)[], nans: boolean): FieldSummary {
  const { lower, upper } = range(type, values)
  return {
    containsNull: values.includes(null),
    containsNan: nans ? values.some((v) => Number.isNaN(v)) : undefined,
    lowerBound: lower === undefined ? undefined : encodeSingleValue(type, lower),
    upperBound: upper === undefined ? undefined : encodeSingleValue(type, upper),
  }
}

function statsOf({ id, type }: TestColumn, rows: readonly TestRow[]): ColumnStats {
  const values = rows.map((row) => row.get(id) ?? null)
  return {
    valueCount: values.length,
    nullCount: values.filter((v) => v === null).length,
    nanCount:
      type.kind === 'float' || type.kind === 'double' ? values.filter((v) => Number.isNaN(v)).length : undefined,
    ...range(type, values),
  }
}

/** Metrics as writers keep them: bounds cut to 16 characters or bytes, and any part of them may be missing. */
function fileOf({ columns, rows }: TestTable, drop: number): DataFile {
  const stats = columns.map((c) => ({ ...c, ...statsOf(c, rows) }))
  const keep = <T>(
    bit: number,
    get: (s: (typeof stats)[number]) => T | undefined,
  ): ReadonlyMap<number, T> | undefined => {
    if ((drop & bit) !== 0) return undefined
    return new Map(
      stats.flatMap((s) => {
        const v = get(s)
        return v === undefined ? [] : [[s.id, v] as const]
      }),
    )
  }
  const cut = (drop & 1) === 0
  return {
    content: 'data',
    filePath: 'memory://t/a.parquet',
    fileFormat: 'parquet',
    specId: 0,
    partition: [],
    recordCount: rows.length,
    fileSizeInBytes: 1,
    valueCounts: keep(2, (s) => s.valueCount),
    nullValueCounts: keep(4, (s) => s.nullCount),
    nanValueCounts: keep(8, (s) => s.nanCount),
    lowerBounds: keep(16, (s) => bound(s.type, cut ? cutLower(s.lower) : s.lower)),
    upperBounds: keep(32, (s) => bound(s.type, cut ? cutUpper(s.upper) : s.upper)),
  }
}

const bound = (type: PrimitiveType, value: Value | undefined): Uint8Array | undefined =>
  value === undefined ? undefined : encodeSingleValue(type, value)

function cutLower(value: Value | undefined): Value | undefined {
  if (typeof value === 'string') return truncateText(value, 16)
  return value instanceof Uint8Array ? value.slice(0, 16) : value
}

function cutUpper(value: Value | undefined): Value | undefined {
  if (value instanceof Uint8Array && value.length > 16) {
    const last = value.slice(0, 16).findLastIndex((byte) => byte < 255)
    return last < 0 ? undefined : value.slice(0, last + 1).map((byte, i) => (i === last ? byte + 1 : byte))
  }
  if (typeof value !== 'string') return value
  const points = Array.from(value, (c) => c.codePointAt(0) ?? 0)
  if (points.length <= 16) return value
  const head = points.slice(0, 16)
  const last = head.findLastIndex((point) => point < 0x10ffff)
  if (last < 0) return undefined
  const next = (head[last] ?? 0) + 1
  return String.fromCodePoint(...head.slice(0, last), next === 0xd800 ? 0xe000 : next)
}

it('orders -0 as 0 in filters only', () => {
  expect(orderOf({ kind: 'double' })(-0, 0)).toBe(0)
  expect(compareValues({ kind: 'double' }, -0, 0)).toBeLessThan(0)
})
