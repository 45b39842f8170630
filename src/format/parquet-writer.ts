/**
 * Arrow batches into one Parquet data file. Batches are gathered until a row group is full, encoded by parquet-wasm, and
 * only the encoded pages are kept; at the end the row groups become one file whose footer is our own: field ids on every
 * level, logical types as Java writes them, the Iceberg schema as metadata. Fed by write/rolling-writer.
 */
import { Data, type DataType, RecordBatch, type Schema as ArrowSchema, Struct, makeData } from 'apache-arrow'
import { ValidationError } from '../base/errors.ts'
import { memoizeWeak } from '../base/memo.ts'
import { schemaText } from '../spec/schema-json.ts'
import type { NestedField, Schema, Type } from '../spec/types.ts'
import { arrowBytes, checkLayout, checkRequired, countNans, measureShapes } from './arrow-inspect.ts'
import { toArrowSchema } from './arrow-schema.ts'
import { dictionariesInVain } from './dictionary-choice.ts'
import { type EncodedColumns, ParquetAssembly, type SortingColumn } from './parquet-assembly.ts'
import type { ParquetFooter } from './parquet-footer.ts'
import { leavesOf } from './parquet-schema.ts'
import { toParquetSchema, toStoredSchema } from './parquet-types.ts'
import { encodeParquetAside, encodeParquetTogether } from './parquet-shares.ts'
import { CREATED_BY, type ParquetEncoding, encodeParquet } from './parquet-wasm.ts'
import type { Extent } from './wkb.ts'

/** Arrow data waiting in one writer is encoded at this size at the latest, whatever the row group size: it bounds memory. */
const MAX_BUFFERED_BYTES = 24 * 2 ** 20
/** Arrow data for each byte allowed: dictionaries of values that hardly repeat come on top of their indices. */
const ARROW_SHARE = 0.6
const DEFAULT_ROW_GROUP_BYTES = 128 * 2 ** 20
const DEFAULT_ROW_GROUP_ROWS = 2 ** 20
/** Encoded bytes per byte of Arrow data that is assumed before the first row group tells. */
const INITIAL_RATIO = 0.5

/** Of the data that goes to other threads whole, how much is shared with one that is ready. */
const TOGETHER_PART = 1 / 4

/** Row groups of one file that are encoded at once. */
const MAX_PENDING = 2

/** A sorted column, by field id; only columns that Parquet's order fits (identity transforms) belong here. */
interface SortedBy {
  readonly fieldId: number
  readonly descending: boolean
  readonly nullsFirst: boolean
}

export interface ParquetWriteOptions extends Partial<Omit<ParquetEncoding, 'plainColumns'>> {
  readonly schema: Schema
  /** A row group holds at most this much data before compression. */
  readonly rowGroupSizeBytes?: number | undefined
  readonly rowGroupRows?: number | undefined
  readonly sortedBy?: readonly SortedBy[] | undefined
  /**
   * Row groups of at least so much Arrow data are encoded in worker threads: `drain` is to be awaited after each write,
   * `drain(0)` before the end. Undefined: none are.
   */
  readonly asideBytes?: number | undefined
  /** Arrow data that may wait for a row group to fill, if that is less than the row group may hold. 24 MiB. */
  readonly bufferBytes?: number | undefined
}

export interface EncodedParquet {
  /** The file, or what was not taken of it. */
  readonly bytes: Uint8Array
  /** Of the whole file. */
  readonly sizeBytes: number
  readonly footer: ParquetFooter
  /** NaNs of float and double columns outside lists and maps, by field id. */
  readonly nanValueCounts: ReadonlyMap<number, number>
  /** What the shapes of geometry and geography columns outside lists and maps span, by field id. */
  readonly extents: ReadonlyMap<number, Extent>
}

export interface ParquetWriter {
  /** Takes a batch in `toArrowSchema(schema)`; its memory must not change until it is encoded. Throws ValidationError. */
  write(batch: RecordBatch): void
  /** Size of the file if it were finished now: exact for encoded row groups, estimated for rows that wait. */
  readonly estimatedBytes: number
  readonly rows: number
  /** Arrow data that waits, or is being encoded aside. */
  readonly waitingBytes: number
  /** Resolves when at most so many row groups are being encoded aside. Rejects with what became of one. */
  drain(atMost?: number): Promise<void>
  /** What is encoded since it was last taken, for files that are sent as they are made: it is not held any longer. */
  take(): readonly Uint8Array[]
  /** Ends the file. The writer can't be used afterwards. */
  finish(): EncodedParquet
}

export function createParquetWriter(options: ParquetWriteOptions): ParquetWriter {
  return new RowGroupWriter(options)
}

