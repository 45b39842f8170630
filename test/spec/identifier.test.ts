import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { parseIdentifier, parseNamespace, printIdentifier, printNamespace } from '../../src/spec/identifier.ts'

describe('parseIdentifier', () => {
  it.each([
    ['travel.flights', ['travel'], 'flights'],
    ['a.b.c', ['a', 'b'], 'c'],
    ['"a.b".c', ['a.b'], 'c'],
    ['a."b.c"', ['a'], 'b.c'],
    ['"say ""hi""".t', ['say "hi"'], 't'],
    ['" a ".t', [' a '], 't'],
    ['two words.t', ['two words'], 't'],
    ['über.été', ['über'], 'été'],
    ['日本.😀', ['日本'], '😀'],
    ['a/b.c%20d', ['a/b'], 'c%20d'],
    ['"..".t', ['..'], 't'],
    ['__proto__.constructor', ['__proto__'], 'constructor'],
  ])('%s', (text, namespace, name) => {
    expect(parseIdentifier(text)).toEqual({ namespace, name })
  })

  it.each([
    ['', 'part 1 is empty'],
    ['.', 'part 1 is empty'],
    ['flights', 'names no table: write namespace.table'],
    ['"a.b"', 'names no table'],
    ['.t', 'part 1 is empty'],
    ['a.', 'part 2 is empty'],
    ['a..t', 'part 2 is empty'],
    ['a."".t', 'part 2 is empty'],
    ['"a.b', 'part 1: quotes enclose'],
    ['a.b"c', 'part 2: quotes enclose'],
    ['a."', 'part 2: quotes enclose'],
    ['"a"b.c', 'part 1: quotes enclose'],
    ['"a" .c', 'part 1: quotes enclose'],
    [' a.b', 'quote " a"'],
    ['a .b', 'quote "a "'],
    ['a. ', 'quote " "'],
    ['a\u001fb.c', 'control characters'],
    ['a\nb.c', 'control characters'],
    ['"a\u0000".c', 'control characters'],
    ['a\u0085.c', 'control characters'],
    ['a\ud800.c', 'lone surrogates'],
    ['\udc00.c', 'lone surrogates'],
  ])('refuses %j', (text, reason) => {
    expect(() => parseIdentifier(text)).toThrow(ValidationError)
    expect(() => parseIdentifier(text)).toThrow(reason)
  })

  it('reads back what it prints, whatever the names', () => {
    const name = fc
      .oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.constantFrom('.', '"', '""', ' ', 'a.b', '".', "'"))
      .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text))
    const identifier = fc.record({ namespace: fc.array(name, { minLength: 1, maxLength: 4 }), name })
    fc.assert(
      fc.property(identifier, (id) => {
        expect(parseIdentifier(printIdentifier(id))).toEqual(id)
        expect(parseNamespace(printNamespace(id.namespace))).toEqual(id.namespace)
      }),
    )
  })

  it('parses any text or refuses it with a ValidationError', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '.', '"', ' ', '\u001f', 'é') }), (text) => {
        try {
          const { namespace, name } = parseIdentifier(text)
          expect([...namespace, name]).not.toContain('')
          expect(namespace.length).toBeGreaterThan(0)
        } catch (error) {
          expect(error).toBeInstanceOf(ValidationError)
        }
      }),
    )
  })
})

describe('namespaces', () => {
  it.each([
    ['travel', ['travel']],
    ['a.b', ['a', 'b']],
    ['"a.b"', ['a.b']],
  ])('%s', (text, levels) => {
    expect(parseNamespace(text)).toEqual(levels)
    expect(printNamespace(levels)).toBe(text)
  })

  it('refuses an empty one', () => {
    expect(() => parseNamespace('')).toThrow(ValidationError)
  })
})
