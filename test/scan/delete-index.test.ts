/**
 * Which delete files apply to a data file (spec, "Scan Planning").
 *
 * | the specification's rule | covered by |
 * | --- | --- |
 * | vector: of the data file's path, data ≤ delete sequence number | "a vector applies by path" |
 * | at most one vector a data file | "refuses two vectors" |
 * | position deletes: data ≤ delete sequence number | "position deletes apply from their own snapshot on" |
 * | position deletes: same spec and partition | "position deletes stay in their partition" |
 * | position deletes: `referenced_data_file`, bounds of `file_path` | "position deletes name their files" |
 * | position deletes: ignored where a vector applies | "a vector replaces position deletes" |
 * | equality deletes: data < delete sequence number | "equality deletes apply to older files only" |
 * | equality deletes: same spec and partition, or an unpartitioned spec | "equality deletes are global when unpartitioned" |
 * | partitions are equal by value, NaN = NaN, -0 ≠ 0 | "floats in partitions" |
 * | metrics may rule out equality deletes | "equality deletes are pruned by metrics" |
 */
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { indexDeletes } from '../../src/scan/delete-index.ts'
import type { DeleteFile } from '../../src/scan/scan-task.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import { DELETE_FILE_PATH } from '../../src/spec/metadata-columns.ts'
import { buildPartitionSpec } from '../../src/spec/partition-spec.ts'
import { encodeSingleValue } from '../../src/spec/single-value.ts'
import type { Schema, Value } from '../../src/spec/types.ts'
import { TableFixture } from './table-fixture.ts'

const SCHEMA: Schema = {
  schemaId: 1,
  identifierFieldIds: [],
  fields: [
    { id: 1, name: 'id', required: false, type: { kind: 'long' } },
    { id: 2, name: 'x', required: false, type: { kind: 'double' } },
  ],
}
/** `id` was an int once, and `gone` a column. */
const OLD_SCHEMA: Schema = {
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    { id: 1, name: 'id', required: false, type: { kind: 'int' } },
    { id: 3, name: 'gone', required: false, type: { kind: 'string' } },
  ],
}
const table = new TableFixture(SCHEMA)
const metadata = {
  ...table.metadata,
  schemas: [OLD_SCHEMA, SCHEMA],
  partitionSpecs: [
    { specId: 0, fields: [] },
    { ...buildPartitionSpec(SCHEMA, ['x']), specId: 1 },
    { ...buildPartitionSpec(SCHEMA, ['bucket(4, id)']), specId: 2 },
    { ...buildPartitionSpec(SCHEMA, ['void(x)']), specId: 3 },
  ],
}

const file = (more: Partial<DataFile> = {}): DataFile => ({
  content: 'data',
  filePath: 'a',
  fileFormat: 'parquet',
  specId: 0,
  partition: [],
  recordCount: 10,
  fileSizeInBytes: 100,
  ...more,
})
const vector = (of: string, sequence: bigint, more: Partial<DataFile> = {}): DeleteFile => ({
  file: file({
    content: 'position-deletes',
    fileFormat: 'puffin',
    filePath: 'v',
    referencedDataFile: of,
    contentOffset: 4,
    contentSizeInBytes: 50,
    ...more,
  }),
  sequenceNumber: sequence,
})
const positions = (sequence: bigint, more: Partial<DataFile> = {}): DeleteFile => ({
  file: file({ content: 'position-deletes', filePath: 'p', ...more }),
  sequenceNumber: sequence,
})
const equality = (sequence: bigint, more: Partial<DataFile> = {}): DeleteFile => ({
  file: file({ content: 'equality-deletes', filePath: 'e', equalityIds: [1], ...more }),
  sequenceNumber: sequence,
})
const pathBounds = (lower: string, upper: string): Partial<DataFile> => ({
  lowerBounds: new Map([[DELETE_FILE_PATH.id, Buffer.from(lower)]]),
  upperBounds: new Map([[DELETE_FILE_PATH.id, Buffer.from(upper)]]),
})

/** Paths of the delete files for a data file, by sequence number of the data file. */
function paths(deletes: readonly DeleteFile[], data: DataFile, ...sequences: readonly bigint[]): string[] {
  const deletesOf = indexDeletes(deletes, { metadata, schema: SCHEMA })
  return sequences.map((sequence) =>
    deletesOf(data, sequence)
      .map((each) => each.file.filePath)
      .join(),
  )
}

