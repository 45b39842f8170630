/**
 * Sets of positions (rows of one data file) as roaring bitmaps keep them: what deletion vectors and position deletes
 * come to, in memory near their size in the file, and what batches of rows are masked with.
 */
import { InvalidDataError } from '../base/errors.ts'
import {
  BITMAP_BYTES,
  CONTAINER_POSITIONS,
  MAX_LISTED,
  addToBitmap,
  clearValues,
  containerHas,
  containerOfBitmap,
  containerOfList,
  containerValues,
  setBit,
} from './roaring-container.ts'
import type { Container } from './roaring-container.ts'

/** An immutable set of row numbers within 0 … 2^53 − 1; iterates over them in ascending order. */
export interface PositionSet extends Iterable<number> {
  readonly cardinality: number
  /** By position / 65,536, ascending; none of them is empty. */
  readonly containers: ReadonlyMap<number, Container>
  has(position: number): boolean
  /** Sets `mask[i]` to 0 where `firstPosition + i` is in the set; leaves the rest of the mask. */
  clearRange(mask: Uint8Array, firstPosition: number): void
}

class RoaringSet implements PositionSet {
  readonly cardinality: number
  readonly containers: ReadonlyMap<number, Container>

  constructor(containers: ReadonlyMap<number, Container>) {
    this.containers = containers
    let cardinality = 0
    for (const container of containers.values()) cardinality += container.cardinality
    this.cardinality = cardinality
  }

  has(position: number): boolean {
    const container = this.containers.get(Math.floor(position / CONTAINER_POSITIONS))
    return container !== undefined && containerHas(container, position % CONTAINER_POSITIONS)
  }

  clearRange(mask: Uint8Array, firstPosition: number): void {
    const end = firstPosition + mask.length
    let key = Math.floor(firstPosition / CONTAINER_POSITIONS)
    for (; key * CONTAINER_POSITIONS < end; key += 1) {
      const container = this.containers.get(key)
      if (container !== undefined) clearValues(container, mask, key * CONTAINER_POSITIONS - firstPosition)
    }
  }

  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (const [key, container] of this.containers) {
      for (const value of containerValues(container)) yield key * CONTAINER_POSITIONS + value
    }
  }
}

/** The set of containers by their keys, ascending. */
export function positionSet(containers: ReadonlyMap<number, Container>): PositionSet {
  return new RoaringSet(containers)
}

/**
 * The set of positions in any order, with any repeated: numbers, or the 64-bit integers of a position delete file,
 * which `location` names in errors. InvalidDataError where one is no row number.
 */
export function positionSetOf(positions: Iterable<number | bigint>, location?: string): PositionSet {
  const builders = new Map<number, ContainerBuilder>()
  let lastKey = -1
  let last: ContainerBuilder | undefined
  for (const given of positions) {
    const position = Number(given)
    if (!Number.isSafeInteger(position) || position < 0) refusePosition(given, location)
    const key = Math.floor(position / CONTAINER_POSITIONS)
    if (last === undefined || key !== lastKey) {
      lastKey = key
      last = builders.get(key) ?? new ContainerBuilder()
      builders.set(key, last)
    }
    last.add(position % CONTAINER_POSITIONS)
  }
  const ascending = [...builders].toSorted(([a], [b]) => a - b)
  return positionSet(new Map(ascending.map(([key, builder]) => [key, builder.finish()])))
}

/** All positions of several sets. */
export function unionPositions(sets: readonly PositionSet[]): PositionSet {
  const byKey = new Map<number, Container[]>()
  for (const { containers } of sets) {
    for (const [key, container] of containers) {
      const same = byKey.get(key)
      if (same === undefined) byKey.set(key, [container])
      else same.push(container)
    }
  }
  const ascending = [...byKey].toSorted(([a], [b]) => a - b)
  return positionSet(new Map(ascending.map(([key, same]) => [key, unionContainers(same)])))
}

function unionContainers(containers: readonly Container[]): Container {
  const [first] = containers
  if (first !== undefined && containers.length === 1) return first
  const bits = new Uint8Array(BITMAP_BYTES)
  for (const container of containers) addToBitmap(container, bits)
  return containerOfBitmap(bits)
}

/** Gathers values of one container: a list while there are few, then a bitmap. */
class ContainerBuilder {
  #list: number[] | undefined = []
  #bits = new Uint8Array(0)

  add(value: number): void {
    if (this.#list === undefined) setBit(this.#bits, value)
    else if (this.#list.push(value) > MAX_LISTED) {
      this.#bits = new Uint8Array(BITMAP_BYTES)
      for (const listed of this.#list) setBit(this.#bits, listed)
      this.#list = undefined
    }
  }

  finish(): Container {
    if (this.#list === undefined) return containerOfBitmap(this.#bits)
    const sorted = Uint16Array.from(this.#list).toSorted()
    return containerOfList(sorted.filter((value, i) => value !== sorted[i - 1]))
  }
}

function refusePosition(position: number | bigint, location: string | undefined): never {
  throw new InvalidDataError(`${location === undefined ? '' : `${location}: `}${position} is not a row number`, {
    context: { location },
  })
}
