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
import { SLAB_BYTES } from './page-slabs.ts'
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

export interface PageBody {
  readonly bytes: Uint8Array
  /** To be called once nobody will look at the bytes any more: others may come to lie there. */
  readonly release?: (() => void) | undefined
}

/** Errors: InvalidDataError where a page is damaged, ServiceError where a thread ended. */
export async function decompressPages(
  pages: readonly CompressedPage[],
  options: DecompressOptions,
): Promise<readonly PageBody[]> {
  if (options.codec !== ZSTD) return pages.map((page) => ({ bytes: decompressPage(page, options) }))
  const groups = await Promise.all(slabfuls(pages).map((group) => decompressZstdPages(group, options)))
  return groups.flat()
}

/** Pages that follow one another and unfold to no more than a slab, or are one. */
function slabfuls(pages: readonly CompressedPage[]): CompressedPage[][] {
  const groups: CompressedPage[][] = []
  let left = 0
  for (const page of pages) {
    const taken = aligned(page.sizeBytes)
    if (groups.length === 0 || taken > left) {
      groups.push([])
      left = SLAB_BYTES
    }
    groups.at(-1)?.push(page)
    left -= taken
  }
  return groups
}

/** Bytes are moved faster by eights. */
function aligned(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 8) * 8
}

async function decompressZstdPages(
  pages: readonly CompressedPage[],
  options: DecompressOptions,
): Promise<readonly PageBody[]> {
  if (options.isAside && pages.every(({ bytes, sizeBytes }) => isZstdFrame(bytes, sizeBytes))) {
    const bodies = await decompressZstdAside(pages, options)
    if (bodies?.every(({ bytes }, i) => bytes.length === pages[i]?.sizeBytes) === true) return bodies
    for (const { release } of bodies ?? []) release?.()
  }
  await loadZstd()
  return pages.map((page) => ({ bytes: decompressPage(page, options) }))
}

/** Undefined where it can't be done, or a page is damaged: what is wrong is then told by who tries in place. */
async function decompressZstdAside(
  pages: readonly CompressedPage[],
  { location, signal }: DecompressOptions,
): Promise<readonly PageBody[] | undefined> {
  try {
    const native = nativeZstdAside()
    if (native !== undefined) {
      const contents = await Promise.all(pages.map(({ bytes, sizeBytes }) => native(bytes, sizeBytes)))
      return contents.map((bytes) => ({ bytes }))
    }
    const pool = startedPool()
    if (pool === 'none') return undefined
    let end = 0
    const places = pages.map(({ sizeBytes }) => (end += aligned(sizeBytes)) - aligned(sizeBytes))
    const job = {
      kind: 'zstd',
      module: zstdModuleUrl(),
      pieces: pages.map(({ bytes }) => bytes),
      lengths: pages.map(({ bytes }) => bytes.length),
      sizes: pages.map(({ sizeBytes }) => sizeBytes),
      places,
      end,
    } as const
    const bodies = await pool.run(job, { location, signal })
    return releasedTogether(bodies, (first) => pool.takeBack(first))
  } catch (error) {
    if (error instanceof InvalidDataError || isZlibError(error)) return undefined
    throw error
  }
}

/** `release` is called as the last of them is released. */
function releasedTogether(bodies: readonly Uint8Array[], release: (first: Uint8Array) => void): PageBody[] {
  const held = new Set(bodies)
  const [first] = bodies
  return bodies.map((bytes) => ({
    bytes,
    release: () => {
      if (held.delete(bytes) && held.size === 0 && first !== undefined) release(first)
    },
  }))
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
