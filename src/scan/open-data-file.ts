/** Opens the Parquet files that manifests list: data files and delete files. */
import { InvalidDataError, UnsupportedError } from '../base/errors.ts'
import { type OpenOptions, type OpenParquetSource, type ParquetSource, openParquet } from '../format/parquet-source.ts'
import type { FileIO } from '../io/file-io.ts'
import type { DataFile } from '../spec/data-file.ts'

/** Some writers record a size that is not the file's: where no footer is found by it, the store is asked. */
export async function openDataFile(file: DataFile, io: FileIO, options: OpenOptions = {}): Promise<OpenParquetSource> {
  checkReadable(file)
  const { filePath, fileSizeInBytes } = file
  try {
    return await openParquet(sourceOf(io, filePath, fileSizeInBytes), options)
  } catch (error) {
    if (!(error instanceof InvalidDataError)) throw error
    const { sizeBytes } = await io.stat(filePath, options)
    if (sizeBytes === fileSizeInBytes) throw error
    return openParquet(sourceOf(io, filePath, sizeBytes), options)
  }
}

/** UnsupportedError for files of other formats, and for encrypted ones. */
export function checkReadable({ filePath, fileFormat, keyMetadata }: DataFile): void {
  const refuse = (why: string): never => {
    throw new UnsupportedError(`${filePath} cannot be read: ${why}`, {
      context: { location: filePath, format: fileFormat },
    })
  }
  if (fileFormat !== 'parquet') refuse(`its format is ${fileFormat}, and firn reads Parquet only`)
  if (keyMetadata !== undefined) refuse('it is encrypted')
}

function sourceOf(io: FileIO, location: string, sizeBytes: number): ParquetSource {
  return {
    location,
    sizeBytes,
    read: async (range, options) => (await io.readRange(location, range, options)).bytes,
  }
}
