import { describe, expect, it } from 'vitest'
import { bind } from '../../src/expr/bind.ts'
import type { BoundExpression } from '../../src/expr/bound-expression.ts'
import { evaluate } from '../../src/expr/evaluate.ts'
import { and, equal, isIn, notIn, or, printExpression } from '../../src/expr/expression.ts'
import type { ComparisonOperation, Expression } from '../../src/expr/expression.ts'
import { parseFilter } from '../../src/expr/parse-filter.ts'
import { projectPartition, residualOf, strictProject } from '../../src/expr/project.ts'
import type { PartitionSpec } from '../../src/spec/partition-spec.ts'
import { applyTransform, parseTransform } from '../../src/spec/transform.ts'
import type { PrimitiveType, Schema } from '../../src/spec/types.ts'
import { toRowValue } from '../../src/spec/value.ts'
import type { Value } from '../../src/spec/value.ts'

const schema = schemaOf({
  i: { kind: 'int' },
  l: { kind: 'long' },
  f: { kind: 'double' },
  dec: { kind: 'decimal', precision: 9, scale: 2 },
  d: { kind: 'date' },
  ts: { kind: 'timestamp' },
  ns: { kind: 'timestamp_ns' },
  s: { kind: 'string' },
  b: { kind: 'binary' },
})

function schemaOf(types: Readonly<Record<string, PrimitiveType>>): Schema {
  const fields = Object.entries(types).map(([name, type], i) => ({ id: i + 1, name, type, required: false }))
  return { schemaId: 0, fields, identifierFieldIds: [] }
}

/** `bucket[4] l` and the like: fields p0, p1 … */
function specOf(...terms: readonly string[]): PartitionSpec {
  const fields = terms.map((term, i) => {
    const [transform = '', column = ''] = term.split(' ')
    const sourceId = schema.fields.findIndex(({ name }) => name === column) + 1
    return { fieldId: 1000 + i, sourceIds: [sourceId], transform: parseTransform(transform), name: `p${i}` }
  })
  return { specId: 0, fields }
}

/** A bound filter as text, values as they are inside. */
function show(e: BoundExpression): string {
  switch (e.type) {
    case 'true':
    case 'false':
      return e.type
    case 'and':
    case 'or':
      return e.children.map((child) => ('children' in child ? `(${show(child)})` : show(child))).join(` ${e.type} `)
    default: {
      const { ref, ...rest } = e
      return printExpression({ ...rest, term: ref.name })
    }
  }
}

const might = (filter: string, ...terms: string[]): string =>
  show(projectPartition(bind(schema, parseFilter(filter)), specOf(...terms), schema))
const must = (filter: string, ...terms: string[]): string =>
  show(strictProject(bind(schema, parseFilter(filter)), specOf(...terms), schema))

