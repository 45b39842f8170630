/**
 * The metrics of a data file that go into its manifest entry (spec, "Data File Fields"), taken from its footer: sizes and
 * counts of every column (of list elements and map entries also, though not their bounds), bounds of primitive columns outside lists and maps, shortened as the table's metrics modes ask.
 */
import type { DataFile } from '../spec/data-file.ts'
import type { MetricsMode } from '../spec/properties.ts'
import { encodeSingleValue } from '../spec/single-value.ts'
import { truncateText } from '../spec/transform.ts'
import type { PrimitiveType, Schema } from '../spec/types.ts'
import { type Value, compareValues } from '../spec/value.ts'
import type { ColumnChunk, ParquetFooter } from './parquet-footer.ts'
import { type ParquetField, type ParquetGroup, isLeaf, leavesOf } from './parquet-schema.ts'
import { type ColumnStats, boundedTypes, columnStats } from './parquet-stats.ts'
import { type Extent, extentBounds } from './wkb.ts'

type ParquetMetrics = Pick<
  DataFile,
  | 'recordCount'
  | 'columnSizes'
  | 'valueCounts'
  | 'nullValueCounts'
  | 'nanValueCounts'
  | 'lowerBounds'
  | 'upperBounds'
  | 'splitOffsets'
>

/** `nanCounts` and `extents` are what the writer counted and measured; empty for files of others, of which that is unknown. */
export function parquetMetrics(
  footer: ParquetFooter,
  schema: Schema,
  mode: (fieldId: number) => MetricsMode,
  nanCounts: ReadonlyMap<number, number>,
  extents: ReadonlyMap<number, Extent> = new Map(),
): ParquetMetrics {
  const metrics = {
    columnSizes: new Map<number, number>(),
    valueCounts: new Map<number, number>(),
    nullValueCounts: new Map<number, number>(),
    nanValueCounts: new Map<number, number>(),
    lowerBounds: new Map<number, Uint8Array>(),
    upperBounds: new Map<number, Uint8Array>(),
  }
  const types = boundedTypes(schema)
  for (const { fieldId, index, leaves } of columnsOf(footer.schema)) {
    const fieldMode = mode(fieldId)
    if (fieldMode.kind === 'none') continue
    const chunks = footer.rowGroups.flatMap(({ columns }) => columns.slice(index, index + 1))
    const all = footer.rowGroups.flatMap(({ columns }) => columns.slice(index, index + leaves))
    metrics.columnSizes.set(fieldId, sum(all.map((chunk) => chunk.compressedSizeBytes)))
    const nulls = chunks.map((chunk) => chunk.statistics.nullCount)
    const nanCount = nanCounts.get(fieldId)
    metrics.valueCounts.set(fieldId, sum(chunks.map((chunk) => chunk.numValues)))
    if (nulls.every((count) => count !== undefined)) metrics.nullValueCounts.set(fieldId, sum(nulls))
    if (nanCount !== undefined) metrics.nanValueCounts.set(fieldId, nanCount)
    const type = types.get(fieldId)
    if (type === undefined || fieldMode.kind === 'counts') continue
    if (type.kind === 'geometry' || type.kind === 'geography') {
      const extent = extents.get(fieldId)
      const bounds = extent && extentBounds(type.kind, extent)
      if (bounds === undefined) continue
      metrics.lowerBounds.set(fieldId, bounds.lower)
      metrics.upperBounds.set(fieldId, bounds.upper)
      continue
    }
    const { lower, upper } = fileBounds(chunks, type, nanCount ?? 0)
    const low = lower === undefined ? undefined : shortenLower(type, lower, fieldMode)
    const high = upper === undefined ? undefined : shortenUpper(type, upper, fieldMode)
    if (low !== undefined) metrics.lowerBounds.set(fieldId, encodeSingleValue(type, low))
    if (high !== undefined) metrics.upperBounds.set(fieldId, encodeSingleValue(type, high))
  }
  const splitOffsets = footer.rowGroups.map((rowGroup) => rowGroup.offset).toSorted((a, b) => a - b)
  return { recordCount: footer.rows, ...metrics, splitOffsets }
}

