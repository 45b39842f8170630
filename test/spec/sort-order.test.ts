import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { JsonCursor } from '../../src/base/json.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { UNSORTED, buildSortOrder, parseSortOrder, printSortOrder } from '../../src/spec/sort-order.ts'

const SCHEMA = defineSchema({ id: 'long', origin: 'string', delay: 'double', tags: 'list<string>' })

describe('buildSortOrder', () => {
  it.each([
    ['origin', { kind: 'identity' }, 'asc', 'nulls-first'],
    ['origin asc', { kind: 'identity' }, 'asc', 'nulls-first'],
    ['origin desc', { kind: 'identity' }, 'desc', 'nulls-last'],
    ['origin DESC NULLS FIRST', { kind: 'identity' }, 'desc', 'nulls-first'],
    ['origin nulls last', { kind: 'identity' }, 'asc', 'nulls-last'],
    ['bucket(16, origin) asc nulls last', { kind: 'bucket', buckets: 16 }, 'asc', 'nulls-last'],
    ['truncate(origin, 3) desc', { kind: 'truncate', width: 3 }, 'desc', 'nulls-last'],
  ])('%s', (term, transform, direction, nullOrder) => {
    expect(buildSortOrder(SCHEMA, [term])).toEqual({
      orderId: 1,
      fields: [{ sourceIds: [2], transform, direction, nullOrder }],
    })
  })

  it('is unsorted without terms', () => {
    expect(buildSortOrder(SCHEMA, [])).toBe(UNSORTED)
  })

  it.each([
    ['origin up', 'only "asc" or "desc", then "nulls first" or "nulls last" may follow'],
    ['origin nulls', 'may follow'],
    ['origin desc nulls first please', 'may follow'],
    ['origin nulls last desc', 'may follow'],
    ['orign', 'did you mean "origin"'],
    ['tags', `can't be applied to list<string>`],
    ['month(id)', `can't be applied to long`],
  ])('refuses %s', (term, message) => {
    expect(() => buildSortOrder(SCHEMA, [term])).toThrow(ValidationError)
    expect(() => buildSortOrder(SCHEMA, [term])).toThrow(message)
  })
})

describe('sort order JSON', () => {
  it('is read back', () => {
    const order = buildSortOrder(SCHEMA, ['origin', 'bucket(4, id) desc'])
    const json = printSortOrder(order)
    expect(json).toEqual({
      'order-id': 1,
      fields: [
        { transform: 'identity', 'source-id': 2, direction: 'asc', 'null-order': 'nulls-first' },
        { transform: 'bucket[4]', 'source-id': 1, direction: 'desc', 'null-order': 'nulls-last' },
      ],
    })
    expect(parseSortOrder(new JsonCursor(json, 'x'))).toEqual(order)
    expect(parseSortOrder(new JsonCursor(printSortOrder(UNSORTED), 'x'))).toEqual(UNSORTED)
  })

  it.each([
    [{ direction: 'up' }, '$.fields[0].direction: expected "asc" or "desc", found "up"'],
    [{ 'null-order': 'nulls first' }, '$.fields[0].null-order: expected "nulls-first" or "nulls-last"'],
    [{ 'source-id': 'a' }, '$.fields[0].source-id: expected an integer'],
  ])('%j is refused', (change, message) => {
    const field = { transform: 'identity', 'source-id': 2, direction: 'asc', 'null-order': 'nulls-first', ...change }
    expect(() => parseSortOrder(new JsonCursor({ 'order-id': 1, fields: [field] }, 'x'))).toThrow(message)
  })
})
