/** The table that most tests of scans read: 300 flights, whose values follow from their numbers. */
import { TableScan } from '../../src/scan/table-scan.ts'
import type { ScanOptions } from '../../src/scan/table-scan.ts'
import type { Schema } from '../../src/spec/types.ts'
import { TableFixture } from './table-fixture.ts'
import type { FileInput } from './table-fixture.ts'

export const SCHEMA: Schema = {
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    { id: 1, name: 'id', required: true, type: { kind: 'long' } },
    { id: 2, name: 'delay', required: false, type: { kind: 'int' } },
    { id: 3, name: 'origin', required: false, type: { kind: 'string' } },
    { id: 4, name: 'date', required: false, type: { kind: 'date' } },
    {
      id: 5,
      name: 'place',
      required: false,
      type: {
        kind: 'struct',
        fields: [
          { id: 6, name: 'lat', required: false, type: { kind: 'double' } },
          { id: 7, name: 'name', required: false, type: { kind: 'string' } },
        ],
      },
    },
    {
      id: 8,
      name: 'tags',
      required: false,
      type: { kind: 'list', elementId: 9, element: { kind: 'string' }, elementRequired: false },
    },
  ],
}

export interface Flight {
  readonly id: bigint
  readonly delay: number | null
  readonly origin: string
  readonly date: string
  readonly place: { readonly lat: number; readonly name: string | null } | null
  readonly tags: readonly string[] | null
}

/** Row `n`: delay n - 100 (null for every tenth), origin by thousand, one day a row from 2001-01-01. */
export function flight(n: number): Flight {
  return {
    id: BigInt(n),
    delay: n % 10 === 9 ? null : n - 100,
    origin: ['SFO', 'OAK', 'JFK'][Math.trunc(n / 100) % 3] ?? '',
    date: new Date(Date.UTC(2001, 0, 1 + n)).toISOString().slice(0, 10),
    place: n % 4 === 3 ? null : { lat: n / 8, name: n % 2 === 0 ? `p${n}` : null },
    tags: n % 5 === 4 ? null : Array.from({ length: n % 3 }, (_, i) => `${n}.${i}`),
  }
}

export const range = (from: number, to: number): Flight[] =>
  Array.from({ length: to - from }, (_, i) => flight(from + i))
export const fileOf = (from: number, to: number, more: Partial<FileInput> = {}): FileInput => ({
  rows: range(from, to),
  ...more,
})

/** 300 rows in 3 files of 100 (row groups of 25), the first two in one manifest. */
export async function flights(): Promise<TableFixture> {
  const table = new TableFixture(SCHEMA)
  const parts = [0, 100, 200].map((from) => fileOf(from, from + 100, { rowGroupRows: 25 }))
  await table.append([parts.slice(0, 2), parts.slice(2)])
  return table
}

export const scan = (table: TableFixture, options?: ScanOptions): TableScan => new TableScan(table.source(), options)
