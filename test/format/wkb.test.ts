import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { parseJson, JsonCursor, printJson } from '../../src/base/json.ts'
import { parseParquetFooter } from '../../src/format/parquet-footer.ts'
import { parquetMetrics } from '../../src/format/parquet-metrics.ts'
import { readParquetSchema, readPlainParquet } from '../../src/format/parquet-plain.ts'
import { Extent, checkWkb, extentBounds } from '../../src/format/wkb.ts'
import { parseSchema, printSchema } from '../../src/spec/schema-json.ts'
import type { PrimitiveType } from '../../src/spec/types.ts'
import { batchOf, fieldOf, schemaOf } from './arrow-column.ts'
import { encode, memorySource, rowsOf } from './parquet-file.ts'

const FIXTURES = join(import.meta.dirname, '../fixtures/iceberg-go')
const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer)
const f64 = (...values: number[]): Buffer => Buffer.from(Float64Array.from(values).buffer)
const shape = (type: number, ...parts: Buffer[]): Uint8Array =>
  new Uint8Array(Buffer.concat([Buffer.of(1), u32(type), ...parts]))
const point = (...coordinates: number[]): Uint8Array => shape(1, f64(...coordinates))
const line = (...coordinates: number[]): Uint8Array => shape(2, u32(coordinates.length / 2), f64(...coordinates))
const several = (type: number, ...members: Uint8Array[]): Uint8Array =>
  shape(type, u32(members.length), ...members.map((member) => Buffer.from(member)))

function bounds(kind: 'geometry' | 'geography', ...shapes: Uint8Array[]): number[][] | undefined {
  const extent = new Extent()
  for (const each of shapes) extent.include(each)
  const found = extentBounds(kind, extent)
  return found && [found.lower, found.upper].map((bytes) => Array.from(new Float64Array(bytes.slice().buffer)))
}

describe('the box around shapes', () => {
  const polygon = shape(3, u32(2), u32(2), f64(0, 0, 9, 9), u32(1), f64(-1, 5))
  it.each<[string, Uint8Array[], number[][] | undefined]>([
    [
      'a point',
      [point(1, 2)],
      [
        [1, 2],
        [1, 2],
      ],
    ],
    [
      'points',
      [point(1, 2), point(-3, 5)],
      [
        [-3, 2],
        [1, 5],
      ],
    ],
    [
      'big-endian',
      [new Uint8Array(Buffer.from('00000000013ff00000000000004000000000000000', 'hex'))],
      [
        [1, 2],
        [1, 2],
      ],
    ],
    [
      'a line',
      [line(0, 1, -1, 7)],
      [
        [-1, 1],
        [0, 7],
      ],
    ],
    [
      'a polygon with a hole',
      [polygon],
      [
        [-1, 0],
        [9, 9],
      ],
    ],
    [
      'z',
      [shape(1001, f64(1, 2, 3)), point(0, 0)],
      [
        [0, 0, 3],
        [1, 2, 3],
      ],
    ],
    [
      'm alone',
      [shape(2001, f64(1, 2, 4))],
      [
        [1, 2, Number.NaN, 4],
        [1, 2, Number.NaN, 4],
      ],
    ],
    [
      'z and m',
      [shape(3001, f64(1, 2, 3, 4)), shape(1001, f64(1, 2, -3))],
      [
        [1, 2, -3, 4],
        [1, 2, 3, 4],
      ],
    ],
    [
      'NaN on one axis',
      [point(1, Number.NaN), point(0, 3)],
      [
        [0, 3],
        [1, 3],
      ],
    ],
    [
      'members of members',
      [several(7, several(4, point(1, 1), point(2, 2)), several(5, line(5, 5, 6, 6)), several(6, polygon))],
      [
        [-1, 0],
        [9, 9],
      ],
    ],
    [
      'infinity',
      [point(Infinity, 0)],
      [
        [Infinity, 0],
        [Infinity, 0],
      ],
    ],
    ['nothing', [], undefined],
    ['empty shapes', [point(Number.NaN, Number.NaN), line(), shape(3, u32(0)), several(7)], undefined],
    ['no y at all', [point(1, Number.NaN)], undefined],
    ['bytes that are no shape', [point(1, 2), Uint8Array.of(1)], undefined],
  ])('%s', (_, shapes, expected) => {
    expect(bounds('geometry', ...shapes)).toEqual(expected)
  })

  it('on a globe is certain of points alone', () => {
    expect(bounds('geography', point(179, 1), several(4, point(-179, 90)))).toEqual([
      [-179, 1],
      [179, 90],
    ])
    expect(bounds('geography', point(0, 0), line(0, 0, 1, 1))).toBeUndefined()
    expect(bounds('geography', point(181, 0))).toBeUndefined()
    expect(bounds('geography', point(0, -91))).toBeUndefined()
  })

  it('goes into the bounds of a data file, as the mode of the column asks', () => {
    const types: readonly PrimitiveType[] = [
      { kind: 'geometry' },
      { kind: 'geography', algorithm: 'karney' },
      { kind: 'geometry' },
    ]
    const schema = schemaOf(
      ...types.map((type, i) => fieldOf(i + 1, `c${i}`, type)),
      fieldOf(9, 's', { kind: 'struct', fields: [fieldOf(10, 'g', { kind: 'geometry' })] }),
      fieldOf(11, 'l', { kind: 'list', elementId: 12, element: { kind: 'geometry' }, elementRequired: false }),
    )
    const shapes = [point(1, 2), null, point(3, -4)]
    const batch = batchOf(schema, [shapes, shapes, shapes, [[shapes[0] ?? null], null, [null]], [shapes, [], null]])
    const { footer, nanValueCounts, extents } = encode([batch], { schema })
    const metrics = parquetMetrics(
      footer,
      schema,
      (id) => ({ kind: id === 3 ? 'counts' : 'full' }),
      nanValueCounts,
      extents,
    )
    expect([...(metrics.lowerBounds ?? [])]).toEqual([
      [1, new Uint8Array(f64(1, -4))],
      [2, new Uint8Array(f64(1, -4))],
      [10, new Uint8Array(f64(1, 2))],
    ])
    expect([...(metrics.upperBounds ?? [])].map(([id]) => id)).toEqual([1, 2, 10])
    expect(metrics.nullValueCounts).toEqual(
      new Map([
        [1, 1],
        [2, 1],
        [3, 1],
        [10, 2],
        [12, 3],
      ]),
    )
    // Parquet's own bounds go by the bytes, which order no shapes.
    for (const { statistics } of footer.rowGroups.flatMap(({ columns }) => columns)) {
      expect(statistics).toMatchObject({ min: undefined, max: undefined })
    }
  })
})