/** A column by field id: its leaf, or the first of several. */
interface FileColumn {
  readonly fieldId: number
  readonly index: number
  readonly leaves: number
}

/** The leaves of a variant have no ids: they count as one column, whose nulls its metadata tells. */
function columnsOf(root: ParquetGroup): FileColumn[] {
  const columns: FileColumn[] = []
  let index = 0
  const visit = (field: ParquetField): void => {
    const isWhole = isLeaf(field) || field.logicalType?.kind === 'variant'
    if (!isWhole) return field.children.forEach(visit)
    const leaves = leavesOf(field).length
    if (field.fieldId !== undefined) columns.push({ fieldId: field.fieldId, index, leaves })
    index += leaves
  }
  root.children.forEach(visit)
  return columns
}

interface Bounds {
  readonly lower: Value | undefined
  readonly upper: Value | undefined
}

/** The least lower and the greatest upper bound; unknown as soon as one row group with values has none. */
function fileBounds(chunks: readonly ColumnChunk[], type: PrimitiveType, nanCount: number): Bounds {
  const stats = chunks.map((chunk) => columnStats(chunk, type)).filter((each) => !isAllNull(each))
  // A chunk of nothing but NaNs has no bounds, and needs none.
  const unbounded = stats.filter(({ lower, upper }) => lower === undefined && upper === undefined)
  const isAllNan =
    nanCount > 0 && sum(unbounded.map(({ valueCount = 0, nullCount = 0 }) => valueCount - nullCount)) <= nanCount
  const bounded = isAllNan ? stats.filter((each) => !unbounded.includes(each)) : stats
  return {
    lower: extreme(
      bounded.map((each) => each.lower),
      (a, b) => compareValues(type, a, b) < 0,
    ),
    upper: extreme(
      bounded.map((each) => each.upper),
      (a, b) => compareValues(type, a, b) > 0,
    ),
  }
}

function isAllNull({ valueCount, nullCount }: ColumnStats): boolean {
  return valueCount === nullCount
}

function extreme(values: readonly (Value | undefined)[], wins: (a: Value, b: Value) => boolean): Value | undefined {
  let best = values[0]
  for (const value of values) {
    if (value === undefined || best === undefined) return undefined
    if (wins(value, best)) best = value
  }
  return best
}

/** A prefix sorts before what it is cut from. */
function shortenLower(type: PrimitiveType, value: Value, mode: MetricsMode): Value {
  if (mode.kind !== 'truncate') return value
  if (type.kind === 'string' && typeof value === 'string') return truncateText(value, mode.length)
  return type.kind === 'binary' && value instanceof Uint8Array ? value.slice(0, mode.length) : value
}

/** A cut upper bound is incremented at its end; undefined where no value of that length is greater. */
function shortenUpper(type: PrimitiveType, value: Value, mode: MetricsMode): Value | undefined {
  if (mode.kind !== 'truncate') return value
  if (type.kind === 'string' && typeof value === 'string') return shortenUpperText(value, mode.length)
  return type.kind === 'binary' && value instanceof Uint8Array ? shortenUpperBytes(value, mode.length) : value
}

function shortenUpperText(text: string, length: number): string | undefined {
  const points = Array.from(text)
  if (points.length <= length) return text
  for (let end = Math.min(length, points.length); end > 0; end--) {
    const next = nextCodePoint(points[end - 1]?.codePointAt(0) ?? 0)
    if (next !== undefined) return points.slice(0, end - 1).join('') + String.fromCodePoint(next)
  }
  return undefined
}

/** Surrogates are no characters of their own: they are stepped over. */
function nextCodePoint(point: number): number | undefined {
  if (point === 0x10ffff) return undefined
  return point === 0xd7ff ? 0xe000 : point + 1
}

function shortenUpperBytes(bytes: Uint8Array, length: number): Uint8Array | undefined {
  if (bytes.length <= length) return bytes
  for (let end = length; end > 0; end--) {
    const last = bytes[end - 1] ?? 0xff
    if (last === 0xff) continue
    const shortened = bytes.slice(0, end)
    shortened[end - 1] = last + 1
    return shortened
  }
  return undefined
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
