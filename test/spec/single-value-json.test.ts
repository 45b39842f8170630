import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError, UnsupportedError } from '../../src/base/errors.ts'
import type { JsonValue } from '../../src/base/json.ts'
import { JsonCursor, parseJson, printJson } from '../../src/base/json.ts'
import { parseSingleValue, printSingleValue } from '../../src/spec/single-value-json.ts'
import type { DefaultValue, PrimitiveType, Type, Value } from '../../src/spec/types.ts'
import { TYPED_VALUES } from './arbitraries.ts'

const parse = (type: Type, json: JsonValue): DefaultValue => parseSingleValue(type, new JsonCursor(json, 'memory:x'))

describe('JSON single values', () => {
  it.each<[PrimitiveType, JsonValue, Value]>([
    [{ kind: 'boolean' }, true, true],
    [{ kind: 'int' }, 34, 34],
    [{ kind: 'long' }, 34n, 34n],
    [{ kind: 'float' }, 0.34234, Math.fround(0.34234)],
    [{ kind: 'double' }, 1.5, 1.5],
    [{ kind: 'double' }, 'NaN', Number.NaN],
    [{ kind: 'decimal', precision: 9, scale: 2 }, '14.20', 1420n],
    [{ kind: 'date' }, '2017-11-16', 17_486],
    [{ kind: 'time' }, '22:31:08.123456', 81_068_123_456n],
    [{ kind: 'timestamp' }, '2017-11-16T22:31:08.123456', 1_510_871_468_123_456n],
    [{ kind: 'timestamptz' }, '2017-11-16T22:31:08.123456+00:00', 1_510_871_468_123_456n],
    [{ kind: 'timestamp_ns' }, '2017-11-16T22:31:08.123456789', 1_510_871_468_123_456_789n],
    [{ kind: 'timestamptz_ns' }, '2017-11-16T22:31:08.123456789+00:00', 1_510_871_468_123_456_789n],
    [{ kind: 'string' }, 'iceberg', 'iceberg'],
    [{ kind: 'uuid' }, 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    [{ kind: 'fixed', length: 4 }, '000102ff', Uint8Array.of(0, 1, 2, 255)],
    [{ kind: 'binary' }, '000102ff', Uint8Array.of(0, 1, 2, 255)],
  ])('%j: %s', (type, json, value) => {
    expect(printSingleValue(type, value)).toBe(json)
    expect(parse(type, json)).toEqual(value)
  })

  it('are read as other writers print them', () => {
    expect(parse({ kind: 'binary' }, '000102FF')).toEqual(Uint8Array.of(0, 1, 2, 255))
    expect(parse({ kind: 'long' }, 34)).toBe(34n)
    expect(parse({ kind: 'double' }, 1)).toBe(1)
    expect(parse({ kind: 'timestamp' }, '2017-11-16T22:31:08.1')).toBe(1_510_871_468_100_000n)
  })

  it('survive JSON text', () => {
    fc.assert(
      fc.property(TYPED_VALUES, ([type, value]) => {
        expect(parse(type, parseJson(printJson(printSingleValue(type, value)), 'memory:x'))).toEqual(value)
      }),
    )
  })

  it.each<[PrimitiveType, JsonValue]>([
    [{ kind: 'boolean' }, 'true'],
    [{ kind: 'int' }, '34'],
    [{ kind: 'int' }, 2 ** 31],
    [{ kind: 'int' }, 1.5],
    [{ kind: 'long' }, 2n ** 63n],
    [{ kind: 'double' }, 'abc'],
    [{ kind: 'decimal', precision: 9, scale: 2 }, 14.2],
    [{ kind: 'decimal', precision: 4, scale: 2 }, '123.45'],
    [{ kind: 'date' }, 17_486],
    [{ kind: 'date' }, '2021-02-30'],
    [{ kind: 'timestamptz' }, '2017-11-16T22:31:08'],
    [{ kind: 'uuid' }, 'f79c'],
    [{ kind: 'binary' }, '0g'],
    [{ kind: 'binary' }, '000'],
    [{ kind: 'fixed', length: 2 }, '000102'],
  ])('%j: %s is refused', (type, json) => {
    expect(() => parse(type, json)).toThrow(InvalidDataError)
  })

  it.each<[PrimitiveType, number, string]>([
    [{ kind: 'double' }, 1, '1.0'],
    [{ kind: 'double' }, -0, '-0.0'],
    [{ kind: 'float' }, 16_777_216, '1.6777216E7'],
    [{ kind: 'double' }, 1e21, '1.0E21'],
    [{ kind: 'double' }, 1e-7, '1e-7'],
  ])('%j: whole numbers stay floating-point, as %d is %s', (type, value, text) => {
    expect(printJson(printSingleValue(type, value))).toBe(text)
    expect(parse(type, parseJson(text, 'memory:x'))).toBe(value)
  })

  const point: Type = {
    kind: 'struct',
    fields: [
      { id: 3, name: 'x', type: { kind: 'int' }, required: false },
      { id: 4, name: 'y', type: { kind: 'date' }, required: false },
    ],
  }
  const prices: Type = {
    kind: 'map',
    keyId: 5,
    key: { kind: 'string' },
    valueId: 6,
    value: { kind: 'decimal', precision: 4, scale: 1 },
    valueRequired: false,
  }
  it.each<[Type, string, DefaultValue]>([
    [point, '{}', new Map()],
    [
      point,
      '{"3":1,"4":"1970-01-02"}',
      new Map([
        [3, 1],
        [4, 1],
      ]),
    ],
    [
      { kind: 'list', elementId: 7, element: point, elementRequired: false },
      '[null,{},{"3":null}]',
      [null, new Map(), new Map([[3, null]])],
    ],
    [
      prices,
      '{"keys":["a","b"],"values":["1.5",null]}',
      new Map([
        ['a', 15n],
        ['b', null],
      ]),
    ],
  ])('%j: %s', (type, text, value) => {
    expect(parse(type, parseJson(text, 'memory:x'))).toEqual(value)
    expect(printJson(printSingleValue(type, value))).toBe(text)
  })

  it.each<[Type, string]>([
    [point, '[]'],
    [point, '{"9":1}'],
    [prices, '{"keys":["a"],"values":[]}'],
    [prices, '{"keys":[null],"values":[null]}'],
    [{ kind: 'list', elementId: 7, element: { kind: 'int' }, elementRequired: true }, '["x"]'],
  ])('%j: %s is refused', (type, text) => {
    expect(() => parse(type, parseJson(text, 'memory:x'))).toThrow(InvalidDataError)
  })

  it.each<Type>([{ kind: 'geometry' }, { kind: 'variant' }, { kind: 'unknown' }])('of %j are null alone', (type) => {
    expect(() => parse(type, {})).toThrow(UnsupportedError)
    expect(() => printSingleValue(type, 'x')).toThrow(UnsupportedError)
  })
})
