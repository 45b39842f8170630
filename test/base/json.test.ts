import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { JsonCursor, type JsonValue, JsonText, parseJson, printJson } from '../../src/base/json.ts'
import { MAX_JSON_DEPTH, parseExactJson } from '../../src/base/json-parser.ts'

const long = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .filter((value) => value > 2n ** 53n || value < -(2n ** 53n))
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('12n', '-7nn', '12345678901234567890n', '9007199254740993', '\u2028', '\ud800', '"\\', '__proto__'),
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
    fc.array(fc.tuple(text, tie('value')), { maxLength: 4 }).map((members) => Object.fromEntries(members)),
  ),
}))
const LONG = '9223372036854775807'

describe('parseJson', () => {
  it.each(['12n', '-7nn', '123n', LONG, `${LONG}n`])('keeps the name and the text %s beside a long integer', (word) => {
    const value = { id: 2n ** 63n - 1n, [word]: word, list: [word] }
    expect(parseJson(`{"id":${LONG},"${word}":"${word}","list":["${word}"]}`, 'memory:x')).toEqual(value)
  })

  it.each([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['-9007199254740992', -9007199254740992n],
    ['0.12345678901234567890', 0.12345678901234568],
    ['12345678901234567890e-3', 12345678901234568],
    ['-0.0000000000000000', -0],
    [`[${LONG}, -0]`, [2n ** 63n - 1n, -0]],
    [` \n\r\t{ "a" : [ ${LONG} , true , false , null ] } \n`, { a: [2n ** 63n - 1n, true, false, null] }],
    [`{"a":1,"a":${LONG}}`, { a: 2n ** 63n - 1n }],
  ])('parses %s', (document, value) => {
    expect(parseJson(document, 'memory:x')).toEqual(value)
  })

  it('sees a long integer wherever it stands', () => {
    for (let spaces = 0; spaces < 40; spaces += 1) {
      const document = `${' '.repeat(spaces)}[9007199254740993]`
      expect(parseJson(document, 'memory:x')).toEqual([9007199254740993n])
    }
  })

  it('takes __proto__ as a name like any other', () => {
    const parsed = parseJson(`{"__proto__":{"polluted":${LONG}}}`, 'memory:x')
    expect(Object.keys(parsed as object)).toEqual(['__proto__'])
    expect('polluted' in Object.getPrototypeOf(parsed)).toBe(false)
    expect(new JsonCursor(parsed, 'memory:x').get('__proto__').get('polluted').long()).toBe(2n ** 63n - 1n)
  })

  const malformed = [
    ['', '[1,]', '[1 2]', '{"a":1,}', '{"a" 1}', '{a:1}', "{'a':1}", '[01]', '[-]', '[1.]', '[.5]', '[1e]', '[+1]'],
    ['["a\nb"]', '["\\x"]', '["\\u12"]', '["', '["a\\', '[1', '{"a"', '[tru]', '[nul', '[1]]', '[NaN]', '\u00a0[]'],
  ].flat()
  it.each(malformed)('refuses %j, with a long integer and without', (document) => {
    expect(() => parseJson(document, 'memory:x')).toThrow(InvalidDataError)
    const beside = `[${LONG},${document}]`
    expect(() => parseJson(beside, 'memory:x')).toThrow(InvalidDataError)
    expect(() => parseExactJson(document)).toThrow(SyntaxError)
  })

  it('refuses documents nested too deep for the stack, whatever they hold', () => {
    const nested = (depth: number, inner: string): string => '[{"a":'.repeat(depth / 2) + inner + '}]'.repeat(depth / 2)
    for (const inner of ['1', LONG]) {
      expect(() => printJson(parseJson(nested(MAX_JSON_DEPTH, inner), 'memory:x'))).not.toThrow()
      expect(() => parseJson(nested(MAX_JSON_DEPTH + 2, inner), 'memory:x')).toThrow(/nested more than 1000 levels/)
      expect(() => parseJson('['.repeat(1_000_000) + inner, 'memory:x')).toThrow(InvalidDataError)
    }
    const wide = `[${'[],'.repeat(5_000)}"${'['.repeat(5_000)}"]`
    expect(parseJson(wide, 'memory:x')).toEqual(JSON.parse(wide))
  })
})

describe('parseExactJson', () => {
  it('agrees with JSON.parse where there are no long integers', () => {
    const property = fc.property(fc.jsonValue(), fc.constantFrom(0, 1, '\t'), (value, indent) => {
      const document = JSON.stringify(value, undefined, indent)
      fc.pre(!/(?<![\d.])\d{16}/.test(document))
      expect(parseExactJson(document)).toEqual(JSON.parse(document))
    })
    fc.assert(property)
  })

  it('takes and refuses what JSON.parse does, of texts that are nearly JSON', () => {
    const token = fc.constantFrom(
      ...'[]{},:"\\ \n-+.eE019'.split(''),
      'true',
      'null',
      '"a"',
      '\\u00e9',
      '\\n',
      '1.5',
      '"a":',
    )
    const property = fc.property(fc.array(token, { maxLength: 8 }), (tokens) => {
      const document = tokens.join('')
      const parse = (parser: (text: string) => unknown): unknown => {
        try {
          return { value: parser(document) }
        } catch {
          return 'refused'
        }
      }
      expect(parse(parseExactJson)).toEqual(parse(JSON.parse))
    })
    fc.assert(property, { numRuns: 5_000 })
  })
})

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
