/**
 * Roaring bitmaps as bytes: the portable format of 32-bit bitmaps, and 64-bit ones as a count of 32-bit ones with their
 * keys, all little-endian. Deletion vectors (deletion-vector.ts) are made of these.
 */
import { InvalidDataError } from '../base/errors.ts'
import { BITMAP_BYTES, CONTAINER_POSITIONS, MAX_LISTED, countBits } from './roaring-container.ts'
import type { Container } from './roaring-container.ts'
import { positionSet } from './roaring.ts'
import type { PositionSet } from './roaring.ts'

/** The first word of a bitmap without containers of runs, and the low half of it in one with some. */
const COOKIE = 12346
const RUNS_COOKIE = 12347
/** Bitmaps with runs and fewer containers than this leave out where these begin. */
const MIN_OFFSETS = 4
/** Positions lie within 2^53, so that many keys of 32-bit bitmaps. */
const MAX_KEY = 2 ** 21
const CONTAINERS_PER_KEY = 2 ** 16
/** Enough for files of 69 billion rows; containers of one position each would take 30 times their bytes of memory. */
const MAX_CONTAINERS = 2 ** 20

/** Errors: InvalidDataError for anything but one whole bitmap. */
export function decodeRoaring(bytes: Uint8Array, location: string): PositionSet {
  const cursor = new RoaringCursor(bytes, location)
  const containers = new Map<number, Container>()
  const count = cursor.uint32()
  if (cursor.uint32() > 0) cursor.fail('it has more bitmaps than bytes')
  let lastKey = -1
  for (let i = 0; i < count; i += 1) {
    const key = cursor.uint32()
    if (key <= lastKey || key >= MAX_KEY) cursor.fail(`the key ${key} of a bitmap is out of order or beyond 2^21`)
    lastKey = key
    decodeBitmap(cursor, key, containers)
  }
  if (cursor.remaining > 0) cursor.fail(`${cursor.remaining} bytes follow the last bitmap`)
  return positionSet(containers)
}

function decodeBitmap(cursor: RoaringCursor, key: number, containers: Map<number, Container>): void {
  const cookie = cursor.uint32()
  const hasRuns = (cookie & 0xffff) === RUNS_COOKIE
  if (!hasRuns && cookie !== COOKIE) cursor.fail('a bitmap does not begin with the cookie of one')
  const count = hasRuns ? (cookie >>> 16) + 1 : cursor.uint32()
  if (count > CONTAINERS_PER_KEY || containers.size + count > MAX_CONTAINERS) cursor.fail('it has too many containers')
  const runFlags = hasRuns ? cursor.take(Math.ceil(count / 8)) : undefined
  const headers = cursor.uint16s(count * 2)
  if (!hasRuns || count >= MIN_OFFSETS) cursor.take(count * 4)
  let last = -1
  for (let i = 0; i < count; i += 1) {
    const containerKey = headers[i * 2] ?? 0
    const cardinality = (headers[i * 2 + 1] ?? 0) + 1
    if (containerKey <= last) cursor.fail('containers are not in order')
    last = containerKey
    const isRuns = (((runFlags?.[i >> 3] ?? 0) >> (i & 7)) & 1) === 1
    const decode = isRuns ? decodeRuns : cardinality > MAX_LISTED ? decodeBits : decodeList
    containers.set(key * CONTAINERS_PER_KEY + containerKey, decode(cursor, cardinality))
  }
}

function decodeList(cursor: RoaringCursor, cardinality: number): Container {
  const values = cursor.uint16s(cardinality)
  if (values.some((value, i) => i > 0 && value <= (values[i - 1] ?? 0))) cursor.fail('positions are not in order')
  return { form: 'list', cardinality, values }
}

function decodeBits(cursor: RoaringCursor, cardinality: number): Container {
  const bits = cursor.take(BITMAP_BYTES).slice()
  const ones = countBits(bits)
  if (ones !== cardinality) cursor.fail(`a container of ${cardinality} positions has ${ones}`)
  return { form: 'bitmap', cardinality, bits }
}

