/** Delete files of a copied table: those that name data files by their location are written anew, with the new ones. */
import { InvalidDataError, UnsupportedError } from '../base/errors.ts'
import type { Row } from '../format/arrow-values.ts'
import { rowGetter } from '../format/arrow-values.ts'
import { parquetMetrics } from '../format/parquet-metrics.ts'
import { readParquet } from '../format/parquet-reader.ts'
import { createParquetWriter } from '../format/parquet-writer.ts'
import { encodePuffin, readPuffinFooter } from '../format/puffin.ts'
import type { FileIO, IoOptions } from '../io/file-io.ts'
import { compareBytewise } from '../io/location.ts'
import { type DataFile, copyDataFile } from '../spec/data-file.ts'
import { DELETE_FILE_PATH, DELETE_POS } from '../spec/metadata-columns.ts'
import { printNameMapping } from '../spec/name-mapping.ts'
import type { Schema } from '../spec/types.ts'
import { toBatches } from '../write/append-input.ts'
import type { MovePath } from './moved-paths.ts'

/** A file as its copy has it. */
export interface MovedFile {
  readonly bytes: Uint8Array
  /** What the manifest entry of `file`, one of those that lie in it, says of the copy. */
  describe(file: DataFile): DataFile
}

const SCHEMA: Schema = { schemaId: 0, identifierFieldIds: [], fields: [DELETE_FILE_PATH, DELETE_POS] }
const NAMES = printNameMapping(SCHEMA.fields.map(({ name, id }) => ({ fieldId: id, names: [name] })))
const REFERENCED = 'referenced-data-file'

/** Whether the file itself names others. */
export function namesFiles({ content }: DataFile): boolean {
  return content === 'position-deletes'
}

export function movedDeletes(io: FileIO, file: DataFile, move: MovePath, options: IoOptions = {}): Promise<MovedFile> {
  return file.fileFormat === 'puffin' ? movedVectors(io, file, move, options) : movedPositions(io, file, move, options)
}

async function movedPositions(
  io: FileIO,
  { filePath, fileFormat, fileSizeInBytes }: DataFile,
  move: MovePath,
  { signal }: IoOptions,
): Promise<MovedFile> {
  if (fileFormat !== 'parquet') throw unsupported(filePath, `its format is ${fileFormat}`)
  const source = {
    location: filePath,
    sizeBytes: fileSizeInBytes,
    read: async (range: Parameters<FileIO['readRange']>[1], readOptions: IoOptions = {}) =>
      (await io.readRange(filePath, range, readOptions)).bytes,
  }
  const rows: Row[] = []
  for await (const { batch } of readParquet(source, { schema: SCHEMA, nameMapping: NAMES, signal })) {
    const get = rowGetter(batch, SCHEMA)
    for (let i = 0; i < batch.numRows; i++) rows.push(get(i))
  }
  const renamed = rows
    .map(({ file_path: path, pos }) => ({ file_path: move(typeof path === 'string' ? path : ''), pos }))
    .toSorted((a, b) => compareBytewise(a.file_path, b.file_path) || Number(a.pos) - Number(b.pos))
  const writer = createParquetWriter({ schema: SCHEMA })
  for await (const batch of toBatches(renamed, SCHEMA)) writer.write(batch)
  const { bytes, footer } = writer.finish()
  const metrics = parquetMetrics(footer, SCHEMA, () => ({ kind: 'full' }), new Map())
  return {
    bytes,
    describe: (file) => ({ ...moved(file, move), fileSizeInBytes: bytes.length, ...metrics }),
  }
}

/** Vectors stay as they are; the footer around them names their data files. */
async function movedVectors(
  io: FileIO,
  { filePath }: DataFile,
  move: MovePath,
  options: IoOptions,
): Promise<MovedFile> {
  // Entries give the size of the file, but not all writers to the byte.
  const { bytes: all } = await io.read(filePath, options)
  const footer = await readPuffinFooter(io, filePath, all.length, options).catch((error: unknown) => {
    if (error instanceof InvalidDataError) return undefined
    throw error
  })
  // Some writers leave the footer out: nothing in the file names others then.
  if (footer === undefined) {
    return { bytes: all, describe: (file) => ({ ...moved(file, move), fileSizeInBytes: all.length }) }
  }
  const blobs = footer.blobs.map((blob) => {
    const { offset, length, compressionCodec, properties, ...info } = blob
    if (compressionCodec !== undefined)
      throw unsupported(filePath, `a blob of it is compressed with ${compressionCodec}`)
    const referenced = properties[REFERENCED]
    const changed = referenced === undefined ? properties : { ...properties, [REFERENCED]: move(referenced) }
    return { ...info, properties: changed, bytes: all.subarray(offset, offset + length) }
  })
  const encoded = encodePuffin(blobs, footer.properties)
  const offsets = new Map(footer.blobs.map((blob, i) => [blob.offset, encoded.footer.blobs[i]?.offset]))
  return {
    bytes: encoded.bytes,
    describe: (file) => {
      const contentOffset = offsets.get(file.contentOffset ?? -1)
      if (contentOffset === undefined) throw unsupported(filePath, `no blob begins at ${String(file.contentOffset)}`)
      return { ...moved(file, move), fileSizeInBytes: encoded.bytes.length, contentOffset }
    },
  }
}

/** The entry of a file, with the locations in it. */
export function moved(file: DataFile, move: MovePath): DataFile {
  const { filePath, referencedDataFile } = file
  const referenced = referencedDataFile === undefined ? {} : { referencedDataFile: move(referencedDataFile) }
  return copyDataFile(file, { filePath: move(filePath), ...referenced })
}

function unsupported(location: string, why: string): UnsupportedError {
  return new UnsupportedError(`${location} cannot be copied with other locations in it: ${why}`, {
    context: { location },
  })
}
