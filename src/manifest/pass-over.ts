/**
 * Passes over what scans rarely look into, most of a manifest's bytes: maps and lists as nearly all writers lay them out,
 * in one block. Told where something begins, each function tells where it ends, or UNUSUAL where it
 * is laid out otherwise, or damaged: the caller then goes over it with the cursor, which checks every step.
 */
import type { AvroCursor } from '../format/avro-cursor.ts'
import { ALWAYS, type FileLayout, NEVER, type Presence } from './entry-layout.ts'

export const UNUSUAL = -1

/** Bytes that are passed over. */
export type Passed = Pick<AvroCursor, 'bytes' | 'view'>

/** Longs of an item. */
const OF_LIST = 1
const OF_MAP = 2
const MAX_LONG_BYTES = 10
/** How all writers lay out optional fields, and the bytes of the two branches. */
const NULL_IS_FIRST = 0
const NULL = 0
const VALUE = 2

/** From the beginning of a data file to its partition. */
export function pastHead(passed: Passed, start: number, layout: FileLayout): number {
  return pastString(passed, pastString(passed, pastOptionalLong(passed, start, layout.content)))
}

/** From `recordCount` to the end of a data file. */
export function pastTail(passed: Passed, start: number, layout: FileLayout): number {
  let at = pastLong(passed, pastLong(passed, start))
  at = pastOptionalLong(passed, at, layout.blockSizeInBytes)
  at = pastMetrics(passed, at, layout)
  at = pastOptionalLong(passed, at, layout.firstRowId)
  at = pastNull(passed, at, layout.referencedDataFile)
  at = pastOptionalLong(passed, at, layout.contentOffset)
  return pastOptionalLong(passed, at, layout.contentSizeInBytes)
}

/** From `columnSizes` to `sortOrderId`. */
export function pastMetrics(passed: Passed, start: number, layout: FileLayout): number {
  let at = start
  at = pastOptionalLongs(passed, at, layout.columnSizes, OF_MAP)
  at = pastOptionalLongs(passed, at, layout.valueCounts, OF_MAP)
  at = pastOptionalLongs(passed, at, layout.nullValueCounts, OF_MAP)
  at = pastOptionalLongs(passed, at, layout.nanValueCounts, OF_MAP)
  at = pastOptionalBounds(passed, at, layout.lowerBounds)
  at = pastOptionalBounds(passed, at, layout.upperBounds)
  at = pastNull(passed, at, layout.keyMetadata)
  at = pastOptionalLongs(passed, at, layout.splitOffsets, OF_LIST)
  at = pastOptionalLongs(passed, at, layout.equalityIds, OF_LIST)
  return pastOptionalLong(passed, at, layout.sortOrderId)
}

/** Past a map of longs. */
export function pastCounts(passed: Passed, start: number): number {
  return pastLongs(passed, start, OF_MAP)
}

/** Past a map of length-prefixed bytes. */
export function pastBounds({ bytes }: Passed, start: number): number {
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

/** Past an array of items of `each` longs. */
function pastLongs({ bytes, view }: Passed, start: number, each: number): number {
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

function pastOptionalLongs(passed: Passed, start: number, presence: Presence, each: number): number {
  const branch = branchAt(passed, start, presence)
  return branch === VALUE ? pastLongs(passed, start + 1, each) : pastBranch(start, branch)
}

function pastOptionalBounds(passed: Passed, start: number, presence: Presence): number {
  const branch = branchAt(passed, start, presence)
  return branch === VALUE ? pastBounds(passed, start + 1) : pastBranch(start, branch)
}

function pastOptionalLong(passed: Passed, start: number, presence: Presence): number {
  if (presence === ALWAYS) return pastLong(passed, start)
  const branch = branchAt(passed, start, presence)
  return branch === VALUE ? pastLong(passed, start + 1) : pastBranch(start, branch)
}

function pastLong({ bytes }: Passed, start: number): number {
  if (start === UNUSUAL) return UNUSUAL
  const limit = start + MAX_LONG_BYTES
  for (let at = start; at < limit; at += 1) if ((bytes[at] ?? 0xff) < 0x80) return at + 1
  return UNUSUAL
}

function pastString({ bytes }: Passed, start: number): number {
  const length = sizeAt(bytes, start)
  return length === UNUSUAL ? UNUSUAL : start + widthOf(length) + length
}

function pastNull(passed: Passed, start: number, presence: Presence): number {
  const branch = branchAt(passed, start, presence)
  return branch === VALUE ? UNUSUAL : pastBranch(start, branch)
}

/** The byte of an optional field's branch, NEVER where there is none; anything else is unusual, a start that is so too. */
function branchAt({ bytes }: Passed, start: number, presence: Presence): number {
  if (presence === NULL_IS_FIRST) return bytes[start] ?? UNUSUAL
  return presence
}

/** Of a branch that has no value. */
function pastBranch(start: number, branch: number): number {
  if (branch === NULL) return start + 1
  return branch === NEVER ? start : UNUSUAL
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