function decodeRuns(cursor: RoaringCursor, cardinality: number): Container {
  const [count = 0] = cursor.uint16s(1)
  const runs = cursor.uint16s(count * 2)
  let found = 0
  let next = 0
  for (let i = 0; i < runs.length; i += 2) {
    const start = runs[i] ?? 0
    const length = (runs[i + 1] ?? 0) + 1
    if (start < next || start + length > CONTAINER_POSITIONS) cursor.fail('runs overlap or end too late')
    next = start + length
    found += length
  }
  if (found !== cardinality) cursor.fail(`a container of ${cardinality} positions has ${found}`)
  return { form: 'runs', cardinality, runs }
}

/** Reads little-endian words; each length is checked against the bytes left before anything is made of it. */
class RoaringCursor {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #location: string
  #offset = 0

  constructor(bytes: Uint8Array, location: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#location = location
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  fail(message: string): never {
    throw new InvalidDataError(`${this.#location}: not a roaring bitmap: ${message}`, {
      context: { location: this.#location, offset: this.#offset },
    })
  }

  /** A view of the next bytes. */
  take(length: number): Uint8Array {
    if (length > this.remaining) this.fail(`${length} bytes are asked for where ${this.remaining} are left`)
    this.#offset += length
    return this.#bytes.subarray(this.#offset - length, this.#offset)
  }

  uint32(): number {
    this.take(4)
    return this.#view.getUint32(this.#offset - 4, true)
  }

  uint16s(count: number): Uint16Array {
    const start = this.#offset
    this.take(count * 2)
    return Uint16Array.from({ length: count }, (_, i) => this.#view.getUint16(start + i * 2, true))
  }
}

/** The bytes of a set, its containers in the forms that they have. */
export function encodeRoaring(positions: PositionSet): Uint8Array {
  const bitmaps = new Map<number, [number, Container][]>()
  for (const [containerKey, container] of positions.containers) {
    const key = Math.floor(containerKey / CONTAINERS_PER_KEY)
    const bitmap = bitmaps.get(key) ?? []
    bitmaps.set(key, bitmap)
    bitmap.push([containerKey % CONTAINERS_PER_KEY, container])
  }
  const parts = [words32([bitmaps.size, 0])]
  for (const [key, bitmap] of bitmaps) parts.push(words32([key]), ...encodeBitmap(bitmap))
  return new Uint8Array(Buffer.concat(parts))
}

function encodeBitmap(containers: readonly (readonly [number, Container])[]): Uint8Array[] {
  const count = containers.length
  const hasRuns = containers.some(([, { form }]) => form === 'runs')
  const runFlags = new Uint8Array(hasRuns ? Math.ceil(count / 8) : 0)
  const headers: number[] = []
  const offsets: number[] = []
  const bodies: Uint8Array[] = []
  const writesOffsets = !hasRuns || count >= MIN_OFFSETS
  let offset = (hasRuns ? 4 : 8) + runFlags.length + count * (writesOffsets ? 8 : 4)
  for (const [i, [key, container]] of containers.entries()) {
    if (container.form === 'runs') runFlags[i >> 3] = (runFlags[i >> 3] ?? 0) | (1 << (i & 7))
    headers.push(key, container.cardinality - 1)
    offsets.push(offset)
    const body = encodeContainer(container)
    bodies.push(body)
    offset += body.length
  }
  const cookie = hasRuns ? words32([((count - 1) << 16) | RUNS_COOKIE]) : words32([COOKIE, count])
  return [cookie, runFlags, words16(headers), ...(writesOffsets ? [words32(offsets)] : []), ...bodies]
}

function encodeContainer(container: Container): Uint8Array {
  if (container.form === 'bitmap') return container.bits
  if (container.form === 'list') return words16(container.values)
  return words16([container.runs.length / 2, ...container.runs])
}

function words32(words: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(words.length * 4))
  for (const [i, word] of words.entries()) view.setUint32(i * 4, word, true)
  return new Uint8Array(view.buffer)
}

function words16(words: ArrayLike<number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(words.length * 2))
  for (let i = 0; i < words.length; i += 1) view.setUint16(i * 2, words[i] ?? 0, true)
  return new Uint8Array(view.buffer)
}
