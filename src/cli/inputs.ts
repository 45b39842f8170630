/**
 * The files that `import` and `append` take, `-` for standard input: each with the schema that its own rows ask for, and
 * its rows. All are looked at before the warehouse is touched.
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { addAbortSignal } from 'node:stream'
import { mapConcurrent } from '../base/concurrency.ts'
import { NotFoundError, ValidationError } from '../base/errors.ts'
import { readParquetSchema, readPlainParquet } from '../format/parquet-plain.ts'
import { openParquet } from '../format/parquet-source.ts'
import type { ParquetSource } from '../format/parquet-source.ts'
import type { FileIO } from '../io/file-io.ts'
import { localError } from '../io/local-errors.ts'
import { localPath, storeKindOf, toLocation } from '../io/location.ts'
import { openFileIO } from '../io/open-file-io.ts'
import { INPUT_FORMATS } from './choices.ts'
import type { CommandContext, Host } from './command.ts'
import type { Input } from './input.ts'
import { textInput } from './text-input.ts'

const EXTENSIONS: Readonly<Record<string, string>> = { pq: 'parquet', jsonl: 'ndjson' }
const OPEN_CONCURRENCY = 8
const CHUNK_BYTES = 8 * 2 ** 20

export interface InputOptions {
  readonly host: Host
  readonly storeOptions: CommandContext['storeOptions']
  /** In place of what the names tell. */
  readonly format: string | undefined
  readonly formatVersion: 2 | 3
}

/** Errors: ValidationError, NotFoundError, InvalidDataError for what is no Parquet file, those of the store. */
export async function openInputs(
  files: readonly string[],
  options: InputOptions,
): Promise<{ readonly list: readonly Input[]; close(): Promise<void> }> {
  const ios = new Map<string, FileIO>()
  const close = async (): Promise<void> => {
    for (const io of ios.values()) await io.close()
  }
  const list: Input[] = []
  try {
    const opened = mapConcurrent(files, OPEN_CONCURRENCY, (file) => openInput(file, options, ios), options.host.signal)
    for await (const input of opened) list.push(input)
  } catch (error) {
    await close()
    throw error
  }
  return { list, close }
}

async function openInput(name: string, options: InputOptions, ios: Map<string, FileIO>): Promise<Input> {
  const { stdin, stdinIsTty, signal, cwd } = options.host
  if (name === '-') {
    const format = formatOf(name, options.format)
    if (format === 'parquet')
      throw new ValidationError('parquet is read from its end, so not from -: give it as a file')
    if (stdinIsTty) throw new ValidationError('nothing on standard input: name files, or pipe rows into firn')
    return textInput({ name: 'standard input', format, again: false, open: () => addAbortSignal(signal, stdin) })
  }
  const location = toLocation(name, cwd)
  const kind = storeKindOf(location)
  const again = kind !== 'local' || (await isFile(name, location))
  const format = formatOf(name, options.format)
  const settings = await options.storeOptions(location)
  const io = ios.get(kind) ?? openFileIO(location, { ...settings, cacheSizeBytes: 0 })
  ios.set(kind, io)
  if (format !== 'parquet' && kind === 'local') {
    return textInput({ name, format, again, open: () => createReadStream(localPath(location), { signal }) })
  }
  const { sizeBytes } = await io.stat(location, { signal })
  const source: ParquetSource = {
    location: name,
    sizeBytes,
    read: async (range, ioOptions) => (await io.readRange(location, range, ioOptions)).bytes,
  }
  if (format === 'parquet') return parquetInput(source, options)
  return textInput({ name, format, again, open: () => chunksOf(source, signal) })
}

function formatOf(name: string, given: string | undefined): (typeof INPUT_FORMATS)[number] {
  const extension = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase() ?? ''
  const told = given ?? (name === '-' ? 'ndjson' : (EXTENSIONS[extension] ?? extension))
  const format = INPUT_FORMATS.find((known) => known === told)
  if (format !== undefined) return format
  if (given !== undefined) throw new ValidationError(`--format is one of ${INPUT_FORMATS.join(', ')}, not "${given}"`)
  throw new ValidationError(`${name}: its name does not tell what it is: give --format ${INPUT_FORMATS.join(', ')}`)
}

/** Whether it is a file, not a pipe with a name. Says more than "does not exist", which is what a store says of a folder. */
async function isFile(name: string, location: string): Promise<boolean> {
  const stats = await stat(localPath(location)).catch((cause: unknown) => {
    const error = localError(cause, location)
    throw error instanceof NotFoundError
      ? new NotFoundError(`no file ${name}`, { context: { file: name }, cause })
      : error
  })
  if (!stats.isDirectory()) return stats.isFile()
  const example = `${name.replace(/\/$/, '')}/*.parquet`
  throw new ValidationError(`${name} is a folder: name the files in it, ${example}`, { context: { file: name } })
}

/** Of the file only its footer is kept meanwhile. */
async function parquetInput(source: ParquetSource, { formatVersion, host }: InputOptions): Promise<Input> {
  const { signal } = host
  const { footer } = await openParquet(source, { signal })
  return {
    name: source.location,
    rows: footer.rows,
    again: true,
    schema: async () => readParquetSchema(footer, { formatVersion }),
    items: () => readPlainParquet({ ...source, footer }, { formatVersion, signal }),
  }
}

async function* chunksOf(source: ParquetSource, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < source.sizeBytes; offset += CHUNK_BYTES) {
    yield await source.read({ offset, length: Math.min(CHUNK_BYTES, source.sizeBytes - offset) }, { signal })
  }
}
