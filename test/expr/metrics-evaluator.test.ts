import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expr/bind.ts'
import { manifestMightMatch } from '../../src/expr/manifest-evaluator.ts'
import { fileMightMatch, fileMustMatch, statsMightMatch, statsMustMatch } from '../../src/expr/metrics-evaluator.ts'
import type { ColumnStats } from '../../src/expr/metrics-evaluator.ts'
import { parseFilter } from '../../src/expr/parse-filter.ts'
import { projectPartition } from '../../src/expr/project.ts'
import type { DataFile, FieldSummary } from '../../src/spec/data-file.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import { encodeSingleValue } from '../../src/spec/single-value.ts'
import type { Schema } from '../../src/spec/types.ts'

const schema: Schema = {
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    { id: 1, name: 'id', type: { kind: 'long' }, required: false },
    { id: 2, name: 's', type: { kind: 'string' }, required: false },
    { id: 3, name: 'd', type: { kind: 'double' }, required: false },
    { id: 4, name: 'u', type: { kind: 'uuid' }, required: false },
  ],
}

const INT_30_TO_79: ColumnStats = { valueCount: 50, nullCount: 0, lower: 30n, upper: 79n }
const SOME_NULLS: ColumnStats = { ...INT_30_TO_79, nullCount: 10 }
const ALL_NULLS: ColumnStats = { valueCount: 50, nullCount: 50 }
const ALL_FIVE: ColumnStats = { valueCount: 50, nullCount: 0, lower: 5n, upper: 5n }
const NANS: ColumnStats = { valueCount: 50, nullCount: 0, nanCount: 50 }
const SOME_NANS: ColumnStats = { valueCount: 50, nullCount: 0, nanCount: 1, lower: 1, upper: 1 }
const UNKNOWN_NANS: ColumnStats = { valueCount: 50, nullCount: 0, lower: 1, upper: 1 }
const NO_NANS: ColumnStats = { ...SOME_NANS, nanCount: 0 }
const TEXT: ColumnStats = { valueCount: 50, nullCount: 0, lower: 'abc', upper: 'abe' }

