/**
 * Data and delete files as JSON, to be read elsewhere: members by the names of the REST specification's `ContentFile`, but
 * partition values by the bytes of bounds, which hold decimals too that truncation took beyond their precision. Metrics
 * are left out: they are for planning.
 */
import type { JsonCursor, PrintableObject } from '../base/json.ts'
import { type DataFile, FILE_CONTENTS, FILE_FORMATS } from './data-file.ts'
import { decodeSingleValue, decodeUnscaled, encodeSingleValue } from './single-value.ts'
import type { PrimitiveType } from './types.ts'
import type { Value } from './value.ts'

/** `partitionTypes` are those of the fields of the file's partition spec. */
export function printDataFile(file: DataFile, partitionTypes: readonly PrimitiveType[]): PrintableObject {
  const { keyMetadata } = file
  return {
    content: file.content,
    'file-path': file.filePath,
    'file-format': file.fileFormat,
    'spec-id': file.specId,
    partition: partitionTypes.map((type, i) => {
      const value = file.partition[i] ?? null
      return value === null ? null : Buffer.from(encodeSingleValue(type, value)).toString('hex')
    }),
    'record-count': file.recordCount,
    'file-size-in-bytes': file.fileSizeInBytes,
    'key-metadata': keyMetadata && Buffer.from(keyMetadata).toString('hex'),
    'split-offsets': file.splitOffsets,
    'equality-ids': file.equalityIds,
    'sort-order-id': file.sortOrderId,
    'first-row-id': file.firstRowId,
    'referenced-data-file': file.referencedDataFile,
    'content-offset': file.contentOffset,
    'content-size-in-bytes': file.contentSizeInBytes,
  }
}

/** InvalidDataError naming the path of what is wrong. */
export function parseDataFile(
  cursor: JsonCursor,
  partitionTypesOf: (specId: number) => readonly PrimitiveType[],
): DataFile {
  const specId = cursor.get('spec-id').integer()
  const types = partitionTypesOf(specId)
  const values = cursor.get('partition').array()
  if (values.length !== types.length) cursor.get('partition').fail(`${types.length} partition values`)
  return {
    content: oneOf(cursor.get('content'), FILE_CONTENTS),
    filePath: cursor.get('file-path').string(),
    fileFormat: oneOf(cursor.get('file-format'), FILE_FORMATS),
    specId,
    partition: types.map((type, i) => {
      const value = values[i]
      return value === undefined || value.value === null ? null : decodeValue(type, bytesOf(value))
    }),
    recordCount: cursor.get('record-count').integer(),
    fileSizeInBytes: cursor.get('file-size-in-bytes').integer(),
    keyMetadata: cursor.optional('key-metadata', bytesOf),
    splitOffsets: cursor.optional('split-offsets', integers),
    equalityIds: cursor.optional('equality-ids', integers),
    sortOrderId: cursor.optional('sort-order-id', integer),
    firstRowId: cursor.optional('first-row-id', (id) => id.long()),
    referencedDataFile: cursor.optional('referenced-data-file', (path) => path.string()),
    contentOffset: cursor.optional('content-offset', integer),
    contentSizeInBytes: cursor.optional('content-size-in-bytes', integer),
  }
}

function oneOf<T extends string>(cursor: JsonCursor, known: readonly T[]): T {
  const text = cursor.string()
  return known.find((each) => each === text) ?? cursor.fail(`one of ${known.join(', ')}`)
}

/** A truncated decimal may have a digit more than its column: bounds have none such. */
function decodeValue(type: PrimitiveType, bytes: Uint8Array): Value {
  return type.kind === 'decimal' ? decodeUnscaled(bytes) : decodeSingleValue(type, bytes)
}

function bytesOf(cursor: JsonCursor): Uint8Array {
  const text = cursor.string()
  return /^(?:[0-9a-f]{2})*$/.test(text) ? Buffer.from(text, 'hex') : cursor.fail('bytes in hexadecimal')
}

function integer(cursor: JsonCursor): number {
  return cursor.integer()
}

function integers(cursor: JsonCursor): number[] {
  return cursor.array().map(integer)
}
