/**
 * What a table's properties say of its data files, read once per write. Settings that would silently not be honoured are
 * refused by name.
 */
import { UnsupportedError } from '../base/errors.ts'
import type { ParquetCodec } from '../format/parquet-wasm.ts'
import { parseParquetCodec } from '../format/parquet-wasm.ts'
import {
  FILE_FORMAT,
  FILE_FORMAT_DEFAULT,
  PARQUET_COMPRESSION,
  PARQUET_COMPRESSION_DEFAULT,
  PARQUET_ROW_GROUP_SIZE_BYTES,
  PARQUET_ROW_GROUP_SIZE_BYTES_DEFAULT,
  TARGET_FILE_SIZE_BYTES,
  TARGET_FILE_SIZE_BYTES_DEFAULT,
  longProperty,
  stringProperty,
} from '../spec/properties.ts'
import type { TableProperties } from '../spec/properties.ts'

export interface WriteSettings {
  readonly targetFileSizeBytes: number
  readonly rowGroupSizeBytes: number
  readonly codec: ParquetCodec
}

/** Refused whatever their value, but for the ones that ask for nothing. */
const REFUSED: readonly (readonly [name: RegExp, harmless: RegExp, reason: string])[] = [
  [/^write\.parquet\.compression-level$/, /^(null|\s*)$/i, 'the level of compression is fixed'],
  [/^write\.parquet\.bloom-filter-enabled\.column\./, /^false$/i, 'bloom filters are not written'],
  [/^write\.parquet\.shred-variants$/, /^false$/i, 'variants are written whole'],
  [/^encryption\.key-id$/, /^$/, 'encrypted files are not written'],
]

/** Errors: UnsupportedError naming the property, ValidationError for values that can't be read. */
export function readWriteSettings(properties: TableProperties): WriteSettings {
  const format = stringProperty(properties, FILE_FORMAT, FILE_FORMAT_DEFAULT)
  if (format.toLowerCase() !== FILE_FORMAT_DEFAULT) throw refusal(FILE_FORMAT, format, 'only Parquet files are written')
  for (const [property, value] of Object.entries(properties)) {
    const rule = REFUSED.find(([name]) => name.test(property))
    if (rule !== undefined && !rule[1].test(value)) throw refusal(property, value, rule[2])
  }
  return {
    targetFileSizeBytes: longProperty(properties, TARGET_FILE_SIZE_BYTES, TARGET_FILE_SIZE_BYTES_DEFAULT),
    rowGroupSizeBytes: longProperty(properties, PARQUET_ROW_GROUP_SIZE_BYTES, PARQUET_ROW_GROUP_SIZE_BYTES_DEFAULT),
    codec: parseParquetCodec(stringProperty(properties, PARQUET_COMPRESSION, PARQUET_COMPRESSION_DEFAULT)),
  }
}

function refusal(property: string, value: string, reason: string): UnsupportedError {
  return new UnsupportedError(`table property ${property} is "${value}", but ${reason}: unset it to write`, {
    context: { property, value },
  })
}