/** No row, some rows or all: what is known of the file. */
const KNOWN: readonly [string, ColumnStats, 'none' | 'some' | 'all'][] = [
  ['id < 30', INT_30_TO_79, 'none'],
  ['id < 31', INT_30_TO_79, 'some'],
  ['id < 79', INT_30_TO_79, 'some'],
  ['id < 80', INT_30_TO_79, 'all'],
  ['id <= 29', INT_30_TO_79, 'none'],
  ['id <= 30', INT_30_TO_79, 'some'],
  ['id <= 79', INT_30_TO_79, 'all'],
  ['id > 79', INT_30_TO_79, 'none'],
  ['id > 78', INT_30_TO_79, 'some'],
  ['id > 29', INT_30_TO_79, 'all'],
  ['id >= 80', INT_30_TO_79, 'none'],
  ['id >= 30', INT_30_TO_79, 'all'],
  ['id = 29', INT_30_TO_79, 'none'],
  ['id = 30', INT_30_TO_79, 'some'],
  ['id = 80', INT_30_TO_79, 'none'],
  ['id <> 29', INT_30_TO_79, 'all'],
  ['id <> 30', INT_30_TO_79, 'some'],
  ['id in (1, 2, 90)', INT_30_TO_79, 'none'],
  ['id in (1, 40)', INT_30_TO_79, 'some'],
  ['id not in (1, 2, 90)', INT_30_TO_79, 'all'],
  ['id not in (1, 40)', INT_30_TO_79, 'some'],
  ['id is null', INT_30_TO_79, 'none'],
  ['id is not null', INT_30_TO_79, 'all'],
  ['id < 80', SOME_NULLS, 'some'],
  ['id <> 29', SOME_NULLS, 'some'],
  ['id is null', SOME_NULLS, 'some'],
  ['id = 1', ALL_NULLS, 'none'],
  ['id <> 1', ALL_NULLS, 'none'],
  ['id not in (1, 2)', ALL_NULLS, 'none'],
  ['id is null', ALL_NULLS, 'all'],
  ['id is not null', ALL_NULLS, 'none'],
  ['id = 5', ALL_FIVE, 'all'],
  ['id <> 5', ALL_FIVE, 'none'],
  ['id in (4, 5)', ALL_FIVE, 'all'],
  ['id not in (4, 5)', ALL_FIVE, 'none'],
  ['id < 5 or id >= 5', ALL_FIVE, 'all'],
  ['id < 30 or id > 79', INT_30_TO_79, 'none'],
  ['id >= 30 and id < 50', INT_30_TO_79, 'some'],
  ['id = 1', {}, 'some'],
  ['id is null', {}, 'some'],
  ['id = 40', { lower: 30n, upper: 79n }, 'some'],
  ['id <> 1', { lower: 30n, upper: 79n }, 'some'],
  ['id < 80', { upper: 79n }, 'some'],
  // Bounds that contradict each other say nothing.
  ['id = 100', { ...INT_30_TO_79, lower: 79n, upper: 30n }, 'some'],
  ["s like 'a%'", TEXT, 'all'],
  ["s like 'ab%'", TEXT, 'all'],
  ["s like 'abc%'", TEXT, 'some'],
  ["s like 'abcd%'", TEXT, 'some'],
  ["s like 'abb%'", TEXT, 'none'],
  ["s like 'abf%'", TEXT, 'none'],
  ["s like 'b%'", TEXT, 'none'],
  ["s like 'Z%'", TEXT, 'none'],
  ["s not like 'ab%'", TEXT, 'none'],
  ["s not like 'abc%'", TEXT, 'some'],
  ["s not like 'b%'", TEXT, 'all'],
  ["s not like 'b%'", { ...TEXT, nullCount: 1 }, 'some'],
  ['d is nan', NANS, 'all'],
  ['d is not nan', NANS, 'none'],
  ['d < 5', NANS, 'none'],
  ['d <> 5', NANS, 'all'],
  ['d not in (5, 6)', NANS, 'all'],
  ['d is nan', SOME_NANS, 'some'],
  ['d = 1', SOME_NANS, 'some'],
  ['d <> 1', SOME_NANS, 'some'],
  ['d <> 2', SOME_NANS, 'all'],
  ['d < 2', SOME_NANS, 'some'],
  ['d is nan', UNKNOWN_NANS, 'some'],
  ['d < 2', UNKNOWN_NANS, 'some'],
  ['d <> 1', UNKNOWN_NANS, 'some'],
  ['d > 1', UNKNOWN_NANS, 'none'],
  ['d is nan', NO_NANS, 'none'],
  ['d <> 1', NO_NANS, 'none'],
  ['d = 1', NO_NANS, 'all'],
  ['d < 2', { ...NO_NANS, lower: Number.NaN, upper: Number.NaN }, 'some'],
  ['d < 0', { ...NO_NANS, lower: -0, upper: 0 }, 'none'],
  ['d = 0', { ...NO_NANS, lower: -0, upper: 0 }, 'all'],
  ['d < 5', { valueCount: 50, nullCount: 20, nanCount: 30 }, 'none'],
]

describe('statsMightMatch and statsMustMatch', () => {
  it.each(KNOWN)('%s of %o: %s', (filter, stats, expected) => {
    const e = bind(schema, parseFilter(filter))
    const [might, must] = [statsMightMatch(e, () => stats), statsMustMatch(e, () => stats)]
    expect(might ? (must ? 'all' : 'some') : 'none').toBe(expected)
  })

  it('might match, and must not, where a column has no statistics', () => {
    const e = bind(schema, parseFilter('id = 1'))
    expect(statsMightMatch(e, () => undefined)).toBe(true)
    expect(statsMustMatch(e, () => undefined)).toBe(false)
  })
})

const file: DataFile = {
  content: 'data',
  filePath: 'memory://t/a.parquet',
  fileFormat: 'parquet',
  specId: 0,
  partition: [],
  recordCount: 50,
  fileSizeInBytes: 100,
}
const long = (value: bigint): Uint8Array => encodeSingleValue({ kind: 'long' }, value)
const bytes = (value: number): Uint8Array => encodeSingleValue({ kind: 'int' }, value)

const might = (filter: string, f: DataFile): boolean => fileMightMatch(bind(schema, parseFilter(filter)), f, schema)
const must = (filter: string, f: DataFile): boolean => fileMustMatch(bind(schema, parseFilter(filter)), f, schema)

