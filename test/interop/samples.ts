/** Values of every primitive type, ascending in the specification's order, and rows of nested columns. */
import type { RowValue } from '../../src/spec/value.ts'
import type { Row } from './canonical.ts'

const UUID = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'

/** Type text → values: the ends of the range, the surroundings of zero, and something plain. */
export const SAMPLES: Readonly<Record<string, readonly RowValue[]>> = {
  boolean: [false, true],
  int: [-2147483648, -1, 0, 34, 2147483647],
  long: [-9223372036854775808n, -1n, 0n, 9007199254740993n, 9223372036854775807n],
  float: [-Infinity, -1.5, 0, 1.401298464324817e-45, 3.4028234663852886e38, Infinity],
  double: [-Infinity, -1.7976931348623157e308, 0, 5e-324, 0.1, Infinity],
  'decimal(9, 2)': ['-9999999.99', '-0.01', '0.00', '14.20', '9999999.99'],
  'decimal(18, 4)': ['-99999999999999.9999', '0.0000', '14.2000', '99999999999999.9999'],
  'decimal(38, 10)': [`-${'9'.repeat(28)}.9999999999`, '-0.0000000001', `${'9'.repeat(28)}.9999999999`],
  date: ['0001-01-01', '1969-12-31', '1970-01-01', '2017-11-16', '9999-12-31'],
  time: ['00:00:00', '00:00:00.000001', '22:31:08', '23:59:59.999999'],
  timestamp: ['0001-01-01T00:00:00', '1969-12-31T23:59:59.999999', '2017-11-16T22:31:08', '2017-11-16T22:31:08.000001'],
  timestamptz: ['1582-10-15T00:00:00', '1969-12-31T23:59:59.999999', '9999-12-31T23:59:59.999999'].map(atUtc),
  string: ['', ' ', "a/b=c&d%'e", 'iceberg', 'iceberg of a length that bounds must cut', 'äöü/ß', '💎'],
  uuid: ['00000000-0000-0000-0000-000000000000', '7fffffff-ffff-ffff-ffff-ffffffffffff', UUID],
  'fixed(4)': [Uint8Array.of(0, 0, 0, 0), Uint8Array.of(0, 1, 2, 3), Uint8Array.of(255, 255, 255, 255)],
  binary: [Uint8Array.of(), Uint8Array.of(0), Uint8Array.of(0, 1, 2, 3), new Uint8Array(20).fill(255)],
}

export const NANO_SAMPLES: Readonly<Record<string, readonly RowValue[]>> = {
  timestamp_ns: ['1969-12-31T23:59:59.999999999', '1970-01-01T00:00:00', '2017-11-16T22:31:08.000001001'],
  timestamptz_ns: ['1969-12-31T23:59:59.999999999', '2017-11-16T22:31:08.000001001'].map(atUtc),
}

/** Nulls, emptiness and depth. */
export const NESTED: { readonly schema: Readonly<Record<string, string>>; readonly rows: readonly Row[] } = {
  schema: {
    tags: 'list<string>',
    matrix: 'list<list<int not null>>',
    person: 'struct<name: string, born: date, home: struct<street: string, at: list<double>>>',
    prices: 'map<string, decimal(9, 2)>',
    visits: 'map<int, list<struct<at: timestamptz, key: uuid>>>',
  },
  rows: [
    { tags: null, matrix: null, person: null, prices: null, visits: null },
    { tags: [], matrix: [], person: { name: null, born: null, home: null }, prices: new Map(), visits: new Map() },
    {
      tags: ['a', null, ''],
      matrix: [[1, 2], null, [], [3]],
      person: { name: 'Ada', born: '1815-12-10', home: { street: null, at: [51.5, -0.1] } },
      prices: new Map<RowValue, RowValue>([['tea', '1.20']]).set('air', null),
      visits: new Map<RowValue, RowValue>([[2, null]]).set(1, [{ at: atUtc('2017-11-16T22:31:08'), key: UUID }, null]),
    },
  ],
}

/** A column for each type, named by it, and rows in which each value and null come up. */
export function columnsOf(samples: Readonly<Record<string, readonly RowValue[]>>): typeof NESTED {
  const columns = Object.entries(samples).map(([type, values]) => ({ name: columnOf(type), type, values }))
  const length = Math.max(...columns.map(({ values }) => values.length)) + 1
  const rowOf = (i: number): Row =>
    Object.fromEntries(columns.map(({ name, values }) => [name, values[i % (values.length + 1)] ?? null]))
  return {
    schema: Object.fromEntries(columns.map(({ name, type }) => [name, type])),
    rows: Array.from({ length }, (_, i) => rowOf(i)),
  }
}

/** `decimal(9, 2)` → `decimal_9_2` */
export function columnOf(type: string): string {
  return type.replaceAll(/\W+/g, '_').replace(/_$/, '')
}

function atUtc(timestamp: string): string {
  return `${timestamp}+00:00`
}