/** The first numbers are those of Java's TestTruncatesProjection, TestDatesProjection and TestTimestampsProjection. */
const INCLUSIVE: readonly [string, string, string][] = [
  ['l < 100', 'truncate[10] l', 'p0 <= 90 or p0 = 9223372036854775806'],
  ['l > 100', 'truncate[10] l', 'p0 >= 100'],
  ['l >= 99', 'truncate[10] l', 'p0 >= 90'],
  ['l = 99', 'truncate[10] l', 'p0 = 90'],
  ['l <> 100', 'truncate[10] l', 'true'],
  ['l in (99, 100, 101)', 'truncate[10] l', 'p0 in (90, 100)'],
  ['l < 100', 'truncate[8] l', 'p0 <= 96'],
  ['dec < 100.00', 'truncate[10] dec', 'p0 <= 9990'],
  ['dec >= 99.99', 'truncate[10] dec', 'p0 >= 9990'],
  ["s < 'abcdefg'", 'truncate[5] s', "p0 < 'abcdefg'"],
  ["s <= 'abcdefg'", 'truncate[5] s', "p0 <= 'abcdefg'"],
  ["s > 'abcdefg'", 'truncate[5] s', "p0 >= 'abcde'"],
  ["s = 'abcdefg'", 'truncate[5] s', "p0 = 'abcde'"],
  ["s <> 'abc'", 'truncate[5] s', "p0 <> 'abc'"],
  ["s <> 'abcde'", 'truncate[5] s', 'true'],
  ["s not in ('abc', 'abcdef')", 'truncate[5] s', "p0 <> 'abc'"],
  ["s not in ('abcde', 'abcdef')", 'truncate[5] s', 'true'],
  ["s like 'ab%'", 'truncate[5] s', "p0 like 'ab%'"],
  ["s like 'abcdefg%'", 'truncate[5] s', "p0 = 'abcde'"],
  ["s like '😀😀😀%'", 'truncate[2] s', "p0 = '😀😀'"],
  ["s not like 'abcde%'", 'truncate[5] s', "p0 not like 'abcde%'"],
  ["s not like 'abcdef%'", 'truncate[5] s', 'true'],
  ["b = x'010203'", 'truncate[2] b', "p0 = x'0102'"],
  ["b <> x'01'", 'truncate[2] b', "p0 <> x'01'"],
  ["d < '2017-01-01'", 'month d', 'p0 <= 563'],
  ["d <= '2017-01-01'", 'month d', 'p0 <= 564'],
  ["d > '2017-12-31'", 'year d', 'p0 >= 48'],
  ["d = '2017-01-01'", 'day d', 'p0 = 17167'],
  ["d <> '2017-01-01'", 'day d', 'p0 <> 17167'],
  ["ts < '2017-12-01T00:00:00'", 'day ts', 'p0 <= 17500'],
  ["ts < '2017-12-01T00:00:00.000001'", 'day ts', 'p0 <= 17501'],
  ["ts > '2017-12-31T23:59:59.999999'", 'year ts', 'p0 >= 48'],
  ["ns > '2017-12-31T23:59:59.999999999'", 'year ns', 'p0 >= 48'],
  ["ns > '2017-12-31T23:59:59.999999998'", 'year ns', 'p0 >= 47'],
  ["ts = '2017-12-01T10:00:00'", 'hour ts', 'p0 = 420034'],
  // Before 1970, partitions of old writers are one too high.
  ["ts < '1969-01-01T00:00:00'", 'year ts', 'p0 <= -1'],
  ["ts <= '1969-12-31T00:00:00'", 'day ts', 'p0 <= 0'],
  ["ts = '1969-12-31T23:59:59'", 'hour ts', 'p0 in (-1, 0)'],
  ["ts in ('1969-12-31T23:59:59', '1970-01-01T00:00:00')", 'hour ts', 'p0 in (-1, 0)'],
  ["d = '1969-12-31'", 'day d', 'p0 = -1'],
  ["d = '1969-12-31'", 'month d', 'p0 in (-1, 0)'],
  ['l = 34', 'bucket[16] l', 'p0 = 3'],
  ['i = 34', 'bucket[16] i', 'p0 = 3'],
  ['l in (34, 35)', 'bucket[1] l', 'p0 = 0'],
  ['l <> 34', 'bucket[16] l', 'true'],
  ['l < 34', 'bucket[16] l', 'true'],
  ['l is null', 'bucket[16] l', 'p0 is null'],
  ['l is not null', 'truncate[3] l', 'p0 is not null'],
  ['f is nan', 'identity f', 'p0 is nan'],
  ['f > 1.5 or f is null', 'identity f', 'p0 > 1.5 or p0 is null'],
  ['l = 34', 'void l', 'true'],
  ['l is null', 'void l', 'true'],
  ['l = 34', 'zorder[3] l', 'true'],
  ['i = 1 or l = 34', 'identity l', 'true'],
  ['i = 1 and l = 34', 'identity l', 'p0 = 34'],
  ['not (l = 34)', 'identity l', 'p0 <> 34'],
]

describe('projectPartition', () => {
  it.each(INCLUSIVE)('%s by %s is %s', (filter, term, expected) => {
    expect(might(filter, term)).toBe(expected)
  })

  it('takes the conditions of all fields of a column', () => {
    expect(might("ts = '2017-12-01T10:00:00'", 'day ts', 'bucket[2] l', 'hour ts')).toBe('p0 = 17501 and p2 = 420034')
  })

  it('ignores transforms of several columns and columns that the schema has not', () => {
    const spec = specOf('identity l')
    const [field] = spec.fields
    if (field === undefined) throw new Error('no field')
    const e = bind(schema, equal('l', 1))
    expect(projectPartition(e, { ...spec, fields: [{ ...field, sourceIds: [2, 3] }] }, schema).type).toBe('true')
    expect(projectPartition(e, { ...spec, fields: [{ ...field, sourceIds: [99] }] }, schema).type).toBe('true')
  })
})