describe('fileMightMatch and fileMustMatch', () => {
  const full: DataFile = {
    ...file,
    valueCounts: new Map([[1, 50]]),
    nullValueCounts: new Map([[1, 0]]),
    lowerBounds: new Map([[1, bytes(30)]]),
    upperBounds: new Map([[1, bytes(79)]]),
  }

  it('read bounds of the width that the column had before it was promoted', () => {
    expect(might('id = 29', full)).toBe(false)
    expect(might('id = 30', full)).toBe(true)
    expect(must('id < 80', full)).toBe(true)
  })

  it('know that an empty file has no rows', () => {
    const empty = { ...file, recordCount: 0 }
    expect(might('id = 1', empty)).toBe(false)
    expect(must('id = 1', empty)).toBe(true)
  })

  it('know nothing of a file without metrics', () => {
    expect(might('id = 1 and s is null', file)).toBe(true)
    expect(must('id = 1 or s is null', file)).toBe(false)
  })

  it('pass over bounds that are no value of the column', () => {
    const odd = { ...full, lowerBounds: new Map([[1, Uint8Array.of(1, 2, 3)]]) }
    expect(might('id = 29', odd)).toBe(true)
    expect(might('id = 80', odd)).toBe(false)
  })

  it('do not trust counts that leave rows out, as null structs may', () => {
    const partial = { ...full, valueCounts: new Map([[1, 49]]) }
    expect(might('id is null', partial)).toBe(true)
    expect(must('id < 80', partial)).toBe(false)
    expect(must('id is not null', partial)).toBe(false)
  })

  it('take a negative record count, of imported files, as unknown', () => {
    expect(might('id is null', { ...full, recordCount: -1 })).toBe(true)
  })
})

describe('manifestMightMatch', () => {
  const spec: PartitionSpec = {
    specId: 0,
    fields: ['id', 's', 'd', 'u'].map((name, i) => ({
      fieldId: 1000 + i,
      sourceIds: [i + 1],
      transform: { kind: 'identity' },
      name,
    })),
  }
  const ids: FieldSummary = { containsNull: true, lowerBound: long(30n), upperBound: long(79n) }
  const none: FieldSummary = { containsNull: true }
  const mightList = (filter: string, summaries?: readonly FieldSummary[]): boolean =>
    manifestMightMatch(projectPartition(bind(schema, parseFilter(filter)), spec, schema), spec, summaries)

  it.each([
    ['id = 29', false],
    ['id = 30', true],
    ['id in (1, 2, 80)', false],
    ['id in (1, 79)', true],
    ['id is null', true],
    ['id is not null', true],
    ["s = 'x'", false],
    ['s is not null', false],
    ['s is null', true],
  ])('%s: %s', (filter, expected) => {
    expect(mightList(filter, [ids, none])).toBe(expected)
  })

  it('might match without summaries, or with too few', () => {
    expect(mightList('id = 29')).toBe(true)
    expect(mightList('d = 29', [ids, none])).toBe(true)
  })

  it.each<[string, boolean, boolean | undefined, boolean]>([
    // No bounds: all values are null or NaN.
    ['d is not null', true, true, true],
    ['d is not null', true, undefined, true],
    ['d is not null', true, false, false],
    ['d <> 5', true, true, true],
    ['d is nan', true, undefined, true],
    ['d is nan', true, false, false],
    ['d is null', false, true, false],
    ['d < 5', false, true, false],
    ['d <> 5', false, true, true],
    ['d is not nan', false, true, false],
    ['d is not nan', true, true, true],
  ])('%s where null %s and NaN %s: %s', (filter, containsNull, containsNan, expected) => {
    expect(mightList(filter, [ids, none, { containsNull, containsNan }])).toBe(expected)
  })

  it('passes over bounds in the signed order of old writers', () => {
    const lowerBound = encodeSingleValue({ kind: 'uuid' }, 'f79c3e09-677c-4bbd-a479-3f349cb785e7')
    const upperBound = encodeSingleValue({ kind: 'uuid' }, '079c3e09-677c-4bbd-a479-3f349cb785e7')
    const summaries = [ids, none, none, { containsNull: false, lowerBound, upperBound }]
    expect(mightList("u = 'f89c3e09-677c-4bbd-a479-3f349cb785e7'", summaries)).toBe(true)
    expect(mightList('u is null', summaries)).toBe(false)
  })
})
