/**
 * Containers of roaring bitmaps: the positions of a set that share all but their low 16 bits, in one of three forms. A
 * set (roaring.ts) is a map of them; roaring-codec.ts has their bytes.
 */

export const CONTAINER_POSITIONS = 65_536
/** Up to here a list is at most as large as a bitmap, and readers tell the two apart by it. */
export const MAX_LISTED = 4096
export const BITMAP_BYTES = 8192

export type Container =
  /** Ascending. */
  | { readonly form: 'list'; readonly cardinality: number; readonly values: Uint16Array }
  /** Bit `v & 7` of byte `v >> 3` stands for v. */
  | { readonly form: 'bitmap'; readonly cardinality: number; readonly bits: Uint8Array }
  /** Ascending pairs: the first value of a run, and how many follow it. */
  | { readonly form: 'runs'; readonly cardinality: number; readonly runs: Uint16Array }

export function containerHas(container: Container, value: number): boolean {
  switch (container.form) {
    case 'list':
      return container.values[firstFrom(container.values, value)] === value
    case 'bitmap':
      return (((container.bits[value >> 3] ?? 0) >> (value & 7)) & 1) === 1
    case 'runs': {
      const { runs } = container
      const run = runFrom(runs, value)
      return run < runs.length && (runs[run] ?? 0) <= value
    }
  }
}

/** Sets `mask[base + v]` to 0 for each value v whose place lies in the mask; `base` may be negative. */
export function clearValues(container: Container, mask: Uint8Array, base: number): void {
  const from = Math.max(0, -base)
  const to = Math.min(CONTAINER_POSITIONS, mask.length - base)
  switch (container.form) {
    case 'list': {
      const { values } = container
      for (let i = firstFrom(values, from); i < values.length; i += 1) {
        const value = values[i] ?? to
        if (value >= to) return
        mask[base + value] = 0
      }
      return
    }
    case 'bitmap': {
      const { bits } = container
      for (let value = from; value < to; value += 1) {
        const byte = (bits[value >> 3] ?? 0) >> (value & 7)
        if (byte === 0) value |= 7
        else if ((byte & 1) === 1) mask[base + value] = 0
      }
      return
    }
    case 'runs': {
      const { runs } = container
      for (let i = runFrom(runs, from); i < runs.length; i += 2) {
        const start = runs[i] ?? to
        if (start >= to) return
        const end = start + (runs[i + 1] ?? 0) + 1
        mask.fill(0, base + Math.max(start, from), base + Math.min(end, to))
      }
    }
  }
}

/** Ascending. */
export function* containerValues(container: Container): Generator<number, void, undefined> {
  if (container.form === 'list') yield* container.values
  else if (container.form === 'bitmap') {
    const { bits } = container
    for (let value = 0; value < CONTAINER_POSITIONS; value += 1) {
      if ((((bits[value >> 3] ?? 0) >> (value & 7)) & 1) === 1) yield value
    }
  } else {
    const { runs } = container
    for (let i = 0; i < runs.length; i += 2) {
      const start = runs[i] ?? 0
      const last = start + (runs[i + 1] ?? 0)
      for (let value = start; value <= last; value += 1) yield value
    }
  }
}

/** Adds the values to a bitmap. */
export function addToBitmap(container: Container, bits: Uint8Array): void {
  if (container.form === 'bitmap') {
    for (let i = 0; i < BITMAP_BYTES; i += 1) bits[i] = (bits[i] ?? 0) | (container.bits[i] ?? 0)
    return
  }
  for (const value of containerValues(container)) setBit(bits, value)
}

export function setBit(bits: Uint8Array, value: number): void {
  bits[value >> 3] = (bits[value >> 3] ?? 0) | (1 << (value & 7))
}

/** The container of ascending values, at most MAX_LISTED, in its smallest form; as Java, a list where both are equal. */
export function containerOfList(values: Uint16Array): Container {
  const cardinality = values.length
  let runCount = 0
  for (let i = 0; i < cardinality; i += 1) if (values[i] !== (values[i - 1] ?? -2) + 1) runCount += 1
  if (runsBytes(runCount) >= cardinality * 2) return { form: 'list', cardinality, values }
  return { form: 'runs', cardinality, runs: collectRuns(values, runCount) }
}

/** The container of a bitmap's values in its smallest form. The bitmap is kept: it must not change any more. */
export function containerOfBitmap(bits: Uint8Array): Container {
  const { cardinality, runCount } = measure(bits)
  const bitmap: Container = { form: 'bitmap', cardinality, bits }
  if (cardinality <= MAX_LISTED) return containerOfList(Uint16Array.from(containerValues(bitmap)))
  if (runsBytes(runCount) >= BITMAP_BYTES) return bitmap
  return { form: 'runs', cardinality, runs: collectRuns(containerValues(bitmap), runCount) }
}

/** Size of a container of runs when encoded. */
function runsBytes(runCount: number): number {
  return 2 + 4 * runCount
}

function collectRuns(values: Iterable<number>, runCount: number): Uint16Array {
  const runs = new Uint16Array(runCount * 2)
  let at = -2
  let next = -1
  for (const value of values) {
    if (value === next) runs[at + 1] = value - (runs[at] ?? 0)
    else runs[(at += 2)] = value
    next = value + 1
  }
  return runs
}

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length)

function measure(bits: Uint8Array): { readonly cardinality: number; readonly runCount: number } {
  let cardinality = 0
  let runCount = 0
  let carry = 0
  for (const byte of bits) {
    cardinality += ONES[byte] ?? 0
    runCount += ONES[byte & ~((byte << 1) | carry) & 0xff] ?? 0
    carry = byte >> 7
  }
  return { cardinality, runCount }
}

/** Number of ones in a bitmap. */
export function countBits(bits: Uint8Array): number {
  return measure(bits).cardinality
}

/** The index of the first of ascending values that is at least `value`. */
function firstFrom(values: Uint16Array, value: number): number {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((values[middle] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}

/** The index of the first run that ends at `value` or after it. */
function runFrom(runs: Uint16Array, value: number): number {
  let low = 0
  let high = runs.length / 2
  while (low < high) {
    const middle = (low + high) >> 1
    if ((runs[middle * 2] ?? 0) + (runs[middle * 2 + 1] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low * 2
}