describe('strictProject', () => {
  it.each([
    ['l < 100', 'truncate[8] l', 'p0 < 96'],
    ['l <= 103', 'truncate[8] l', 'p0 < 104'],
    ['l > 100', 'truncate[8] l', 'p0 > 96'],
    ['l >= 96', 'truncate[8] l', 'p0 > 88'],
    ['l > 100', 'truncate[10] l', 'p0 > 100 and p0 <> 9223372036854775806'],
    ['l <> 99', 'truncate[8] l', 'p0 <> 96'],
    ['l not in (99, 100)', 'truncate[8] l', 'p0 <> 96'],
    ['l = 99', 'truncate[8] l', 'false'],
    ["s = 'abc'", 'truncate[5] s', "p0 = 'abc'"],
    ["s in ('abc', 'abcde')", 'truncate[5] s', "p0 = 'abc'"],
    ["s in ('abcde', 'abcdef')", 'truncate[5] s', 'false'],
    ["s = 'abcde'", 'truncate[5] s', 'false'],
    ["s like 'abcde%'", 'truncate[5] s', "p0 like 'abcde%'"],
    ["s like 'abcdef%'", 'truncate[5] s', 'false'],
    ["s not like 'abcdef%'", 'truncate[5] s', "p0 <> 'abcde'"],
    ["s > 'abcdefg'", 'truncate[5] s', "p0 > 'abcdefg'"],
    ["s < 'abcdefg'", 'truncate[5] s', "p0 < 'abcde'"],
    ["ts >= '2017-12-01T00:00:00'", 'day ts', 'p0 > 17500'],
    ["ts > '2017-12-01T00:00:00'", 'day ts', 'p0 > 17501'],
    ["ts < '2017-12-01T00:00:00'", 'day ts', 'p0 < 17501'],
    ["ts > '1969-12-31T00:00:00'", 'day ts', 'p0 > 0'],
    ["ts <> '1969-12-31T00:00:00'", 'day ts', 'p0 not in (-1, 0)'],
    ['l <> 34', 'bucket[16] l', 'p0 <> 3'],
    ['l = 34', 'bucket[16] l', 'false'],
    ['l is null', 'bucket[16] l', 'p0 is null'],
    ['l is null', 'void l', 'false'],
    ['l = 34', 'identity l', 'p0 = 34'],
    ['i = 1 or l = 34', 'identity l', 'p0 = 34'],
    ['i = 1 and l = 34', 'identity l', 'false'],
  ])('%s by %s is %s', (filter, term, expected) => {
    expect(must(filter, term)).toBe(expected)
  })
})

describe('residual', () => {
  const spec = specOf('day ts', 'identity s')
  const e = bind(schema, parseFilter("ts >= '2017-12-01T10:00:00' and s = 'x' and i > 5"))

  it.each([
    [[17_501, 'x'], 'ts >= 1512122400000000 and i > 5'],
    [[17_502, 'x'], 'i > 5'],
    [[17_500, 'x'], 'false'],
    [[17_502, 'y'], 'false'],
    [[null, 'x'], 'false'],
  ])('of partition %j is %s', (partition, expected) => {
    expect(show(residualOf(e, spec, schema)(partition))).toBe(expected)
  })

  it('of an unpartitioned table is the filter', () => {
    expect(residualOf(e, { specId: 0, fields: [] }, schema)([])).toEqual(e)
  })
})