class RowGroupWriter implements ParquetWriter {
  readonly #schema: Schema
  readonly #storedArrow: ArrowSchema
  readonly #encoding: ParquetEncoding
  readonly #rowGroupBytes: number
  readonly #rowGroupRows: number
  readonly #assembly: ParquetAssembly
  readonly #nanCounts = new Map<number, number>()
  readonly #extents = new Map<number, Extent>()
  #waiting: RecordBatch[] = []
  #waitingRows = 0
  #waitingBytes = 0
  #encodedArrowBytes = 0
  readonly #asideBytes: number
  readonly #pending: PendingGroup[] = []
  #rows = 0
  #finished = false

  constructor(options: ParquetWriteOptions) {
    const {
      schema,
      codec = 'zstd',
      pageSizeBytes,
      dictionarySizeBytes,
      pageVersion,
      rowGroupSizeBytes = DEFAULT_ROW_GROUP_BYTES,
      rowGroupRows = DEFAULT_ROW_GROUP_ROWS,
      bufferBytes = MAX_BUFFERED_BYTES,
    } = options
    if (!(rowGroupSizeBytes >= 1 && rowGroupRows >= 1)) {
      throw new ValidationError(`a row group of ${rowGroupSizeBytes} bytes or ${rowGroupRows} rows holds nothing`)
    }
    this.#schema = schema
    const { storedArrow, parquet, fieldIds } = layoutOf(schema)
    this.#storedArrow = storedArrow
    this.#encoding = { codec, pageSizeBytes, dictionarySizeBytes, pageVersion }
    this.#asideBytes = options.asideBytes ?? Number.POSITIVE_INFINITY
    this.#rowGroupBytes = Math.min(rowGroupSizeBytes * ARROW_SHARE, bufferBytes)
    this.#rowGroupRows = rowGroupRows
    this.#assembly = new ParquetAssembly({
      schema: parquet,
      createdBy: CREATED_BY,
      keyValueMetadata: new Map([['iceberg.schema', schemaText(schema)]]),
      sortingColumns: sortingColumns(options.sortedBy ?? [], fieldIds),
    })
  }

  get rows(): number {
    return this.#rows
  }

  get estimatedBytes(): number {
    const encoded = this.#assembly.sizeBytes
    const ratio = this.#encodedArrowBytes === 0 ? INITIAL_RATIO : encoded / this.#encodedArrowBytes
    return encoded + Math.ceil(this.waitingBytes * ratio)
  }

  get waitingBytes(): number {
    return this.#pending.reduce((sum, { arrowBytes: bytes }) => sum + bytes, this.#waitingBytes)
  }

  write(batch: RecordBatch): void {
    if (this.#finished) throw new ValidationError('the Parquet file is finished: write to a new one')
    checkLayout(batch, toArrowSchema(this.#schema))
    checkRequired(batch, this.#schema)
    countNans(batch, this.#schema, this.#nanCounts)
    measureShapes(batch, this.#schema, this.#extents)
    this.#rows += batch.numRows
    this.#gather(toStoredBatch(batch, this.#schema, this.#storedArrow))
  }

  async drain(atMost: number = MAX_PENDING): Promise<void> {
    if (atMost === 0 && this.#waitingRows > 0) this.#encode()
    // In order, and here only: so the size that a caller sees never hangs on how fast a thread was.
    for (let first = this.#pending[0]; first !== undefined && this.#pending.length > atMost; first = this.#pending[0]) {
      const encoded = await first.encoded
      this.#pending.shift()
      this.#add(encoded, first.arrowBytes)
    }
  }

  take(): readonly Uint8Array[] {
    return this.#assembly.take()
  }

  finish(): EncodedParquet {
    if (this.#finished) throw new ValidationError('the Parquet file is finished already')
    this.#finished = true
    if (this.#waitingRows > 0) this.#encode()
    if (this.#pending.length > 0) throw new ValidationError('row groups are still being encoded: await drain(0)')
    const { bytes, footer } = this.#assembly.finish()
    const { sizeBytes } = this.#assembly
    return { bytes, sizeBytes, footer, nanValueCounts: this.#nanCounts, extents: this.#extents }
  }

  /** Cuts the batch where row groups end. */
  #gather(batch: RecordBatch): void {
    const bytesPerRow = arrowBytes(batch.data) / Math.max(batch.numRows, 1)
    for (let begin = 0; begin < batch.numRows;) {
      const roomBytes = Math.floor((this.#rowGroupBytes - this.#waitingBytes) / bytesPerRow)
      const room = Math.min(this.#rowGroupRows - this.#waitingRows, roomBytes)
      if (room < 1 && this.#waitingRows > 0) {
        this.#encode()
        continue
      }
      const end = Math.min(batch.numRows, begin + Math.max(room, 1))
      this.#waiting.push(begin === 0 && end === batch.numRows ? batch : batch.slice(begin, end))
      this.#waitingRows += end - begin
      this.#waitingBytes += (end - begin) * bytesPerRow
      begin = end
    }
  }

  #encode(): void {
    const batches = this.#waiting
    const waitingBytes = this.#waitingBytes
    this.#waiting = []
    this.#waitingRows = 0
    this.#waitingBytes = 0
    const encoding: ParquetEncoding = { ...this.#encoding, plainColumns: dictionariesInVain(batches) }
    const encoded = this.#startAside(batches, waitingBytes, encoding)
    if (encoded === undefined) {
      const file = encodeParquet(this.#storedArrow, batches, encoding)
      this.#add([{ file, fields: this.#storedArrow.fields.map((_, field) => field) }], waitingBytes)
      return
    }
    // Its failure is told by `drain`.
    encoded.catch(() => {})
    this.#pending.push({ encoded, arrowBytes: waitingBytes })
  }

  /** Undefined where this thread is to encode it all: not behind others, whose order would be lost. */
  #startAside(
    batches: readonly RecordBatch[],
    sizeBytes: number,
    encoding: ParquetEncoding,
  ): PendingGroup['encoded'] | undefined {
    if (sizeBytes >= this.#asideBytes || this.#pending.length > 0)
      return encodeParquetAside(this.#storedArrow, batches, encoding)
    if (sizeBytes < this.#asideBytes * TOGETHER_PART) return undefined
    return encodeParquetTogether(this.#storedArrow, batches, encoding)
  }

  #add(encoded: readonly EncodedColumns[], arrowSizeBytes: number): void {
    this.#encodedArrowBytes += arrowSizeBytes
    this.#assembly.append(encoded, 'the row group just encoded')
  }
}

/** A row group that is being encoded in another thread. */
interface PendingGroup {
  readonly encoded: Promise<readonly EncodedColumns[]>
  readonly arrowBytes: number
}

/** The forms that a schema takes on its way into a file. */
const layoutOf = memoizeWeak((schema: Schema) => {
  const stored = toStoredSchema(schema)
  const parquet = toParquetSchema(stored)
  return {
    storedArrow: toArrowSchema(forEncoder(stored)),
    parquet,
    fieldIds: leavesOf(parquet).map((leaf) => leaf.fieldId),
  }
})

/** arrow-rs takes 64 bits for decimals of one digit, 32 for those of two: Arrow's own 128 bits are the same for both. */
function forEncoder(schema: Schema): Schema {
  const wider = (type: Type): Type => {
    switch (type.kind) {
      case 'decimal':
        return { ...type, precision: Math.max(type.precision, 2) }
      case 'struct':
        return { ...type, fields: type.fields.map(widerField) }
      case 'list':
        return { ...type, element: wider(type.element) }
      case 'map':
        return { ...type, key: wider(type.key), value: wider(type.value) }
      default:
        return type
    }
  }
  const widerField = (field: NestedField): NestedField => Object.assign({}, field, { type: wider(field.type) })
  return { ...schema, fields: schema.fields.map(widerField) }
}

function sortingColumns(sortedBy: readonly SortedBy[], fieldIds: readonly (number | undefined)[]): SortingColumn[] {
  return sortedBy.map(({ fieldId, descending, nullsFirst }) => {
    const columnIndex = fieldIds.indexOf(fieldId)
    if (columnIndex < 0) throw new ValidationError(`sorted by field ${fieldId}, which is no column of the file`)
    return { columnIndex, descending, nullsFirst }
  })
}

/** The batch under the schema that is stored: without `unknown` columns, at any depth. */
function toStoredBatch(batch: RecordBatch, schema: Schema, stored: ArrowSchema): RecordBatch {
  const children = storedChildren(batch.data, schema.fields, stored.fields)
  const data = makeData({ type: new Struct(stored.fields), length: batch.numRows, nullCount: 0, children })
  return new RecordBatch(stored, data)
}

function storedChildren(data: Data, fields: readonly NestedField[], stored: ArrowSchema['fields']): Data[] {
  const kept = data.children.filter((_, i) => fields[i]?.type.kind !== 'unknown')
  const keptFields = fields.filter((field) => field.type.kind !== 'unknown')
  return kept.map((child, i) => {
    const field = keptFields[i]
    const target: DataType | undefined = stored[i]?.type
    if (field?.type.kind !== 'struct' || target === undefined) return child
    const inner = storedChildren(child, field.type.fields, target.children)
    return new Data(target, child.offset, child.length, child.nullCount, child, inner)
  })
}
