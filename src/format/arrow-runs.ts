/**
 * Most rows of a batch, moved together run by run within the batch's own memory: where a few rows are left out, this is
 * many times faster than to copy row by row (arrow-take.ts, which serves any choice of rows and leaves the batch as it
 * was). Arrow's rules for slices as there: bitmaps are read at `offset + row`, values and value offsets come already
 * sliced. Scans do this to batches that nobody else has seen yet.
 */
import { BufferType, Data, RecordBatch, Struct, Type } from 'apache-arrow'
import { UnsupportedError } from '../base/errors.ts'
import { countBits } from './arrow-take.ts'

/** Starts and ends of runs of rows, ascending: `[start, end, start, end, …]`, the end not among the run. */
export type RowRuns = Int32Array

/** The runs of rows whose byte in `mask` is 1. */
export function runsOf(mask: Uint8Array): RowRuns {
  const runs: number[] = []
  for (let start = mask.indexOf(1); start !== -1;) {
    const hole = mask.indexOf(0, start)
    const end = hole === -1 ? mask.length : hole
    runs.push(start, end)
    start = hole === -1 ? -1 : mask.indexOf(1, end)
  }
  return Int32Array.from(runs)
}

/**
 * The rows of the runs. Their values are moved, so that `batch`, and every other with rows of it, is not to be used any
 * more; its neighbours in the same memory stay as they are. Dictionaries and unions are refused (UnsupportedError).
 */
export function keepRuns(batch: RecordBatch, runs: RowRuns): RecordBatch {
  const children = batch.data.children.map((column) => keepColumn(column, runs))
  const rows = new Data(new Struct(batch.schema.fields), 0, rowsIn(runs), 0, undefined, children)
  return new RecordBatch(batch.schema, rows, batch.metadata)
}

/** How many rows the runs have together. */
export function rowsIn(runs: RowRuns): number {
  let rows = 0
  for (let i = 0; i < runs.length; i += 2) rows += (runs[i + 1] as number) - (runs[i] as number)
  return rows
}

function keepColumn(data: Data, runs: RowRuns): Data {
  const [child] = data.children
  switch (data.type.typeId) {
    case Type.Null:
      return new Data(data.type, 0, rowsIn(runs), rowsIn(runs))
    case Type.Dictionary:
    case Type.Union:
    case Type.LargeUtf8:
    case Type.LargeBinary:
    case Type.LargeList:
      throw new UnsupportedError(`rows of columns of Arrow type ${Type[data.type.typeId]} cannot be taken in runs`)
    case Type.Struct: {
      const children = data.children.map((member) => keepColumn(member, runs))
      return build(data, runs, {}, children)
    }
    case Type.FixedSizeList:
      return build(
        data,
        runs,
        {},
        child && [
          keepColumn(
            child,
            runs.map((row) => row * data.stride),
          ),
        ],
      )
    case Type.List:
    case Type.Map: {
      const { inner, offsets } = copyOffsets(data.valueOffsets, runs)
      const [base = 0] = data.valueOffsets as Int32Array
      const elements = child?.slice(base, (data.valueOffsets[data.length] as number) - base)
      return build(data, runs, { [BufferType.OFFSET]: offsets }, elements && [keepColumn(elements, inner)])
    }
    case Type.Utf8:
    case Type.Binary: {
      const { inner, offsets } = moveOffsets(data.valueOffsets, runs)
      const bytes = data.values as Uint8Array
      moveTogether(bytes.subarray(offsets[0]), inner, 1)
      return build(data, runs, { [BufferType.OFFSET]: offsets, [BufferType.DATA]: bytes })
    }
    case Type.Bool:
      return build(data, runs, { [BufferType.DATA]: takeBits(data.values as Uint8Array, data.offset, runs) })
    default: {
      const values = data.values as Uint8Array
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      moveTogether(bytes, runs, values.BYTES_PER_ELEMENT * data.stride)
      return build(data, runs, { [BufferType.DATA]: values.subarray(0, rowsIn(runs) * data.stride) })
    }
  }
}

type Buffers = Partial<Record<BufferType.OFFSET | BufferType.DATA, ArrayBufferView>>

function build(data: Data, runs: RowRuns, buffers: Buffers, children?: Data[]): Data {
  const rows = rowsIn(runs)
  const validity = data.nullCount > 0 ? takeBits(data.nullBitmap, data.offset, runs) : undefined
  const nullCount = validity === undefined ? 0 : rows - countBits(validity)
  const parts = { ...buffers, ...(validity && nullCount > 0 && { [BufferType.VALIDITY]: validity }) }
  return new Data(data.type, 0, rows, nullCount, parts, children)
}

/** Moves the runs of items of `width` bytes to the beginning. */
function moveTogether(bytes: Uint8Array, runs: RowRuns, width: number): void {
  for (let i = 0, out = 0; i < runs.length; i += 2) {
    const [start, end] = [(runs[i] as number) * width, (runs[i + 1] as number) * width]
    if (out !== start) bytes.copyWithin(out, start, end)
    out += end - start
  }
}

interface PackedOffsets {
  /** The runs of bytes or elements, counted from where those of the column begin. */
  readonly inner: RowRuns
  /** Of what the runs leave. */
  readonly offsets: Int32Array
}

/**
 * Offsets from where they began, within their own memory. The neighbours of a batch share its first offset and its last:
 * the first stays, and the last is reached only where no row was left out.
 */
function moveOffsets(offsets: Int32Array, runs: RowRuns): PackedOffsets {
  const inner = packOffsets(offsets, runs, offsets)
  return { inner, offsets: offsets.subarray(0, rowsIn(runs) + 1) }
}

/** Offsets from 0. */
function copyOffsets(offsets: Int32Array, runs: RowRuns): PackedOffsets {
  const packed = new Int32Array(rowsIn(runs) + 1)
  return { inner: packOffsets(offsets, runs, packed), offsets: packed }
}

/** Fills `packed`, whose first is given, perhaps over `offsets` themselves. */
function packOffsets(offsets: Int32Array, runs: RowRuns, packed: Int32Array): RowRuns {
  const base = offsets[0] ?? 0
  const inner = new Int32Array(runs.length)
  for (let i = 0, at = 0; i < runs.length; i += 2) {
    const [start, end] = [runs[i] as number, runs[i + 1] as number]
    inner[i] = (offsets[start] as number) - base
    inner[i + 1] = (offsets[end] as number) - base
    const shift = (packed[at] as number) - (offsets[start] as number)
    for (let row = start; row < end; row++) packed[++at] = (offsets[row + 1] as number) + shift
  }
  return inner
}

/** Byte by byte, each put together of two neighbours. */
function takeBits(bitmap: Uint8Array, offset: number, runs: RowRuns): Uint8Array {
  const taken = new Uint8Array(((rowsIn(runs) + 63) >> 6) << 3)
  let out = 0
  for (let i = 0; i < runs.length; i += 2) {
    let from = offset + (runs[i] as number)
    const end = offset + (runs[i + 1] as number)
    while (from < end) {
      // As many bits as end the byte under way.
      const count = Math.min(8 - (out & 7), end - from)
      const at = from >> 3
      const bits = ((bitmap[at] as number) | ((bitmap[at + 1] ?? 0) << 8)) >> (from & 7)
      taken[out >> 3] = (taken[out >> 3] as number) | ((bits & ((1 << count) - 1)) << (out & 7))
      from += count
      out += count
    }
  }
  return taken
}
