import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type JsonValue, JsonText, parseJson, printJson } from '../../src/base/json.ts'

const long = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .filter((value) => value > 2n ** 53n || value < -(2n ** 53n))
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('12n', '-7nn', '\u2028', '\ud800', '"\\', '__proto__'),
)
const { value: anyJson } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, min: -1e9, max: 1e9 }).map((number) => number + 0),
    long,
    text,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((key) => !/^-?\d+n+$|^__proto__$/.test(key)),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
}))

describe('printJson', () => {
  it('prints what parses to the same value', () => {
    const property = fc.property(anyJson, (value) => {
      expect(parseJson(printJson(value), 'memory:x')).toEqual(value)
    })
    fc.assert(property)
  })

  it('prints as JSON.stringify does where there are no bigints', () => {
    const property = fc.property(fc.jsonValue(), (value) => {
      expect(printJson(value as JsonValue)).toBe(JSON.stringify(value))
    })
    fc.assert(property)
  })

  it('leaves out members that are undefined, and takes printed parts as they are', () => {
    const part = new JsonText('{"id":9223372036854775807}')
    expect(printJson({ a: undefined, b: [part, 1n], c: part, d: {} })).toBe(
      '{"b":[{"id":9223372036854775807},1],"c":{"id":9223372036854775807},"d":{}}',
    )
    expect(printJson({ a: undefined })).toBe('{}')
  })
})
