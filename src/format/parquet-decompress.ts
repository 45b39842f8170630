/**
 * The bodies of Parquet pages unfolded, for the columns that firn decodes itself (parquet-flat.ts): by Node's zlib, which
 * has threads of its own, zstd on older Nodes in worker threads, and where little is to be done, in place. Each gives
 * exactly the bytes that its header promises.
 */
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { InvalidDataError, UnsupportedError, messageOf } from '../base/errors.ts'
import { decompressLz4Block } from './compression-lz4.ts'
import { decompressSnappy } from './compression-snappy.ts'
import { decompressZstd, isZstdFrame, loadZstd, nativeZstdAside, zstdModuleUrl } from './compression-zstd.ts'
import { startedPool } from './parquet-wasm.ts'

export interface CompressedPage {
  readonly bytes: Uint8Array
  /** What it unfolds to. */
  readonly sizeBytes: number
}

interface DecompressOptions {
  /** Number of a CompressionCodec. */
  readonly codec: number
  readonly isAside: boolean
  readonly location: string
  readonly column: string
  readonly signal?: AbortSignal | undefined
}

const ZSTD = 6
/** Output is taken in pieces of at most so much: a header's promise is no reason to allocate. */
const MAX_CHUNK_BYTES = 4 * 2 ** 20
const MIN_CHUNK_BYTES = 64

type Decompress = (bytes: Uint8Array, sizeBytes: number) => Uint8Array

/** By number; LZ4, which is framed as Hadoop does, is left to arrow-rs. */
const CODECS: ReadonlyMap<number, { readonly name: string; readonly decompress: Decompress }> = new Map([
  [0, { name: 'UNCOMPRESSED', decompress: (bytes) => bytes }],
  [1, { name: 'SNAPPY', decompress: decompressSnappy }],
  [2, { name: 'GZIP', decompress: (bytes, sizeBytes) => gunzipSync(bytes, limits(sizeBytes)) }],
  [4, { name: 'BROTLI', decompress: (bytes, sizeBytes) => brotliDecompressSync(bytes, limits(sizeBytes)) }],
  [ZSTD, { name: 'ZSTD', decompress: decompressZstd }],
  [7, { name: 'LZ4_RAW', decompress: decompressLz4Block }],
])

function limits(sizeBytes: number): { readonly chunkSize: number; readonly maxOutputLength: number } {
  const chunkSize = Math.max(Math.min(sizeBytes + 1, MAX_CHUNK_BYTES), MIN_CHUNK_BYTES)
  return { chunkSize, maxOutputLength: Math.max(sizeBytes, 1) }
}

export function canDecompress(codec: number): boolean {
  return CODECS.has(codec)
}

/** Errors: InvalidDataError where a page is damaged, ServiceError where a thread ended. */
export async function decompressPages(
  pages: readonly CompressedPage[],
  options: DecompressOptions,
): Promise<readonly Uint8Array[]> {
  const { codec, isAside } = options
  if (codec === ZSTD) {
    if (isAside && pages.every(({ bytes, sizeBytes }) => isZstdFrame(bytes, sizeBytes))) {
      const bodies = await decompressZstdAside(pages, options)
      if (bodies?.every(({ length }, i) => length === pages[i]?.sizeBytes) === true) return bodies
    }
    await loadZstd()
  }
  return pages.map((page) => decompressPage(page, options))
}

/** Undefined where it can't be done, or a page is damaged: what is wrong is then told by who tries in place. */
async function decompressZstdAside(
  pages: readonly CompressedPage[],
  { location, signal }: DecompressOptions,
): Promise<readonly Uint8Array[] | undefined> {
  try {
    const native = nativeZstdAside()
    if (native !== undefined) return await Promise.all(pages.map(({ bytes, sizeBytes }) => native(bytes, sizeBytes)))
    const pool = startedPool()
    if (pool === 'none') return undefined
    const job = {
      kind: 'zstd',
      module: zstdModuleUrl(),
      pieces: pages.map(({ bytes }) => bytes),
      lengths: pages.map(({ bytes }) => bytes.length),
      sizes: pages.map(({ sizeBytes }) => sizeBytes),
    } as const
    return await pool.run(job, { location, signal })
  } catch (error) {
    if (error instanceof InvalidDataError || isZlibError(error)) return undefined
    throw error
  }
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(ZSTD|Z|ERR)_/.test(String(error.code))
}

function decompressPage(
  { bytes, sizeBytes }: CompressedPage,
  { codec, location, column }: DecompressOptions,
): Uint8Array {
  const { name, decompress } = CODECS.get(codec) ?? {}
  if (name === undefined || decompress === undefined)
    throw new UnsupportedError(`${location}: column "${column}": codec ${codec}`, { context: { location, column } })
  // Some writers leave out what would be nothing.
  if (sizeBytes === 0) return new Uint8Array(0)
  const { body, problem, cause } = tryTo(() => decompress(bytes, sizeBytes))
  if (body?.length === sizeBytes) return body
  const what = problem ?? `${sizeBytes} bytes were announced, ${body?.length} found`
  throw new InvalidDataError(`${location}: column "${column}": a page can't be decompressed with ${name}: ${what}`, {
    context: { location, column },
    cause,
  })
}

function tryTo(decompress: () => Uint8Array): {
  readonly body?: Uint8Array
  readonly problem?: string
  readonly cause?: unknown
} {
  try {
    return { body: decompress() }
  } catch (cause) {
    return { problem: messageOf(cause), cause }
  }
}
