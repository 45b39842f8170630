/** What manifests and their lists store as one of a few words. */
import { avroInt, avroMapped, avroString } from '../format/avro-codec.ts'
import type { AvroCodec } from '../format/avro-codec.ts'
import { FILE_CONTENTS, FILE_FORMATS } from '../spec/data-file.ts'
import type { DataFile, FileFormat, ManifestContent, ManifestEntryStatus } from '../spec/data-file.ts'

export const statusCodec: AvroCodec<ManifestEntryStatus> = avroChoice(['existing', 'added', 'deleted'], 'status')
export const fileContentCodec: AvroCodec<DataFile['content']> = avroChoice(FILE_CONTENTS, 'content')
export const manifestContentCodec: AvroCodec<ManifestContent> = avroChoice(['data', 'deletes'], 'content')

/** Stored as its index. */
function avroChoice<T extends string>(words: readonly T[], what: string): AvroCodec<T> {
  return avroMapped(
    avroInt,
    (index, cursor) => words[index] ?? cursor.fail(`${what} ${index} is not known`),
    (word) => words.indexOf(word),
  )
}

const anyFormat: AvroCodec<FileFormat> = avroMapped(
  avroString,
  (text, cursor) => {
    const name = text.toLowerCase()
    return FILE_FORMATS.find((format) => format === name) ?? cursor.fail(`file format "${text}" is not known`)
  },
  (format) => format.toUpperCase(),
)

const PARQUET = Buffer.from('PARQUET')

/** Nearly all are Parquet, and not worth a string for each. */
export const fileFormatCodec: AvroCodec<FileFormat> = {
  ...anyFormat,
  resolve(writer, location) {
    const read = anyFormat.resolve(writer, location)
    return read && ((cursor) => (cursor.skipString(PARQUET) ? 'parquet' : read(cursor)))
  },
}
