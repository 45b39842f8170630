/**
 * The door to parquet-wasm (arrow-rs in WebAssembly), and the only file that knows it. Only its synchronous calls are
 * used, `writeParquet` and `readParquet` over bytes in memory: they fail by throwing, while its asynchronous ones hang
 * for ever when a range read is rejected or Rust panics. The reader therefore hands it small files made of just the
 * column chunks that it needs (parquet-assembly.ts), and the writer has it encode one row group at a time.
 */
import { createRequire } from 'node:module'
import type * as ParquetWasm from 'parquet-wasm'
import { type RecordBatch, type Schema, tableFromIPC } from 'apache-arrow'
import { InvalidDataError, UnsupportedError, messageOf } from '../base/errors.ts'
import { printArrowStream } from './arrow-ipc.ts'
import { type EncoderSettings, MAX_WASM_BYTES, WorkerPool, workerCount } from './parquet-workers.ts'

/** Codecs that can be written, and their names in parquet-wasm. */
const CODECS = {
  uncompressed: 'UNCOMPRESSED',
  snappy: 'SNAPPY',
  gzip: 'GZIP',
  brotli: 'BROTLI',
  zstd: 'ZSTD',
  lz4_raw: 'LZ4_RAW',
} as const
export type ParquetCodec = keyof typeof CODECS

/** How pages are made: readers get the same rows. Undefined leaves it to arrow-rs: 1 MiB, 1 MiB, version 1. */
export interface ParquetEncoding {
  readonly codec: ParquetCodec
  readonly pageSizeBytes?: number | undefined
  readonly dictionarySizeBytes?: number | undefined
  readonly pageVersion?: 'v1' | 'v2' | undefined
  /** Top-level columns to be written without a dictionary. */
  readonly plainColumns?: readonly string[] | undefined
}

/** `created_by` of the files that firn writes, in the form that parquet-mr parses. */
export const CREATED_BY = 'firn version 0.1.0 (build parquet-wasm 0.8.0)'

/** Names of the errors by which WebAssembly ends: not an `instanceof`, they may come from another realm. */
const TRAPS: ReadonlySet<string> = new Set(['RuntimeError', 'RangeError'])

const MAX_INT: number = 2 ** 31 - 1

let loaded: typeof ParquetWasm | undefined
let pool: WorkerPool | 'none' | undefined

/** The value of `write.parquet.compression-codec`; UnsupportedError names what can be written. */
export function parseParquetCodec(text: string): ParquetCodec {
  const codec = text.toLowerCase() === 'none' ? 'uncompressed' : text.toLowerCase()
  if (Object.hasOwn(CODECS, codec)) return codec as ParquetCodec
  throw new UnsupportedError(`can't write Parquet with codec "${text}": use one of ${Object.keys(CODECS).join(', ')}`, {
    context: { codec: text },
  })
}

/** Encodes the batches, all of `schema`, as a Parquet file of one row group (of none where they hold no rows). */
export function encodeParquet(schema: Schema, batches: readonly RecordBatch[], encoding: ParquetEncoding): Uint8Array {
  const ipc = Buffer.concat(printArrowStream(schema, batches))
  return call((wasm) => {
    let builder = new wasm.WriterPropertiesBuilder()
    for (const [method, ...values] of encoderSettings(wasm, encoding)) {
      // Each call consumes the builder and returns another.
      builder = Reflect.apply(Reflect.get(builder, method as string) as Apply, builder, values)
    }
    // Both arguments are consumed, whatever comes of it.
    return wasm.writeParquet(wasm.Table.fromIPCStream(ipc), builder.build())
  }, 'encode')
}

/** The same for encoder threads, which make the builder themselves. */
export function settingsOf(encoding: ParquetEncoding): EncoderSettings {
  return call((wasm) => encoderSettings(wasm, encoding), 'encode')
}

/** Whether there may be threads, which encode and decode aside. */
export function hasWorkers(): boolean {
  return workerCount() > 0 && pool !== 'none'
}

/** The worker threads that all work shares. */
export function startedPool(): WorkerPool | 'none' {
  pool ??= createPool()
  return pool
}

