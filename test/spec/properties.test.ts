import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { metricsModes } from '../../src/spec/metrics-modes.ts'
import { booleanProperty, longProperty, metricsModeFor, stringProperty } from '../../src/spec/properties.ts'
import { requireField } from '../../src/spec/schema.ts'
import { buildSortOrder, UNSORTED } from '../../src/spec/sort-order.ts'

describe('longProperty', () => {
  it.each([
    ['0', 0],
    ['536870912', 536_870_912],
    [' 12 ', 12],
    ['007', 7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9223372036854775807', Number.MAX_SAFE_INTEGER],
  ])('%j', (text, value) => {
    expect(longProperty({ k: text }, 'k', 5)).toBe(value)
  })

  it.each(['', ' ', '-1', '1.5', '1e3', '0x10', '12MB', 'NaN', '１２', '1 2'])('refuses %j by name', (text) => {
    expect(() => longProperty({ 'commit.retry.num-retries': text }, 'commit.retry.num-retries', 5)).toThrow(
      ValidationError,
    )
    expect(() => longProperty({ 'commit.retry.num-retries': text }, 'commit.retry.num-retries', 5)).toThrow(
      'table property commit.retry.num-retries is',
    )
  })

  it('falls back where the property is not set, whatever objects inherit', () => {
    expect(longProperty({}, 'k', 5)).toBe(5)
    expect(longProperty({}, 'constructor', 5)).toBe(5)
    expect(stringProperty({}, 'toString', 'x')).toBe('x')
    expect(stringProperty({ k: '' }, 'k', 'x')).toBe('')
  })

  it('reads every number that fits', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (n) => longProperty({ k: String(n) }, 'k', -1) === n))
  })
})

describe('booleanProperty', () => {
  it.each([
    ['true', true],
    ['FALSE', false],
    [' True ', true],
  ] as const)('%j', (text, value) => {
    expect(booleanProperty({ k: text }, 'k', !value)).toBe(value)
  })

  it.each(['', '1', 'yes', 'truely'])('refuses %j', (text) => {
    expect(() => booleanProperty({ k: text }, 'k', true)).toThrow('expected true or false')
  })
})

describe('metricsModeFor', () => {
  const column = (mode: string): Record<string, string> => ({ 'write.metadata.metrics.column.a.b': mode })

  it.each([
    ['none', { kind: 'none' }],
    ['Counts', { kind: 'counts' }],
    ['FULL', { kind: 'full' }],
    ['truncate(16)', { kind: 'truncate', length: 16 }],
    [' Truncate(1) ', { kind: 'truncate', length: 1 }],
  ])('%j', (text, mode) => {
    expect(metricsModeFor(column(text), 'a.b')).toEqual(mode)
  })

  it.each(['', 'some', 'truncate', 'truncate()', 'truncate(0)', 'truncate(-1)', 'truncate(1.5)', 'truncate(16'])(
    'refuses %j',
    (text) => {
      expect(() => metricsModeFor(column(text), 'a.b')).toThrow(ValidationError)
    },
  )

  it('takes the column’s mode before the default, and that before truncate(16)', () => {
    const properties = { ...column('full'), 'write.metadata.metrics.default': 'counts' }
    expect(metricsModeFor(properties, 'a.b')).toEqual({ kind: 'full' })
    expect(metricsModeFor(properties, 'a')).toEqual({ kind: 'counts' })
    expect(metricsModeFor({}, 'a')).toEqual({ kind: 'truncate', length: 16 })
  })
})

describe('metricsModes', () => {
  const wide = defineSchema(Object.fromEntries(Array.from({ length: 102 }, (_, i) => [`c${i + 1}`, 'int'])))

  it('leaves the columns beyond the hundredth of a wide table without metrics', () => {
    const modeOf = metricsModes({ schema: wide, sortOrder: UNSORTED, properties: {} })
    expect([1, 100, 101, 102].map((id) => modeOf(id).kind)).toEqual(['truncate', 'truncate', 'none', 'none'])
  })

  it('gives metrics to all of a table as wide as the limit', () => {
    const properties = { 'write.metadata.metrics.max-inferred-column-defaults': '102' }
    expect(metricsModes({ schema: wide, sortOrder: UNSORTED, properties })(102).kind).toBe('truncate')
  })

  it('gives all columns the default that a table sets, and one its own', () => {
    const properties = { 'write.metadata.metrics.default': 'counts', 'write.metadata.metrics.column.c102': 'full' }
    const modeOf = metricsModes({ schema: wide, sortOrder: UNSORTED, properties })
    expect([1, 101, 102].map((id) => modeOf(id).kind)).toEqual(['counts', 'counts', 'full'])
  })

  it('follows another limit', () => {
    const properties = { 'write.metadata.metrics.max-inferred-column-defaults': '1' }
    const modeOf = metricsModes({ schema: wide, sortOrder: UNSORTED, properties })
    expect([1, 2].map((id) => modeOf(id).kind)).toEqual(['truncate', 'none'])
  })

  it('gives sorted columns bounds, where the transform keeps the order', () => {
    const sortOrder = buildSortOrder(wide, ['c101', 'bucket(4, c102)'])
    const modeOf = metricsModes({ schema: wide, sortOrder, properties: {} })
    expect([modeOf(101), modeOf(102)]).toEqual([{ kind: 'truncate', length: 16 }, { kind: 'none' }])
    const none = metricsModes({ schema: wide, sortOrder, properties: { 'write.metadata.metrics.column.c101': 'none' } })
    expect(none(101)).toEqual({ kind: 'none' })
  })

  it('counts the leaves of a level before those below it', () => {
    const schema = defineSchema({ s: 'struct<x: int, y: int>', a: 'int', tags: 'list<string>' })
    const properties = { 'write.metadata.metrics.max-inferred-column-defaults': '2' }
    const modeOf = metricsModes({ schema, sortOrder: UNSORTED, properties })
    const kinds = ['a', 's.x', 's.y', 'tags.element'].map((name) => modeOf(requireField(schema, name).id).kind)
    expect(kinds).toEqual(['truncate', 'truncate', 'none', 'none'])
  })
})
