/**
 * What a table's properties say of its data files, read once per write. Those that would silently not be honoured are
 * refused by name (spec/known-properties.ts lists them all).
 */
import type { ParquetEncoding } from '../format/parquet-wasm.ts'
import { parseParquetCodec } from '../format/parquet-wasm.ts'
import { checkHonoured, refusal } from '../spec/known-properties.ts'
import {
  FILE_FORMAT,
  FILE_FORMAT_DEFAULT,
  PARQUET_COMPRESSION,
  PARQUET_COMPRESSION_DEFAULT,
  PARQUET_DICT_SIZE_BYTES,
  PARQUET_PAGE_SIZE_BYTES,
  PARQUET_PAGE_VERSION,
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
  readonly encoding: ParquetEncoding
}

/** Errors: UnsupportedError naming the property, ValidationError for values that can't be read. */
export function readWriteSettings(properties: TableProperties): WriteSettings {
  const format = stringProperty(properties, FILE_FORMAT, FILE_FORMAT_DEFAULT)
  if (format.toLowerCase() !== FILE_FORMAT_DEFAULT) throw refusal(FILE_FORMAT, format, 'only Parquet files are written')
  checkHonoured(properties)
  return {
    targetFileSizeBytes: longProperty(properties, TARGET_FILE_SIZE_BYTES, TARGET_FILE_SIZE_BYTES_DEFAULT),
    rowGroupSizeBytes: longProperty(properties, PARQUET_ROW_GROUP_SIZE_BYTES, PARQUET_ROW_GROUP_SIZE_BYTES_DEFAULT),
    encoding: {
      codec: parseParquetCodec(stringProperty(properties, PARQUET_COMPRESSION, PARQUET_COMPRESSION_DEFAULT)),
      pageSizeBytes: sizeProperty(properties, PARQUET_PAGE_SIZE_BYTES),
      dictionarySizeBytes: sizeProperty(properties, PARQUET_DICT_SIZE_BYTES),
      pageVersion: pageVersion(properties),
    },
  }
}

/** Undefined where it isn't set. */
function sizeProperty(properties: TableProperties, key: string): number | undefined {
  const sizeBytes = longProperty(properties, key, Number.NaN)
  return Number.isNaN(sizeBytes) ? undefined : Math.max(1, sizeBytes)
}

function pageVersion(properties: TableProperties): ParquetEncoding['pageVersion'] {
  const text = stringProperty(properties, PARQUET_PAGE_VERSION, 'v1')
  const version = text.toLowerCase()
  if (version === 'v1' || version === 'v2') return version
  throw refusal(PARQUET_PAGE_VERSION, text, 'pages are v1 or v2')
}
