/** What manifests and their lists store as one of a few words. */
import { avroInt, avroString } from '../format/avro-codec.ts'
import type { AvroCodec, AvroDecode } from '../format/avro-codec.ts'
import type { AvroCursor } from '../format/avro-cursor.ts'
import { FILE_CONTENTS, FILE_FORMATS } from '../spec/data-file.ts'
import type { DataFile, FileFormat, ManifestContent, ManifestEntryStatus } from '../spec/data-file.ts'

const STATUSES: readonly ManifestEntryStatus[] = ['existing', 'added', 'deleted']
const MANIFEST_CONTENTS: readonly ManifestContent[] = ['data', 'deletes']
const PARQUET = Buffer.from('PARQUET')

export function readStatus(cursor: AvroCursor): ManifestEntryStatus {
  return readChoice(cursor, STATUSES, 'status')
}

export function readContent(cursor: AvroCursor): DataFile['content'] {
  return readChoice(cursor, FILE_CONTENTS, 'content')
}

function readManifestContent(cursor: AvroCursor): ManifestContent {
  return readChoice(cursor, MANIFEST_CONTENTS, 'content')
}

function readChoice<T extends string>(cursor: AvroCursor, words: readonly T[], what: string): T {
  const index = cursor.int()
  return words[index] ?? cursor.fail(`${what} ${index} is not known`)
}

/** Nearly all are Parquet, and not worth a string for each. */
export function readFileFormat(cursor: AvroCursor): FileFormat {
  if (cursor.skipString(PARQUET)) return 'parquet'
  const text = cursor.string()
  const name = text.toLowerCase()
  return FILE_FORMATS.find((format) => format === name) ?? cursor.fail(`file format "${text}" is not known`)
}

export const statusCodec: AvroCodec<ManifestEntryStatus> = choiceCodec(STATUSES, readStatus)
export const fileContentCodec: AvroCodec<DataFile['content']> = choiceCodec(FILE_CONTENTS, readContent)
export const manifestContentCodec: AvroCodec<ManifestContent> = choiceCodec(MANIFEST_CONTENTS, readManifestContent)

export const fileFormatCodec: AvroCodec<FileFormat> = {
  schema: avroString.schema,
  write: (sink, format) => sink.string(format.toUpperCase()),
  resolve: (writer, location) => avroString.resolve(writer, location) && readFileFormat,
}

/** Stored as its index. */
function choiceCodec<T extends string>(words: readonly T[], read: AvroDecode<T>): AvroCodec<T> {
  return {
    schema: avroInt.schema,
    write: (sink, word) => sink.int(words.indexOf(word)),
    resolve: (writer, location) => avroInt.resolve(writer, location) && read,
  }
}
