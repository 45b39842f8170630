import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, ValidationError } from '../../src/base/errors.ts'
import { JsonCursor } from '../../src/base/json.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import {
  UNPARTITIONED,
  buildPartitionSpec,
  parsePartitionFields,
  parsePartitionSpec,
  partitionFieldTypes,
  partitionKey,
  partitionPath,
  partitionType,
  printPartitionSpec,
} from '../../src/spec/partition-spec.ts'
import { selectFields } from '../../src/spec/select-fields.ts'
import type { Value } from '../../src/spec/types.ts'
import { TYPED_VALUES } from './arbitraries.ts'

const SCHEMA = defineSchema({
  id: 'long',
  name: 'string',
  ts: 'timestamptz',
  date: 'date',
  origin: 'string',
  place: 'struct<city: string, "zip code": int>',
  tags: 'list<string>',
  price: 'double',
  'odd (name)': 'int',
})

describe('buildPartitionSpec', () => {
  it.each([
    ['month(date)', 'date_month', 4, { kind: 'month' }],
    ['months(ts)', 'ts_month', 3, { kind: 'month' }],
    ['YEAR( ts )', 'ts_year', 3, { kind: 'year' }],
    ['day(ts)', 'ts_day', 3, { kind: 'day' }],
    ['hour(ts)', 'ts_hour', 3, { kind: 'hour' }],
    ['bucket(16, id)', 'id_bucket', 1, { kind: 'bucket', buckets: 16 }],
    ['bucket(id,16)', 'id_bucket', 1, { kind: 'bucket', buckets: 16 }],
    ['truncate(4, name)', 'name_trunc', 2, { kind: 'truncate', width: 4 }],
    ['origin', 'origin', 5, { kind: 'identity' }],
    ['identity(origin)', 'origin', 5, { kind: 'identity' }],
    ['void(origin)', 'origin_null', 5, { kind: 'void' }],
    ['place.city', 'place.city', 10, { kind: 'identity' }],
    ['"place.zip code"', 'place.zip code', 11, { kind: 'identity' }],
    ['bucket(4, "odd (name)")', 'odd (name)_bucket', 9, { kind: 'bucket', buckets: 4 }],
    ['day(ts) as event_day', 'event_day', 3, { kind: 'day' }],
    ['day(ts) AS "event day"', 'event day', 3, { kind: 'day' }],
    ['origin as place_of_origin', 'place_of_origin', 5, { kind: 'identity' }],
  ])('%s', (term, name, sourceId, transform) => {
    expect(buildPartitionSpec(SCHEMA, [term])).toEqual({
      specId: 0,
      fields: [{ fieldId: 1000, sourceIds: [sourceId], transform, name }],
    })
  })

  it('numbers fields from 1000', () => {
    const spec = buildPartitionSpec(SCHEMA, ['day(ts)', 'bucket(4, id)', 'bucket(8, id) as wide', 'id'])
    expect(spec.fields.map(({ fieldId }) => fieldId)).toEqual([1000, 1001, 1002, 1003])
    expect(buildPartitionSpec(SCHEMA, [])).toEqual(UNPARTITIONED)
  })

  it('ignores case on demand', () => {
    expect(buildPartitionSpec(SCHEMA, ['ORIGIN'], { caseSensitive: false }).fields[0]?.name).toBe('origin')
  })

  it.each([
    [['missing'], 'no column "missing"'],
    [['ORIGIN'], 'no column "ORIGIN": did you mean "origin"'],
    [['weekly(ts)'], 'term "weekly(ts)" is not understood'],
    [['hash(4, id)'], 'no transform "hash"'],
    [['bucket(id)'], 'expected a column or a transform'],
    [['bucket(0, id)'], 'expected a number from 1'],
    [['bucket(4.5, id)'], 'expected a number from 1'],
    [['bucket(4, id'], 'its parenthesis is not closed'],
    [['bucket(4 id)'], 'expected a column or a transform'],
    [['bucket(4, id,)'], 'expected a column or a transform'],
    [['month(date) date_month'], 'only "as" and a name may follow'],
    [['month(date) as'], 'only "as" and a name may follow'],
    [['id, name'], 'expected a column or a transform'],
    [[''], 'expected a column or a transform'],
    [['()'], 'expected a column or a transform'],
    [['month(name)'], `transform month can't be applied to string, the type of "name": it takes date`],
    [['hour(date)'], `transform hour can't be applied to date`],
    [['bucket(4, price)'], `transform bucket[4] can't be applied to double`],
    [['place'], `transform identity can't be applied to struct`],
    [['tags.element'], '"tags.element" lies in "tags", of which a row may have many'],
    [['id as name'], 'partition field "name" has the name of a column'],
    [['day(ts) as ts'], 'partition field "ts" has the name of a column'],
    [['id as x', 'origin as x'], 'two partition fields are named "x"'],
    [['day(ts)', 'hour(ts)'], 'partition field "ts_hour" is redundant beside "ts_day"'],
    [['bucket(4, id)', 'bucket(4, id) as again'], 'redundant beside "id_bucket"'],
    [['bucket(4, id)', 'bucket(8, id)'], 'two partition fields are named "id_bucket"'],
  ])('refuses %j', (terms, message) => {
    expect(() => buildPartitionSpec(SCHEMA, terms)).toThrow(ValidationError)
    expect(() => buildPartitionSpec(SCHEMA, terms)).toThrow(message)
  })
})

