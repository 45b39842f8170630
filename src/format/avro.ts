/**
 * Avro object container files: header, blocks, sync markers. Manifests and manifest lists are read and written through
 * here, with no randomness, so that equal input gives equal bytes; synchronously, but for blocks that are inflated ahead.
 */
import { createHash } from 'node:crypto'
import { mapConcurrent } from '../base/concurrency.ts'
import { InvalidDataError, UnsupportedError } from '../base/errors.ts'
import { JsonCursor, parseJson, printJson } from '../base/json.ts'
import type { JsonObject, JsonValue } from '../base/json.ts'
import { LatestResults, memoizeWeak } from '../base/memo.ts'
import { resolveUnion } from './avro-codec.ts'
import type { AvroCodec, AvroDecode, AvroReader } from './avro-codec.ts'
import { AvroCursor } from './avro-cursor.ts'
import { parseAvroSchema } from './avro-schema.ts'
import type { AvroNode } from './avro-schema.ts'
import { AvroSink } from './avro-sink.ts'
import { MAX_BLOCK_BYTES, avroCodec, compressBlock, decompress, inflateInThread, prepareCodec } from './compression.ts'
import type { AvroCompression, Codec } from './compression.ts'

/** A file whose header is read: its records are read by `readAvro` with a codec of the caller's choice. */
export interface AvroFile {
  readonly location: string
  readonly schema: AvroNode
  /** The header's key-value metadata, Avro's own keys among them. */
  readonly metadata: ReadonlyMap<string, string>
  readonly bytes: Uint8Array
  readonly blocksOffset: number
}

export interface AvroWriteOptions {
  /** Entries of the header beside Avro's own. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly compression?: AvroCompression | undefined
}

const MAGIC = Uint8Array.of(0x4f, 0x62, 0x6a, 0x01)
/** Of AES GCM streams (spec, "Encryption"): `AGS1`. */
const ENCRYPTED_MAGIC = Uint8Array.of(0x41, 0x47, 0x53, 0x31)
const SYNC_LENGTH = 16
const BLOCK_BYTES = 1024 * 1024
const MAX_RECORDS = 256
/**
 * Entries that a filter leaves out are passed over faster than one thread inflates them: one block ahead is not enough. Node
 * has four such threads, which files and host names need too, and each block ahead is another one in memory.
 */
const BLOCKS_AHEAD = 3

/** To be awaited before records are read: the decoder of their blocks may have to be loaded. Errors: those of `openAvro`. */
export async function prepareAvro(bytes: Uint8Array, location: string): Promise<void> {
  if (openAvro(bytes, location).metadata.get('avro.codec') === 'zstandard') await prepareCodec('zstd')
}

/** Files of one writer have one schema, and there are many of them. */
const parsedSchemas = new LatestResults<string, AvroNode>(32)

/** Reads the header of a whole file. InvalidDataError where it is no Avro file, UnsupportedError where it is encrypted. */
export function openAvro(bytes: Uint8Array, location: string): AvroFile {
  const cursor = new AvroCursor(bytes, location)
  if (startsWith(bytes, ENCRYPTED_MAGIC)) {
    throw new UnsupportedError(`${location} is encrypted: firn does not read encrypted tables`, {
      context: { location },
    })
  }
  if (!startsWith(bytes, MAGIC)) cursor.fail('not an Avro file')
  cursor.skip(MAGIC.length)
  const metadata = new Map<string, string>()
  for (let count = cursor.blockCount(); count > 0; count = cursor.blockCount()) {
    for (; count > 0; count -= 1) metadata.set(cursor.string(), Buffer.from(cursor.byteString()).toString())
  }
  const text = metadata.get('avro.schema') ?? cursor.fail('the header has no avro.schema')
  const schema = parsedSchemas.get(text, () =>
    parseAvroSchema(new JsonCursor(parseJson(text, location), location, 'avro.schema')),
  )
  return { location, schema, metadata, bytes, blocksOffset: cursor.offset }
}

function startsWith(bytes: Uint8Array, magic: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte)
}

/** Reads records. InvalidDataError where the schema is not what the codec can read, or the bytes are not of it. */
export function readAvro<T>(file: AvroFile, codec: AvroReader<T>): T[] {
  return [...readAvroBlocks(file, codec)].flat()
}

/** As `readAvro`, a few hundred records at a time: what is read of one part may be forgotten before the next is decoded. */
export function* readAvroBlocks<T>(file: AvroFile, codec: AvroReader<T>): Generator<T[], void, undefined> {
  const { location, schema } = file
  const read = resolve(codec, schema, location)
  const compression = compressionOf(file)
  for (const { count, stored } of storedBlocks(file)) {
    const content = compression === undefined ? stored : decompress(compression, stored, location, MAX_BLOCK_BYTES)
    yield* recordsOf(new AvroCursor(content, location), count, read)
  }
}

/**
 * As `readAvroBlocks`, for files that may be large: while a block is decoded, the next ones are inflated in threads. Errors
 * have the place that they have there.
 */
export async function* readAvroBlocksAhead<T>(
  file: AvroFile,
  codec: AvroReader<T>,
): AsyncGenerator<T[], void, undefined> {
  const { location, schema } = file
  const read = resolve(codec, schema, location)
  if (compressionOf(file) !== 'deflate') {
    yield* readAvroBlocks(file, codec)
    return
  }
  const blocks = mapConcurrent(blocksOrError(file), 1 + BLOCKS_AHEAD, startInflating)
  for await (const { count, stored, inflated } of blocks) {
    const content = inflated ?? decompress('deflate', stored, location, MAX_BLOCK_BYTES)
    yield* recordsOf(new AvroCursor(content, location), count, read)
  }

  async function startInflating(block: StoredBlock | Failure): Promise<InflatedBlock> {
    if ('error' in block) throw block.error
    // The first has nothing to be inflated behind. Of most files it is the only one, which then waits for no thread.
    if (block.isFirst) return { ...block, inflated: undefined }
    return { ...block, inflated: await inflateInThread(block.stored, location, MAX_BLOCK_BYTES) }
  }
}