/** Values around every boundary that a transform of the type could have. */
const EDGES: readonly [column: string, transforms: readonly string[], values: readonly Value[]][] = [
  ['i', ['truncate[1]', 'truncate[3]', 'truncate[10]', 'bucket[3]'], around([-(2 ** 31), -10, 0, 10, 2 ** 31 - 1], 4)],
  ['l', ['truncate[1]', 'truncate[7]', 'truncate[10]'], around([-(2n ** 63n), -10n, 0n, 10n, 2n ** 63n - 1n], 4n)],
  ['dec', ['truncate[1]', 'truncate[10]', 'truncate[100]'], around([-999_999_999n, -100n, 0n, 100n, 999_999_999n], 3n)],
  ['d', ['year', 'month', 'day'], around([-(2 ** 31), -366, -31, 0, 31, 365, 2 ** 31 - 1], 2)],
  [
    'ts',
    ['year', 'month', 'day', 'hour'],
    around([-365n, -31n, -1n, 0n, 1n, 31n, 365n].map((n) => n * 86_400_000_000n).concat(3_600_000_000n), 2n),
  ],
  [
    'ns',
    ['year', 'month', 'day', 'hour'],
    around([-365n, -1n, 0n, 1n, 365n].map((n) => n * 86_400_000_000_000n).concat(-(2n ** 63n), 2n ** 63n - 1n), 2n),
  ],
  ['s', ['truncate[1]', 'truncate[2]', 'truncate[3]'], words(['a', 'b', '\u{ffff}', '😀'])],
  ['b', ['truncate[1]', 'truncate[2]', 'truncate[3]'], words(['a', 'b']).map((w) => new TextEncoder().encode(w))],
]

function around<T extends number | bigint>(centers: readonly T[], reach: T): T[] {
  const [low, high] = [centers.reduce((a, b) => (a < b ? a : b)), centers.reduce((a, b) => (a > b ? a : b))]
  const all = centers.flatMap((center) => {
    const n = BigInt(center)
    const near = Array.from({ length: 2 * Number(reach) + 1 }, (_, i) => n + BigInt(i) - BigInt(reach))
    return near.map((v) => (typeof center === 'bigint' ? v : Number(v)) as T)
  })
  // The outermost centers of some types are their limits.
  return [...new Set(all)].filter((v) => (low > -1e9 || v >= low) && (high < 9e8 || v <= high))
}

function words(letters: readonly string[]): string[] {
  const two = letters.flatMap((a) => ['', ...letters].map((b) => a + b))
  return ['', ...two, ...two.filter((w) => w !== '').map((w) => `${w}ab`), 'abab']
}

const OPERATIONS: readonly ComparisonOperation[] = ['lt', 'lt-eq', 'gt', 'gt-eq', 'eq', 'not-eq']

describe.each(EDGES)('on edges of %s', (column, transforms, values) => {
  const type = schema.fields.find(({ name }) => name === column)?.type as PrimitiveType
  const id = schema.fields.findIndex(({ name }) => name === column) + 1

  it.each(transforms)('%s neither loses nor invents a match', (transform) => {
    const spec = specOf(`${transform} ${column}`)
    const partitions = values.map((v) => applyTransform(parseTransform(transform), type, v))
    const filters = values.flatMap((v, i) => {
      const literal = toRowValue(type, v)
      const pair = [literal, toRowValue(type, values[(i * 7 + 3) % values.length] ?? v)]
      const prefix: Expression[] =
        column === 's'
          ? [
              { type: 'starts-with', term: column, value: literal },
              { type: 'not-starts-with', term: column, value: literal },
            ]
          : []
      const compare = OPERATIONS.map((op): Expression => ({ type: op, term: column, value: literal }))
      return [...compare, isIn(column, pair), notIn(column, pair), ...prefix]
    })
    for (const filter of filters) {
      const bound = bind(schema, filter)
      const inclusive = projectPartition(bound, spec, schema)
      const strict = strictProject(bound, spec, schema)
      for (const [i, value] of values.entries()) {
        const partition = partitions[i] ?? null
        const matching = evaluate(bound, () => value)
        const [possible, certain] = [evaluate(inclusive, () => partition), evaluate(strict, () => partition)]
        const rest = evaluate(residualOf(bound, spec, schema)([partition]), (field) => (field === id ? value : null))
        if ((matching && !possible) || (!matching && certain) || rest !== matching) {
          expect.fail(`${show(bound)} on ${String(value)}: ${show(inclusive)}; ${show(strict)} on ${String(partition)}`)
        }
      }
    }
  })
})

it('projects chains of thousands', () => {
  const terms = Array.from({ length: 10_000 }, (_, n) => and(equal('l', n), equal('i', n)))
  const bound = bind(schema, or(...terms))
  const projected = projectPartition(bound, specOf('bucket[16] l', 'identity i'), schema)
  expect(evaluate(projected, (fieldId) => (fieldId === 1000 ? 3 : 34))).toBe(true)
  expect(evaluate(projected, (fieldId) => (fieldId === 1000 ? 4 : 34))).toBe(false)
})
