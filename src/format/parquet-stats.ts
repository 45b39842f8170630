/**
 * Statistics of a footer as Iceberg values, for pruning by row group and for the bounds of data files. A bound is only
 * given where it certainly holds: of another type than the column has now, NaN, or cut off, it is left out.
 */
import { decodeUnscaled, decodeUuid } from '../spec/single-value.ts'
import type { NestedField, PrimitiveType, Schema } from '../spec/types.ts'
import { isPrimitive } from '../spec/types.ts'
import type { Value } from '../spec/value.ts'
import type { ColumnChunk, ParquetFooter } from './parquet-footer.ts'
import type { ParquetLeaf, TimeUnitName } from './parquet-schema.ts'

/** What is known of a column's values in some rows; undefined is unknown. Bounds leave out nulls and NaNs. */
export interface ColumnStats {
  readonly valueCount?: number | undefined
  readonly nullCount?: number | undefined
  readonly nanCount?: number | undefined
  readonly lower?: Value | undefined
  readonly upper?: Value | undefined
}

type Side = 'lower' | 'upper'

const NANOS_PER_UNIT: Readonly<Record<TimeUnitName, bigint>> = { ms: 1_000_000n, us: 1_000n, ns: 1n }
const NANOS_PER_DAY = 86_400_000_000_000n

/** Statistics of a row group by field id, in the types that `schema` has now; undefined for columns not in the file. */
export function rowGroupStats(
  footer: ParquetFooter,
  rowGroupIndex: number,
  schema: Schema,
): (fieldId: number) => ColumnStats | undefined {
  const types = boundedTypes(schema)
  const chunks = new Map(footer.rowGroups[rowGroupIndex]?.columns.map((chunk) => [chunk.leaf.fieldId, chunk]))
  return (fieldId) => {
    const type = types.get(fieldId)
    const chunk = chunks.get(fieldId)
    return type === undefined || chunk === undefined ? undefined : columnStats(chunk, type)
  }
}

/** Statistics of one column chunk as values of `type`. */
export function columnStats(chunk: ColumnChunk, type: PrimitiveType): ColumnStats {
  const { min, max, nullCount } = chunk.statistics
  return {
    valueCount: chunk.numValues,
    nullCount,
    lower: min && decodeBound(chunk.leaf, type, min, 'lower'),
    upper: max && decodeBound(chunk.leaf, type, max, 'upper'),
  }
}

/** Types by field id of the primitive columns that are not within lists or maps: those that have bounds. */
export function boundedTypes(schema: Schema): ReadonlyMap<number, PrimitiveType> {
  const known = memo.get(schema)
  if (known !== undefined) return known
  const types = new Map<number, PrimitiveType>()
  const visit = (field: NestedField): void => {
    if (field.type.kind === 'struct') field.type.fields.forEach(visit)
    else if (isPrimitive(field.type)) types.set(field.id, field.type)
  }
  schema.fields.forEach(visit)
  memo.set(schema, types)
  return types
}

const memo = new WeakMap<Schema, ReadonlyMap<number, PrimitiveType>>()