describe('partition spec JSON', () => {
  it('is read back', () => {
    const spec = { ...buildPartitionSpec(SCHEMA, ['day(ts)', 'bucket(4, id)', 'origin']), specId: 7 }
    const json = printPartitionSpec(spec)
    expect(json).toMatchObject({
      'spec-id': 7,
      fields: [{ name: 'ts_day', transform: 'day', 'source-id': 3, 'field-id': 1000 }, {}, {}],
    })
    expect(parsePartitionSpec(new JsonCursor(json, 'x'))).toEqual(spec)
  })

  it('has several sources and unknown transforms in v3', () => {
    const json = { 'spec-id': 1, fields: [{ name: 'z', transform: 'zorder', 'source-ids': [1, 2], 'field-id': 1004 }] }
    const spec = parsePartitionSpec(new JsonCursor(json, 'x'))
    expect(spec.fields[0]).toEqual({
      fieldId: 1004,
      sourceIds: [1, 2],
      transform: { kind: 'unknown', text: 'zorder' },
      name: 'z',
    })
    expect(printPartitionSpec(spec)).toEqual(json)
    expect(partitionFieldTypes(spec, SCHEMA)).toEqual([{ kind: 'string' }])
  })

  it('of v1 may lack field ids', () => {
    const json = ['a', 'b'].map((name) => ({ name, transform: 'identity', 'source-id': 1 }))
    expect(parsePartitionFields(new JsonCursor(json, 'x')).map(({ fieldId }) => fieldId)).toEqual([1000, 1001])
  })

  it.each([
    [{ fields: [] }, '$.spec-id: expected an integer'],
    [
      { 'spec-id': 0, fields: [{ name: 'a', transform: 'day', 'field-id': 1000 }] },
      '$.fields[0].source-ids: expected an array',
    ],
    [{ 'spec-id': 0, fields: [{ name: 'a', transform: 'day', 'source-ids': [] }] }, 'at least one field id'],
  ])('%j is refused', (json, message) => {
    expect(() => parsePartitionSpec(new JsonCursor(json, 'x'))).toThrow(InvalidDataError)
    expect(() => parsePartitionSpec(new JsonCursor(json, 'x'))).toThrow(message)
  })
})

describe('partitions', () => {
  const spec = buildPartitionSpec(SCHEMA, ['month(date)', 'origin', 'bucket(4, id)', 'truncate(2, name)', 'day(ts)'])

  it('have a type', () => {
    expect(partitionType(spec, SCHEMA)).toEqual({
      kind: 'struct',
      fields: [
        { id: 1000, name: 'date_month', type: { kind: 'int' }, required: false },
        { id: 1001, name: 'origin', type: { kind: 'string' }, required: false },
        { id: 1002, name: 'id_bucket', type: { kind: 'int' }, required: false },
        { id: 1003, name: 'name_trunc', type: { kind: 'string' }, required: false },
        { id: 1004, name: 'ts_day', type: { kind: 'date' }, required: false },
      ],
    })
  })

  it('keep what types they can when their columns are dropped', () => {
    const types = partitionFieldTypes(spec, selectFields(SCHEMA, ['price']))
    expect(types.map(({ kind }) => kind)).toEqual(['int', 'unknown', 'int', 'unknown', 'date'])
  })

  it('have paths, encoded as by Java', () => {
    expect(partitionPath(spec, SCHEMA, [372, 'SFO', 3, 'ab', 17_486])).toBe(
      'date_month=2001-01/origin=SFO/id_bucket=3/name_trunc=ab/ts_day=2017-11-16',
    )
    expect(partitionPath(spec, SCHEMA, [null, `a/b c=d&é😀~!'()*-._%+`, null, '\ud83d', null])).toBe(
      'date_month=null/origin=a%2Fb+c%3Dd%26%C3%A9%F0%9F%98%80%7E%21%27%28%29*-._%25%2B/id_bucket=null/name_trunc=%EF%BF%BD/ts_day=null',
    )
    expect(partitionPath(buildPartitionSpec(SCHEMA, ['"odd (name)"']), SCHEMA, [5])).toBe('odd+%28name%29=5')
    expect(partitionPath(UNPARTITIONED, SCHEMA, [])).toBe('')
  })

  it('have keys that differ where they do', () => {
    const partitions: (Value | null)[][] = [
      [null, null],
      ['', null],
      [null, ''],
      ['~', '~'],
      ['a/b', 'c'],
      ['a', 'b/c'],
      ['"', '/'],
      ['"/"', ''],
      [0, 0],
      [-0, 0],
      [Number.NaN, 0],
      ['0', '0'],
      [true, 'true'],
      ['true', 'true'],
      [Uint8Array.of(1), 0],
      [Uint8Array.of(0, 1), 0],
      ['x01', 0],
    ]
    expect(new Set(partitions.map((partition) => partitionKey({ specId: 0 }, partition))).size).toBe(partitions.length)
    expect(partitionKey({ specId: 1 }, [0, 0])).not.toBe(partitionKey({ specId: 0 }, [0, 0]))
    expect(partitionKey({ specId: 0 }, [Number.NaN])).toBe(partitionKey({ specId: 0 }, [Number.NaN]))
  })

  it('have one key where they are equal', () => {
    fc.assert(
      fc.property(TYPED_VALUES, ([, value]) => {
        expect(partitionKey({ specId: 0 }, [value])).toBe(partitionKey({ specId: 0 }, [structuredClone(value)]))
      }),
    )
  })
})