/** A block as it lies in the file. */
interface StoredBlock {
  readonly count: number
  readonly stored: Uint8Array
  readonly isFirst: boolean
}

interface InflatedBlock extends StoredBlock {
  /** Undefined where it is left for when its turn comes. */
  readonly inflated: Uint8Array | undefined
}

interface Failure {
  readonly error: unknown
}

function* storedBlocks({ location, bytes, blocksOffset }: AvroFile): Generator<StoredBlock, void, undefined> {
  const file = new AvroCursor(bytes, location)
  file.skip(blocksOffset)
  const sync = file.fixed(SYNC_LENGTH)
  for (let isFirst = true; file.remaining > 0; isFirst = false) {
    const count = file.number()
    const stored = file.byteString()
    const marker = file.fixed(SYNC_LENGTH)
    if (sync.some((byte, i) => marker[i] !== byte)) file.fail('a block does not end in the sync marker')
    yield { count, stored, isFirst }
  }
}

/** Gives what keeps further blocks from being found as the last of them: it must not overtake the records before it. */
function* blocksOrError(file: AvroFile): Generator<StoredBlock | Failure, void, undefined> {
  try {
    yield* storedBlocks(file)
  } catch (error) {
    yield { error }
  }
}

function* recordsOf<T>(block: AvroCursor, count: number, read: AvroDecode<T>): Generator<T[], void, undefined> {
  if (count < 0 || count > block.remaining)
    block.fail(`a block of ${block.remaining} bytes can't hold ${count} records`)
  let records: T[] = []
  for (let left = count; left > 0; left -= 1) {
    records.push(read(block))
    if (records.length < MAX_RECORDS) continue
    // Records that are still needed when V8 collects garbage cost it most: hand them over while they are few.
    yield records
    records = []
  }
  if (block.remaining > 0) block.fail('a block has bytes after its last record')
  if (records.length > 0) yield records
}

function compressionOf({ metadata, location }: AvroFile): Codec | undefined {
  return avroCodec(metadata.get('avro.codec') ?? 'null', location)
}

const decoders = new WeakMap<AvroNode, WeakMap<object, AvroDecode<unknown>>>()

/** Once for a codec and a schema. */
function resolve<T>(codec: AvroReader<T>, schema: AvroNode, location: string): AvroDecode<T> {
  const known = decoders.get(schema) ?? new WeakMap<object, AvroDecode<unknown>>()
  decoders.set(schema, known)
  const found = known.get(codec) as AvroDecode<T> | undefined
  if (found !== undefined) return found
  const read = resolveUnion(codec, schema, location)
  if (read === undefined) {
    throw new InvalidDataError(`${location}: the records have another type than expected`, { context: { location } })
  }
  known.set(codec, read)
  return read
}

/** Writes records into a file of its own. The sync marker is a digest of the content. */
export function encodeAvro<T>(
  codec: AvroCodec<T>,
  records: Iterable<T>,
  { metadata = {}, compression = 'deflate' }: AvroWriteOptions = {},
): Uint8Array {
  const header = encodeHeader({ 'avro.schema': schemaText(codec), 'avro.codec': compression, ...metadata })
  const blocks = encodeBlocks(codec, records, compression)
  const digest = createHash('sha256').update(header)
  for (const { payload } of blocks) digest.update(payload)
  const sync = new Uint8Array(digest.digest().subarray(0, SYNC_LENGTH))
  const file = new AvroSink()
  file.fixed(header)
  file.fixed(sync)
  for (const { count, payload } of blocks) {
    file.number(count)
    file.byteString(payload)
    file.fixed(sync)
  }
  return file.take()
}

function encodeHeader(metadata: Readonly<Record<string, string>>): Uint8Array {
  const sink = new AvroSink()
  sink.fixed(MAGIC)
  const entries = Object.entries(metadata)
  sink.number(entries.length)
  for (const [key, value] of entries) {
    sink.string(key)
    sink.string(value)
  }
  sink.number(0)
  return sink.take()
}

interface Block {
  readonly count: number
  readonly payload: Uint8Array
}

function encodeBlocks<T>(codec: AvroCodec<T>, records: Iterable<T>, compression: AvroCompression): Block[] {
  const blocks: Block[] = []
  const sink = new AvroSink()
  let count = 0
  const flush = (): void => {
    if (count > 0) blocks.push({ count, payload: compressBlock(compression, sink.take()) })
    count = 0
  }
  for (const record of records) {
    codec.write(sink, record)
    count += 1
    if (sink.length >= BLOCK_BYTES) flush()
  }
  flush()
  return blocks
}

const schemaText = memoizeWeak((codec: { readonly schema: JsonValue }) => printAvroSchema(codec.schema))

/** Prints a schema, with each named type defined where it comes first and named from then on, as Avro demands. */
function printAvroSchema(schema: JsonValue): string {
  const defined = new Set<string>()
  const visit = (node: JsonValue | undefined): JsonValue | undefined => {
    if (Array.isArray(node)) return node.map((item: JsonValue) => visit(item) ?? null)
    if (typeof node !== 'object' || node === null) return node
    const { name, type } = node as JsonObject
    if (typeof name === 'string' && (type === 'fixed' || type === 'record')) {
      if (defined.has(name)) return name
      defined.add(name)
    }
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, visit(value)]))
  }
  return printJson(visit(schema) ?? null)
}