describe('what is no shape', () => {
  let deep = point(1, 2)
  for (let i = 0; i < 40; i++) deep = several(7, deep)
  it.each<[string, Uint8Array]>([
    ['cut off', Uint8Array.of()],
    ['cut off', Uint8Array.of(1, 1, 0, 0, 0)],
    ['cut off', shape(2, u32(0xffff_ffff))],
    ['cut off', shape(7, u32(2), Buffer.from(point(1, 2)))],
    ['byte order 2', Uint8Array.of(2, 1, 0, 0, 0)],
    ['1 bytes follow', Uint8Array.of(...point(1, 2), 0)],
    ['flags of EWKB', shape(0x2000_0001, u32(4326), f64(1, 2))],
    ['flags of EWKB', shape(0x8000_0001, f64(1, 2, 3))],
    ['a circularstring (8)', shape(8, u32(0))],
    ['a triangle (17)', shape(1017, u32(0))],
    ['unknown type 4001', shape(4001, f64(1, 2))],
    ['unknown type 0', shape(0)],
    ['a linestring among members that are each a point', several(4, line())],
    ['levels', deep],
  ])('%s', (problem, bytes) => {
    expect(() => checkWkb(bytes)).toThrow(InvalidDataError)
    expect(() => checkWkb(bytes)).toThrow(problem)
  })
})

describe('files of other writers', () => {
  it.each<[string, PrimitiveType]>([
    ['crs-default', { kind: 'geometry' }],
    ['crs-geography', { kind: 'geography' }],
    ['crs-srid', { kind: 'geometry', crs: 'srid:5070' }],
    ['crs-projjson', { kind: 'geometry', crs: 'projjson:projjson_epsg_5070' }],
  ])('%s', (name, type) => {
    const bytes = readFileSync(join(FIXTURES, 'table/geo', `${name}.parquet`))
    const footer = parseParquetFooter(bytes, bytes.length, name)
    expect(readParquetSchema(footer, { formatVersion: 3 }).fields[1]?.type).toMatchObject(type)
    expect(readParquetSchema(footer, { formatVersion: 2 }).fields[1]?.type).toEqual({ kind: 'binary' })
  })

  it('a CRS that is written out has no place in a type', () => {
    const bytes = readFileSync(join(FIXTURES, 'table/geo/crs-arbitrary-value.parquet'))
    const footer = parseParquetFooter(bytes, bytes.length, 'crs-arbitrary-value')
    expect(() => readParquetSchema(footer, { formatVersion: 3 })).toThrow('column "geometry" has a type')
  })

  const names = readdirSync(join(FIXTURES, 'table/geo')).filter((name) => name !== 'crs-arbitrary-value.parquet')
  it.each(names)('the shapes of %s are read', async (name) => {
    const bytes = readFileSync(join(FIXTURES, 'table/geo', name))
    const schema = readParquetSchema(parseParquetFooter(bytes, bytes.length, name), { formatVersion: 3 })
    let shapes = 0
    for await (const batch of readPlainParquet(memorySource(bytes), { formatVersion: 3 })) {
      for (const row of rowsOf(batch, schema)) {
        const wkb = row['geometry'] ?? row['geography']
        if (wkb instanceof Uint8Array) {
          expect(() => checkWkb(wkb)).not.toThrow()
          shapes++
        } else expect(row['wkt']).toBeNull()
      }
    }
    expect(shapes).toBeGreaterThan(0)
  })

  it("Java's schema comes back as it was printed", () => {
    const text = readFileSync(join(FIXTURES, 'geo-schema-java-main.json'), 'utf8').trim()
    const schema = parseSchema(new JsonCursor(parseJson(text, 'x'), 'x'))
    expect(JSON.parse(printJson(printSchema(schema)))).toEqual(JSON.parse(text))
    expect(schema.fields.map(({ type }) => type)).toMatchObject([
      { kind: 'long' },
      { kind: 'geometry', crs: 'srid:3857' },
      { kind: 'geography', crs: 'srid:4269', algorithm: 'karney' },
      { kind: 'geography', crs: 'srid:4269' },
      { kind: 'geography', algorithm: 'karney' },
      { kind: 'geometry' },
      { kind: 'geography' },
    ])
  })
})
