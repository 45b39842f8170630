/** Random schemas of all types and rows of them, through files and back; and that no metric hides a row. */
import type { RecordBatch } from 'apache-arrow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BoundExpression } from '../../src/expr/bound-expression.ts'
import { fileMightMatch, statsMightMatch } from '../../src/expr/metrics-evaluator.ts'
import { parseParquetFooter } from '../../src/format/parquet-footer.ts'
import { parquetMetrics } from '../../src/format/parquet-metrics.ts'
import { rowGroupStats } from '../../src/format/parquet-stats.ts'
import type { EncodedParquet } from '../../src/format/parquet-writer.ts'
import type { DataFile } from '../../src/spec/data-file.ts'
import type { MetricsMode } from '../../src/spec/properties.ts'
import { type NestedField, type Schema, isPrimitive } from '../../src/spec/types.ts'
import { type RowValue, fromRowValue } from '../../src/spec/value.ts'
import type { AppendInput } from '../../src/write/append-input.ts'
import { rowsToBatch } from '../../src/write/rows-to-arrow.ts'
import { encode, readRows } from '../format/parquet-file.ts'
import { SHAPES, poolRows, poolSchema } from './columns.ts'

/** Parquet stores something of each row: a schema of unknowns alone is refused. */
const STORABLE = SHAPES.filter(({ schema }) => schema.fields.some(({ type }) => type.kind !== 'unknown'))

function write(schema: Schema, rows: readonly Record<string, RowValue>[], rowGroupRows: number): EncodedParquet {
  return encode([rowsToBatch(rows, schema)], { schema, rowGroupRows, codec: 'uncompressed' })
}

describe('files', () => {
  it('give back every row of every schema', async () => {
    await fc.assert(
      fc.asyncProperty(STORABLE, fc.integer({ min: 5, max: 40 }), async ({ schema, rows }, rowGroupRows) => {
        expect(await readRows(write(schema, rows, rowGroupRows).bytes, { schema })).toEqual(rows)
      }),
      { numRuns: 40 },
    )
  })

  it('come with the footer that a reader finds', () => {
    fc.assert(
      fc.property(STORABLE, fc.integer({ min: 5, max: 40 }), ({ schema, rows }, rowGroupRows) => {
        const { bytes, footer } = write(schema, rows, rowGroupRows)
        expect(footer).toEqual(parseParquetFooter(bytes, bytes.length, 'f'))
      }),
      { numRuns: 40 },
    )
  })

  it('hide no row by their metrics, nor by those of their row groups', () => {
    const shapes = fc.oneof(
      STORABLE,
      poolRows.map((rows) => ({ schema: poolSchema(), rows })),
    )
    const modes = fc.constantFrom<MetricsMode>(
      { kind: 'none' },
      { kind: 'counts' },
      { kind: 'full' },
      { kind: 'truncate', length: 1 },
      { kind: 'truncate', length: 16 },
    )
    let tested = 0
    fc.assert(
      fc.property(shapes, modes, fc.integer({ min: 1, max: 7 }), ({ schema, rows }, mode, rowGroupRows) => {
        const { footer, bytes, nanValueCounts, extents } = write(schema, rows, rowGroupRows)
        const file: DataFile = {
          content: 'data',
          filePath: 'memory://x/y.parquet',
          fileFormat: 'parquet',
          specId: 0,
          partition: [],
          fileSizeInBytes: bytes.length,
          ...parquetMetrics(footer, schema, () => mode, nanValueCounts, extents),
        }
        for (const [number, row] of rows.entries()) {
          for (const predicate of predicatesOf(schema.fields, row)) {
            tested++
            expect(fileMightMatch(predicate, file, schema)).toBe(true)
            const statsOf = rowGroupStats(footer, Math.floor(number / rowGroupRows), schema)
            expect(statsMightMatch(predicate, statsOf)).toBe(true)
          }
        }
      }),
      { numRuns: 40 },
    )
    expect(tested).toBeGreaterThan(300)
  })
})

/** What is true of a row: of each column outside lists and maps that it is null, NaN or the value. */
function predicatesOf(
  fields: readonly NestedField[],
  row: Readonly<Record<string, RowValue>> | null,
): BoundExpression[] {
  return fields.flatMap(({ id, name, type }): BoundExpression[] => {
    const value = row === null ? null : (row[name] ?? null)
    if (type.kind === 'struct') return predicatesOf(type.fields, value as Record<string, RowValue> | null)
    if (!isPrimitive(type) || type.kind === 'unknown') return []
    const ref = { fieldId: id, name, type, required: false }
    if (value === null) return [{ type: 'is-null', ref }]
    if (type.kind === 'geometry' || type.kind === 'geography') return [{ type: 'not-null', ref }]
    if (Number.isNaN(value)) return [{ type: 'is-nan', ref }]
    return [{ type: 'eq', ref, value: fromRowValue(type, value) }]
  })
}

interface Flight {
  readonly origin: string
  readonly delay?: number
}

it('rows may have the type of an interface', () => {
  const flights: readonly Flight[] = [{ origin: 'SFO', delay: 3 }]
  const stream: AsyncIterable<Flight> = { [Symbol.asyncIterator]: () => flights[Symbol.iterator]() as never }
  const inputs: AppendInput[] = [flights, stream, new Set(flights), [] as readonly RecordBatch[]]
  // @ts-expect-error -- text is no row
  inputs.push(['SFO'])
  // @ts-expect-error -- nor is a lone row an input
  inputs.push({ origin: 'SFO' })
  expect(inputs).toHaveLength(6)
})
