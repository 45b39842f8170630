/**
 * Row groups that threads share by columns: large ones go to worker threads as a whole, those of medium size are shared by
 * this thread and one that waits for work. What comes of it is the same as of one thread (parquet-wasm.ts).
 */
import { type Data, type RecordBatch, Schema } from 'apache-arrow'
import { printArrowStream } from './arrow-ipc.ts'
import { arrowBytes } from './arrow-inspect.ts'
import { selectColumns } from './arrow-take.ts'
import type { EncodedColumns } from './parquet-assembly.ts'
import { type ParquetEncoding, encodeParquet, settingsOf, startedPool } from './parquet-wasm.ts'
import type { WorkerPool } from './parquet-workers.ts'

/** Arrow data that makes a share of the columns worth a thread. */
const LEAST_SHARE_BYTES = 2 ** 20
/** Threads that are made ready for shared row groups. */
const PARTNERS = 2

/** Row groups so far that could have been shared. */
let sharable = 0

/**
 * Encodes the batches in worker threads, where there may be some and the data is large enough to pay for the way there: each
 * takes some of the columns. It never awaits: the batches, whose data has been handed over, would be kept for as long.
 */
export async function encodeParquetAside(
  schema: Schema,
  batches: readonly RecordBatch[],
  encoding: ParquetEncoding,
): Promise<readonly EncodedColumns[]> {
  const workers = startedPool()
  if (workers === 'none') {
    return [{ file: encodeParquet(schema, batches, encoding), fields: schema.fields.map((_, field) => field) }]
  }
  const count = Math.min(workers.size, Math.floor(arrowBytesOf(batches) / LEAST_SHARE_BYTES))
  const shares = sharesOf(schema, batches, count)
  return Promise.all(shares.map((share) => encodeShare(workers, share, encoding)))
}

/** This thread encodes half of it, and one that is ready the other; undefined, and nothing done, where none is. */
export function encodeParquetTogether(
  schema: Schema,
  batches: readonly RecordBatch[],
  encoding: ParquetEncoding,
): Promise<readonly EncodedColumns[]> | undefined {
  const partner = findPartner(schema)
  if (partner === undefined) return undefined
  const [own, other] = sharesOf(schema, batches, 2)
  if (own === undefined || other === undefined) return undefined
  const aside = encodeShare(partner, other, encoding)
  // Heard below, unless this thread fails first.
  aside.catch(() => {})
  const file = encodeParquet(own.schema, own.batches, encoding)
  return aside.then((share) => [{ fields: own.fields, file }, share])
}

/** A thread takes longer to start than it saves one row group: only who encodes more of them has some made ready. */
function findPartner(schema: Schema): WorkerPool | undefined {
  sharable += 1
  const workers = sharable === 1 ? 'none' : startedPool()
  if (workers === 'none' || workers.size < 2) return undefined
  if (sharable <= 1 + PARTNERS) {
    const nothing = { schema, batches: [], fields: [] }
    // Where it fails, there is no partner.
    encodeShare(workers, nothing, { codec: 'uncompressed' }).catch(() => {})
  }
  return workers.isReady ? workers : undefined
}

/** Some columns of the batches. */
interface ColumnShare {
  readonly fields: readonly number[]
  readonly schema: Schema
  readonly batches: readonly RecordBatch[]
}

async function encodeShare(
  workers: WorkerPool,
  { fields, schema, batches }: ColumnShare,
  encoding: ParquetEncoding,
): Promise<EncodedColumns> {
  const pieces = printArrowStream(schema, batches)
  const encoded = workers.run({ kind: 'encode', pieces, settings: settingsOf(encoding) }, { location: 'encode' })
  return encoded.then(([file = new Uint8Array(0)]) => ({ file, fields }))
}

/** At most so many, one at least, such that all have about as much to do. */
function sharesOf(schema: Schema, batches: readonly RecordBatch[], count: number): readonly ColumnShare[] {
  const sizes = schema.fields.map((_, field) =>
    batches.reduce((sum, { data }) => sum + arrowBytes(data.children[field] as Data), 0),
  )
  const length = Math.max(Math.min(count, sizes.length), 1)
  const shares = Array.from({ length }, () => ({ bytes: 0, fields: [] as number[] }))
  const bySize = [...sizes.entries()].toSorted(([, a], [, b]) => b - a)
  for (const [field, bytes] of bySize) {
    const least = shares.reduce((a, b) => (b.bytes < a.bytes ? b : a))
    least.bytes += bytes
    least.fields.push(field)
  }
  return shares.map((share) => {
    const fields = share.fields.toSorted((a, b) => a - b)
    const some = new Schema(fields.flatMap((field) => schema.fields[field] ?? []))
    return { fields, schema: some, batches: batches.map((batch) => selectColumns(batch, some)) }
  })
}

function arrowBytesOf(batches: readonly RecordBatch[]): number {
  return batches.reduce((sum, { data }) => sum + arrowBytes(data), 0)
}
