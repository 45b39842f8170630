import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { parseSchemaText, printPartitionTerms, printSortTerms, splitTerms } from '../../src/cli/terms.ts'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { buildPartitionSpec } from '../../src/spec/partition-spec.ts'
import { buildSortOrder } from '../../src/spec/sort-order.ts'

const SCHEMA = defineSchema({
  id: 'long',
  at: 'timestamptz',
  name: 'string',
  'odd, "name"': 'string',
  's t': 'struct<a: int>',
})

describe('splitTerms', () => {
  it.each([
    [undefined, []],
    ['', []],
    [' a ', ['a']],
    ['month(date), bucket(16, id)', ['month(date)', 'bucket(16, id)']],
    ['a,,b,', ['a', 'b']],
    ['"x, y" desc, z', ['"x, y" desc', 'z']],
    ['m map<string, list<int>>, d decimal(9, 2)', ['m map<string, list<int>>', 'd decimal(9, 2)']],
    ['"say ""hi, you""", b', ['"say ""hi, you"""', 'b']],
    ['"open, b', ['"open, b']],
  ])('%j', (text, terms) => {
    expect(splitTerms(text)).toEqual(terms)
  })
})

describe('parseSchemaText', () => {
  it.each<[string, Record<string, string>]>([
    ['id long not null, ts timestamptz', { id: 'long not null', ts: 'timestamptz' }],
    ['id: long, tags : list<string>', { id: 'long', tags: 'list<string>' }],
    ['"odd ""name""" map<string, int>', { 'odd "name"': 'map<string, int>' }],
    ['10 int, 2 int', { '10': 'int', '2': 'int' }],
  ])('%j', (text, columns) => {
    expect(parseSchemaText(text, '--schema')).toEqual(columns)
  })

  it('takes JSON', () => {
    expect(parseSchemaText(' {"id":"long"}', '--schema')).toEqual({ id: 'long' })
  })

  it.each([
    ['id', /"id" is no column/],
    ['id long, id int', /two columns are named "id"/],
    ['  ', /no columns/],
    ['{"id"', /--schema: not valid JSON/],
  ])('refuses %j', (text, message) => {
    expect(() => parseSchemaText(text, '--schema')).toThrow(ValidationError)
    expect(() => parseSchemaText(text, '--schema')).toThrow(message)
  })
})

describe('terms printed', () => {
  const term = fc.constantFrom('day(at)', 'bucket(16, id)', 'truncate(4, name)', '"odd, ""name"""', '"s t.a"', 'name')

  it('are read back as the same partitioning', () => {
    fc.assert(
      fc.property(fc.uniqueArray(term), (terms) => {
        const spec = buildPartitionSpec(SCHEMA, terms)
        const printed = printPartitionTerms(spec, SCHEMA)
        expect(printed).toBe(terms.join(', '))
        expect(buildPartitionSpec(SCHEMA, splitTerms(printed))).toEqual(spec)
      }),
    )
  })

  it('are read back as the same order', () => {
    const suffix = fc.constantFrom(' asc', ' desc', ' asc nulls last', ' desc nulls first')
    fc.assert(
      fc.property(fc.array(fc.tuple(term, suffix).map((parts) => parts.join(''))), (terms) => {
        const order = buildSortOrder(SCHEMA, terms)
        const printed = printSortTerms(order, SCHEMA)
        expect(printed).toBe(terms.join(', '))
        expect(buildSortOrder(SCHEMA, splitTerms(printed))).toEqual(order)
      }),
    )
  })
})
