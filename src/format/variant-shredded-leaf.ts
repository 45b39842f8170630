/** Shredded primitive values (VariantShredding.md, "Shredded Value Types"): from a column to the bytes of variants. */
import type { Data } from 'apache-arrow'
import { decodeUnscaled } from '../spec/single-value.ts'
import type { LogicalType, ParquetLeaf } from './parquet-schema.ts'
import {
  variantBinary,
  variantBoolean,
  variantDecimal,
  variantFloating,
  variantInteger,
  variantString,
  variantUuid,
} from './variant-bytes.ts'

type Bind = (data: Data) => (row: number) => Uint8Array
type Integer = Parameters<typeof variantInteger>[0]

/** Reads a column of the leaf's bare physical type, rows that are not null; undefined where no variant has its type. */
export function shreddedLeaf({ physicalType, logicalType, typeLength }: ParquetLeaf): Bind | undefined {
  switch (physicalType) {
    case 'BOOLEAN':
      return logicalType === undefined ? bindBoolean : undefined
    case 'FLOAT':
    case 'DOUBLE': {
      const type = physicalType === 'FLOAT' ? 'float' : 'double'
      return logicalType === undefined
        ? ({ values }) =>
            (row) =>
              variantFloating(type, Number(values[row]))
        : undefined
    }
    case 'INT32':
    case 'INT64':
      return bindInteger(physicalType === 'INT32' ? 32 : 64, logicalType)
    case 'BYTE_ARRAY':
    case 'FIXED_LEN_BYTE_ARRAY': {
      const encode = bytesEncoder(logicalType, typeLength)
      return (
        encode &&
        ((data) => {
          const at = bytesAt(data)
          return (row) => encode(at(row))
        })
      )
    }
    case 'INT96':
      return undefined
  }
}

/** The bytes of a row of a binary column, of any or of one width. */
export function bytesAt(data: Data): (row: number) => Uint8Array {
  const values = data.values as Uint8Array
  const offsets = data.valueOffsets as Int32Array | undefined
  if (offsets !== undefined) return (row) => values.subarray(offsets[row], offsets[row + 1])
  return (row) => values.subarray(row * data.stride, (row + 1) * data.stride)
}

function bindBoolean(data: Data): (row: number) => Uint8Array {
  const bits = data.values as Uint8Array
  return (row) => variantBoolean((((bits[(data.offset + row) >> 3] ?? 0) >> ((data.offset + row) & 7)) & 1) === 1)
}

function bindInteger(bits: 32 | 64, logicalType: LogicalType | undefined): Bind | undefined {
  if (logicalType?.kind === 'decimal') {
    const { scale } = logicalType
    const type = bits === 32 ? 'decimal4' : 'decimal8'
    return ({ values }) =>
      (row) =>
        variantDecimal(type, scale, BigInt(values[row] as number | bigint))
  }
  const type = integerType(bits, logicalType)
  return (
    type &&
    (({ values }) =>
      (row) =>
        variantInteger(type, BigInt(values[row] as number | bigint)))
  )
}

function integerType(bits: 32 | 64, logicalType: LogicalType | undefined): Integer | undefined {
  if (logicalType === undefined) return bits === 32 ? 'int32' : 'int64'
  switch (logicalType.kind) {
    case 'integer':
      if (!logicalType.signed) return undefined
      if (bits === 64) return logicalType.bits === 64 ? 'int64' : undefined
      return logicalType.bits === 8 ? 'int8' : logicalType.bits === 16 ? 'int16' : 'int32'
    case 'date':
      return bits === 32 ? 'date' : undefined
    case 'time':
      return bits === 64 && logicalType.unit === 'us' && !logicalType.utc ? 'time' : undefined
    case 'timestamp': {
      if (bits === 32 || logicalType.unit === 'ms') return undefined
      const kind = logicalType.utc ? 'timestamptz' : 'timestamp'
      return logicalType.unit === 'us' ? kind : `${kind}_ns`
    }
    default:
      return undefined
  }
}

function bytesEncoder(
  logicalType: LogicalType | undefined,
  typeLength: number | undefined,
): ((bytes: Uint8Array) => Uint8Array) | undefined {
  const isFixed = typeLength !== undefined
  switch (logicalType?.kind) {
    case undefined:
      return isFixed ? undefined : variantBinary
    case 'string':
      return isFixed ? undefined : variantString
    case 'uuid':
      return typeLength === 16 ? variantUuid : undefined
    case 'decimal': {
      const { scale } = logicalType
      return (bytes) => variantDecimal('decimal16', scale, decodeUnscaled(bytes))
    }
    default:
      return undefined
  }
}