describe('deletion vectors', () => {
  it('a vector applies by path', () => {
    expect(paths([vector('a', 5n)], file(), 4n, 5n, 6n)).toEqual(['v', 'v', ''])
    expect(paths([vector('b', 5n)], file(), 4n)).toEqual([''])
  })

  it('a vector replaces position deletes', () => {
    expect(paths([positions(5n), vector('a', 5n), equality(6n)], file(), 5n)).toEqual(['e,v'])
    expect(paths([positions(5n), vector('b', 5n)], file(), 5n)).toEqual(['p'])
  })

  it('refuses two vectors', () => {
    const two = [vector('a', 5n, { filePath: 'v1' }), vector('a', 6n, { filePath: 'v2' })]
    expect(() => paths(two, file(), 5n)).toThrow(InvalidDataError)
    expect(() => paths(two, file(), 5n)).toThrow('a has two deletion vectors: in v1 and v2')
  })

  it.each([
    [{ referencedDataFile: undefined }, 'does not say which data file'],
    [{ contentOffset: undefined }, 'does not say where it lies'],
    [{ contentSizeInBytes: 97 }, 'lies at 4 + 97 of a file of 100 bytes'],
    [{ contentOffset: -1 }, 'lies at -1'],
  ])('refuses vectors with %j', (more, message) => {
    expect(() => paths([vector('a', 5n, more)], file(), 5n)).toThrow(InvalidDataError)
    expect(() => paths([vector('a', 5n, more)], file(), 5n)).toThrow(message)
  })

  it('fetches near neighbours together', () => {
    const at = (of: string, contentOffset: number): DeleteFile =>
      vector(of, 5n, { contentOffset, fileSizeInBytes: 1e6 })
    const deletesOf = indexDeletes([at('b', 70), at('a', 4), at('c', 900_000)], { metadata, schema: SCHEMA })
    const range = (filePath: string): unknown => deletesOf(file({ filePath }), 1n)[0]?.range
    expect(range('a')).toEqual({ offset: 4, length: 116 })
    expect(range('b')).toEqual({ offset: 4, length: 116 })
    expect(range('c')).toEqual({ offset: 900_000, length: 50 })
  })
})

describe('position deletes', () => {
  it('position deletes apply from their own snapshot on', () => {
    expect(paths([positions(5n)], file(), 4n, 5n, 6n)).toEqual(['p', 'p', ''])
  })

  it('position deletes stay in their partition', () => {
    const deletes = [positions(5n, { specId: 1, partition: [1.5] })]
    expect(paths(deletes, file({ specId: 1, partition: [1.5] }), 4n)).toEqual(['p'])
    expect(paths(deletes, file({ specId: 1, partition: [2.5] }), 4n)).toEqual([''])
    expect(paths(deletes, file({ specId: 1, partition: [null] }), 4n)).toEqual([''])
    expect(paths(deletes, file({ specId: 2, partition: [1.5] }), 4n)).toEqual([''])
    expect(paths([positions(5n)], file({ specId: 1, partition: [1.5] }), 4n)).toEqual([''])
  })

  it('position deletes name their files', () => {
    expect(paths([positions(5n, { referencedDataFile: 'b' })], file(), 4n)).toEqual([''])
    expect(paths([positions(5n, { referencedDataFile: 'a' })], file(), 4n)).toEqual(['p'])
    expect(paths([positions(5n, pathBounds('a', 'a'))], file(), 4n)).toEqual(['p'])
    expect(paths([positions(5n, pathBounds('b', 'b'))], file(), 4n)).toEqual([''])
    expect(paths([positions(5n, pathBounds('a', 'c'))], file({ filePath: 'b' }), 4n)).toEqual(['p'])
    expect(paths([positions(5n, pathBounds('a', 'c'))], file({ filePath: 'd' }), 4n)).toEqual([''])
    expect(paths([positions(5n, pathBounds('b', 'c'))], file(), 4n)).toEqual([''])
  })
})

