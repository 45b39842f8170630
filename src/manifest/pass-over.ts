/**
 * Passes over what scans rarely look into, most of a manifest's bytes: in one function with local variables as far as
 * fields are laid out as nearly all writers do it, maps and lists in one block. What is laid out otherwise, or damaged, is
 * left to the cursor, which checks every step.
 */
import type { AvroCursor } from '../format/avro-cursor.ts'
import type { AvroNode } from '../format/avro-schema.ts'
import { avroSkip } from '../format/avro-skip.ts'
import { ALWAYS, NEVER, type PassedField, type Shape, hasValue } from './entry-layout.ts'

/** Fields that follow one another. */
export interface Passage {
  readonly fields: readonly PassedField[]
  /** What to do for each field that is written; undefined where the layout is unusual. */
  readonly steps: readonly Step[] | undefined
}

/** A shape's number, with OPTIONAL where the field may be null. */
type Step = number
const INTEGER = 0
const BYTES = 1
const INTEGERS = 2
const COUNTS = 3
const BOUNDS = 4
const OPTIONAL = 8

const STEP: Readonly<Record<Shape, Step>> = {
  integer: INTEGER,
  string: BYTES,
  bytes: BYTES,
  integers: INTEGERS,
  counts: COUNTS,
  bounds: BOUNDS,
}

/** How all writers lay out optional fields, and the bytes of the two branches. */
const NULL_IS_FIRST = 0
const NULL = 0
const VALUE = 2

/** Of what is not as usual, in place of where it ends. */
export const UNUSUAL = -1
const MAX_LONG_BYTES = 10
/** Longs of an item. */
const OF_LIST = 1
const OF_MAP = 2

const LONG: AvroNode = { kind: 'long', logicalType: undefined }
const ANY_BYTES: AvroNode = { kind: 'bytes', logicalType: undefined }

/** With every step checked. */
const SKIP: Readonly<Record<Shape, (cursor: AvroCursor) => void>> = {
  integer: avroSkip(LONG),
  string: avroSkip(ANY_BYTES),
  bytes: avroSkip(ANY_BYTES),
  integers: avroSkip({ kind: 'array', items: LONG }),
  counts: avroSkip({ kind: 'array', items: pairOf(LONG) }),
  bounds: avroSkip({ kind: 'array', items: pairOf(ANY_BYTES) }),
}

function pairOf(value: AvroNode): AvroNode {
  const fields = [LONG, value].map((type) => ({ name: '', id: undefined, type }))
  return { kind: 'record', fields }
}

export function passage(fields: readonly PassedField[]): Passage {
  const written = fields.filter(({ presence }) => presence !== NEVER)
  const isUsual = written.every(({ presence }) => presence === ALWAYS || presence === NULL_IS_FIRST)
  return { fields, steps: isUsual ? written.map(stepOf) : undefined }
}

function stepOf({ shape, presence }: PassedField): Step {
  return STEP[shape] | (presence === ALWAYS ? 0 : OPTIONAL)
}

/** Moves the cursor to the end of the fields. Errors: InvalidDataError where their bytes are damaged. */
export function passOver(cursor: AvroCursor, { fields, steps }: Passage): void {
  const end = steps === undefined ? UNUSUAL : pastAll(cursor, steps)
  if (end !== UNUSUAL) cursor.offset = end
  else for (const { shape, presence } of fields) if (hasValue(cursor, presence)) SKIP[shape](cursor)
}

/** Where the fields end that begin where the cursor is; UNUSUAL where one is not as usual. */
function pastAll({ bytes, view, offset }: AvroCursor, steps: readonly Step[]): number {
  let at = offset
  for (let i = 0; i < steps.length; i += 1) {
    const step = steps[i] ?? 0
    if (step >= OPTIONAL) {
      const branch = bytes[at]
      at += 1
      if (branch === NULL) continue
      if (branch !== VALUE) return UNUSUAL
    }
    switch (step & ~OPTIONAL) {
      case INTEGER:
        at = pastLong(bytes, at)
        break
      case BYTES:
        at = pastBytes(bytes, at)
        break
      case INTEGERS:
        at = pastLongs(bytes, view, at, OF_LIST)
        break
      case COUNTS:
        at = pastLongs(bytes, view, at, OF_MAP)
        break
      default:
        at = pastPairs(bytes, at)
    }
    if (at < 0) return UNUSUAL
  }
  return at <= bytes.length ? at : UNUSUAL
}

function pastLong(bytes: Uint8Array, start: number): number {
  const limit = start + MAX_LONG_BYTES
  for (let at = start; at < limit; at += 1) if ((bytes[at] ?? 0xff) < 0x80) return at + 1
  return UNUSUAL
}

function pastBytes(bytes: Uint8Array, start: number): number {
  const length = sizeAt(bytes, start)
  return length === UNUSUAL ? UNUSUAL : start + widthOf(length) + length
}

/** Where the map of longs ends that begins where the cursor is, or UNUSUAL. */
export function pastCounts({ bytes, view, offset }: AvroCursor): number {
  return pastLongs(bytes, view, offset, OF_MAP)
}

/** Where the map of length-prefixed bytes ends that begins where the cursor is, or UNUSUAL. */
export function pastBounds({ bytes, offset }: AvroCursor): number {
  return pastPairs(bytes, offset)
}

/** Past an array of items of `each` longs. */
function pastLongs(bytes: Uint8Array, view: DataView, start: number, each: number): number {
  const size = sizeAt(bytes, start)
  if (size === UNUSUAL) return UNUSUAL
  let at = start + widthOf(size)
  if (size === 0) return at
  let left = size * each
  // A byte below 0x80 ends each long: in four together, as many as lack their highest bit.
  for (const end = bytes.length - 4; left >= 4 && at <= end; at += 4) {
    const ends = (~view.getUint32(at, true) >>> 7) & 0x01010101
    left -= Math.imul(ends, 0x01010101) >>> 24
  }
  // Without branches, which processors guess wrong too often here.
  for (; left > 0; at += 1) left -= 1 - ((bytes[at] ?? 0) >>> 7)
  return bytes[at] === 0 ? at + 1 : UNUSUAL
}

/** Past a map of length-prefixed bytes. */
function pastPairs(bytes: Uint8Array, start: number): number {
  const size = sizeAt(bytes, start)
  if (size === UNUSUAL) return UNUSUAL
  let at = start + widthOf(size)
  if (size === 0) return at
  for (let left = size; left > 0; left -= 1) {
    while ((bytes[at] ?? 0) >= 0x80) at += 1
    const length = sizeAt(bytes, at + 1)
    if (length === UNUSUAL) return UNUSUAL
    at += 1 + widthOf(length) + length
  }
  return bytes[at] === 0 ? at + 1 : UNUSUAL
}

/** The count of a block, or a length, below 8192 and in as few bytes as it needs; UNUSUAL is any other. */
function sizeAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0xff
  if ((first & 0x81) === 0) return first >>> 1
  const second = bytes[at + 1] ?? 0xff
  return (first & 1) === 0 && second > 0 && second < 0x80 ? ((first & 0x7f) >>> 1) + (second << 6) : UNUSUAL
}

function widthOf(size: number): number {
  return size < 64 ? 1 : 2
}