/** Node can forbid threads: `--permission`, for one. */
function createPool(): WorkerPool | 'none' {
  const size = workerCount()
  if (size === 0) return 'none'
  try {
    return new WorkerPool(createRequire(import.meta.url).resolve('parquet-wasm'), size)
  } catch {
    return 'none'
  }
}

type Apply = (...values: readonly unknown[]) => ParquetWasm.WriterPropertiesBuilder

function encoderSettings(wasm: typeof ParquetWasm, encoding: ParquetEncoding): EncoderSettings {
  const { codec, pageSizeBytes, dictionarySizeBytes, pageVersion, plainColumns = [] } = encoding
  const settings: (string | number | boolean)[][] = [
    ['setCompression', wasm.Compression[CODECS[codec]]],
    ['setMaxRowGroupSize', MAX_INT],
  ]
  if (pageSizeBytes !== undefined) settings.push(['setDataPageSizeLimit', Math.min(pageSizeBytes, MAX_INT)])
  if (dictionarySizeBytes !== undefined)
    settings.push(['setDictionaryPageSizeLimit', Math.min(dictionarySizeBytes, MAX_INT)])
  if (pageVersion !== undefined)
    settings.push(['setWriterVersion', wasm.WriterVersion[pageVersion === 'v1' ? 'V1' : 'V2']])
  for (const name of plainColumns) settings.push(['setColumnDictionaryEnabled', name, false])
  return settings
}

export interface DecodeWindow {
  readonly offset: number
  readonly limit: number
  readonly batchRows: number
}

/** Decodes some rows of a whole Parquet file in memory. Throws InvalidDataError for bytes that arrow-rs refuses. */
export function decodeParquet(file: Uint8Array, window: DecodeWindow, location: string): RecordBatch[] {
  const streams = call((wasm) => {
    const table = wasm.readParquet(file, readerOptions(window))
    // One by one: a stream of all takes its memory once more, which the instance would keep.
    const batches = Array.from({ length: table.numBatches }, (_, i) => table.recordBatch(i)?.intoIPCStream())
    table.free()
    return batches
  }, location)
  return streams.flatMap((stream) => (stream === undefined ? [] : tableFromIPC(stream).batches))
}

/** The same in a worker thread, where there are some. ServiceError where the thread ends. */
export async function decodeParquetAside(
  file: Uint8Array,
  window: DecodeWindow,
  options: { readonly location: string; readonly signal?: AbortSignal | undefined },
): Promise<RecordBatch[]> {
  const workers = startedPool()
  if (workers === 'none') return decodeParquet(file, window, options.location)
  const streams = await workers.run({ kind: 'decode', pieces: [file], options: readerOptions(window) }, options)
  return streams.flatMap((stream) => tableFromIPC(stream).batches)
}

function readerOptions({ offset, limit, batchRows }: DecodeWindow): {
  readonly batchSize: number
  readonly offset: number
  readonly limit: number
} {
  return { batchSize: batchRows, offset, limit }
}

/**
 * Runs one call. A trap (a Rust panic, memory exhausted) leaves the instance in an unknown state: it is dropped, and the
 * next call starts with a fresh one.
 */
function call<T>(work: (wasm: typeof ParquetWasm) => T, location: string): T {
  loaded ??= load()
  try {
    const result = work(loaded)
    if (wasmBytes(loaded) > MAX_WASM_BYTES) loaded = undefined
    return result
  } catch (error) {
    if (error instanceof Error && TRAPS.has(error.name)) loaded = undefined
    throw new InvalidDataError(`${location}: Parquet data can't be processed: ${messageOf(error)}`, {
      context: { location },
      cause: error,
    })
  }
}

function wasmBytes(wasm: typeof ParquetWasm): number {
  return (wasm.wasmMemory() as { readonly buffer: ArrayBuffer }).buffer.byteLength
}

/**
 * A fresh instance. Each has a `require` of its own and leaves the cache at once: Node keeps what a `require` has loaded
 * for as long as that is there, and with it the memory of instances that broke down.
 */
function load(): typeof ParquetWasm {
  const require = createRequire(import.meta.url)
  const wasm = require('parquet-wasm') as typeof ParquetWasm
  Reflect.deleteProperty(require.cache, require.resolve('parquet-wasm'))
  return wasm
}