describe('equality deletes', () => {
  it('equality deletes apply to older files only', () => {
    expect(paths([equality(5n)], file(), 4n, 5n, 6n)).toEqual(['e', '', ''])
    const many = [7n, 3n, 5n, 5n].map((sequence, i) => equality(sequence, { filePath: `e${i}` }))
    expect(paths(many, file(), 2n, 3n, 4n, 5n, 7n)).toEqual(['e1,e2,e3,e0', 'e2,e3,e0', 'e2,e3,e0', 'e0', ''])
  })

  it('equality deletes are global when unpartitioned', () => {
    const partitioned = file({ specId: 1, partition: [1.5] })
    expect(paths([equality(5n)], partitioned, 4n)).toEqual(['e'])
    expect(paths([equality(5n, { specId: 3, partition: [null] })], partitioned, 4n)).toEqual(['e'])
    expect(paths([equality(5n, { specId: 1, partition: [1.5] })], partitioned, 4n)).toEqual(['e'])
    expect(paths([equality(5n, { specId: 1, partition: [2.5] })], partitioned, 4n)).toEqual([''])
    expect(paths([equality(5n, { specId: 1, partition: [1.5] })], file(), 4n)).toEqual([''])
    expect(paths([equality(5n, { specId: 2, partition: [1] })], file({ specId: 1, partition: [1] }), 4n)).toEqual([''])
  })

  it('floats in partitions', () => {
    const match = (a: Value, b: Value): string[] =>
      paths([equality(5n, { specId: 1, partition: [a] })], file({ specId: 1, partition: [b] }), 4n)
    expect(match(Number.NaN, Number.NaN)).toEqual(['e'])
    expect(match(-0, 0)).toEqual([''])
    expect(match(-0, -0)).toEqual(['e'])
  })
})

interface Metrics {
  readonly nulls?: number
  readonly range?: readonly [Value, Value]
  readonly kind?: 'int' | 'long' | 'string' | 'double'
}

function metrics(id: number, { nulls, range, kind = 'long' }: Metrics): Partial<DataFile> {
  const bounds = range?.map((value) => encodeSingleValue({ kind }, value)) ?? []
  return {
    ...(nulls !== undefined && { valueCounts: new Map([[id, 10]]), nullValueCounts: new Map([[id, nulls]]) }),
    ...(bounds[0] && { lowerBounds: new Map([[id, bounds[0]]]) }),
    ...(bounds[1] && { upperBounds: new Map([[id, bounds[1]]]) }),
  }
}

it.each<[string, number, Metrics, Metrics, boolean]>([
  ['without metrics', 1, {}, {}, true],
  ['ranges that meet', 1, { nulls: 0, range: [1n, 5n] }, { nulls: 0, range: [5n, 9n] }, true],
  ['ranges apart', 1, { nulls: 0, range: [1n, 5n] }, { nulls: 0, range: [6n, 9n] }, false],
  ['ranges apart the other way', 1, { nulls: 3, range: [6n, 9n] }, { nulls: 0, range: [1n, 5n] }, false],
  ['ranges apart, but nulls in both', 1, { nulls: 1, range: [1n, 5n] }, { nulls: 1, range: [6n, 9n] }, true],
  ['ranges apart, nulls perhaps', 1, { range: [1n, 5n] }, { nulls: 1, range: [6n, 9n] }, true],
  ['ranges that cross themselves', 1, { nulls: 0, range: [5n, 1n] }, { nulls: 0, range: [6n, 9n] }, true],
  ['bounds of before a promotion', 1, { nulls: 0, range: [1, 5], kind: 'int' }, { nulls: 0, range: [6n, 9n] }, false],
  ['nothing but nulls in the data', 1, { nulls: 10 }, { nulls: 0, range: [1n, 5n] }, false],
  ['nothing but nulls deleted', 1, { nulls: 0, range: [1n, 5n] }, { nulls: 10 }, false],
  ['nulls deleted and in the data', 1, { nulls: 10 }, { nulls: 10 }, true],
  [
    'a dropped column',
    3,
    { nulls: 0, range: ['a', 'b'], kind: 'string' },
    { nulls: 0, range: ['c', 'd'], kind: 'string' },
    false,
  ],
  [
    'NaN, which no bound tells of',
    2,
    { nulls: 0, range: [1, 2], kind: 'double' },
    { nulls: 0, range: [3, 4], kind: 'double' },
    true,
  ],
])('equality deletes are pruned by metrics: %s', (_, id, data, deleted, applies) => {
  const deletes = [equality(5n, { equalityIds: [id], ...metrics(id, deleted) })]
  expect(paths(deletes, file(metrics(id, data)), 4n)).toEqual([applies ? 'e' : ''])
})