/** A plain-encoded bound as a value of `type`; undefined where it would not certainly hold. */
export function decodeBound(leaf: ParquetLeaf, type: PrimitiveType, bytes: Uint8Array, side: Side): Value | undefined {
  switch (type.kind) {
    case 'boolean':
      return leaf.physicalType === 'BOOLEAN' && bytes.length === 1 ? bytes[0] !== 0 : undefined
    case 'int': {
      const value = integerBound(leaf, bytes)
      return value === undefined || BigInt.asIntN(32, value) !== value ? undefined : Number(value)
    }
    case 'long':
      return integerBound(leaf, bytes)
    case 'float':
    case 'double':
      return floatingBound(leaf, bytes, side)
    case 'decimal':
      return decimalBound(leaf, type.scale, bytes)
    case 'date':
      return leaf.logicalType?.kind === 'date' && bytes.length === 4 ? viewOf(bytes).getInt32(0, true) : undefined
    case 'time':
      return timeBound(leaf, 'time', bytes, side)
    case 'timestamp':
    case 'timestamptz':
      return timeBound(leaf, 'timestamp', bytes, side)
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return timeBound(leaf, 'timestamp', bytes, side, 'ns')
    case 'string':
      return leaf.physicalType === 'BYTE_ARRAY' ? decodeText(bytes) : undefined
    case 'uuid':
      return leaf.typeLength === 16 && bytes.length === 16 ? decodeUuid(bytes) : undefined
    case 'fixed':
      return leaf.typeLength === type.length && bytes.length === type.length ? bytes : undefined
    case 'binary':
      return leaf.physicalType === 'BYTE_ARRAY' ? bytes : undefined
    case 'unknown':
    case 'geometry':
    case 'geography':
      return undefined
  }
}

/** Little-endian integer of the physical type; undefined where it stands for something else than a number. */
function integerBound({ physicalType, logicalType }: ParquetLeaf, bytes: Uint8Array): bigint | undefined {
  if (logicalType !== undefined && logicalType.kind !== 'integer') return undefined
  const value = physicalInteger(physicalType, bytes)
  const unsigned = logicalType !== undefined && !logicalType.signed
  return value === undefined || !unsigned ? value : BigInt.asUintN(physicalType === 'INT32' ? 32 : 64, value)
}

function physicalInteger(physicalType: string, bytes: Uint8Array): bigint | undefined {
  if (physicalType === 'INT32' && bytes.length === 4) return BigInt(viewOf(bytes).getInt32(0, true))
  return physicalType === 'INT64' && bytes.length === 8 ? viewOf(bytes).getBigInt64(0, true) : undefined
}

/** NaN is no bound; a zero may stand for both zeros, and -0.0 comes before 0.0 (spec, "Manifests"). */
function floatingBound({ physicalType }: ParquetLeaf, bytes: Uint8Array, side: Side): number | undefined {
  const isFloat = physicalType === 'FLOAT' && bytes.length === 4
  if (!isFloat && !(physicalType === 'DOUBLE' && bytes.length === 8)) return undefined
  const value = isFloat ? viewOf(bytes).getFloat32(0, true) : viewOf(bytes).getFloat64(0, true)
  if (Number.isNaN(value)) return undefined
  if (value === 0) return side === 'lower' ? -0 : 0
  return value
}

function decimalBound(
  { physicalType, logicalType }: ParquetLeaf,
  scale: number,
  bytes: Uint8Array,
): bigint | undefined {
  if (logicalType?.kind !== 'decimal' || logicalType.scale !== scale || bytes.length === 0) return undefined
  return (
    physicalInteger(physicalType, bytes) ?? (physicalType.endsWith('BYTE_ARRAY') ? decodeUnscaled(bytes) : undefined)
  )
}

/** Times and timestamps of any unit, and dates where the column is a timestamp now, in µs or ns. */
function timeBound(
  leaf: ParquetLeaf,
  kind: 'time' | 'timestamp',
  bytes: Uint8Array,
  side: Side,
  unit: TimeUnitName = 'us',
): bigint | undefined {
  const { logicalType } = leaf
  const value = physicalInteger(leaf.physicalType, bytes)
  if (value === undefined || logicalType === undefined) return undefined
  if (logicalType.kind === 'date')
    return kind === 'timestamp' ? (value * NANOS_PER_DAY) / NANOS_PER_UNIT[unit] : undefined
  if (logicalType.kind !== kind) return undefined
  const nanos = value * NANOS_PER_UNIT[logicalType.unit]
  const divisor = NANOS_PER_UNIT[unit]
  const below = (nanos - (((nanos % divisor) + divisor) % divisor)) / divisor
  return side === 'lower' || below * divisor === nanos ? below : below + 1n
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
