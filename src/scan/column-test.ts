/**
 * Predicates of a residual filter as row tests over Arrow's buffers (filter-batch.ts asks them for non-null rows
 * only). 64- and 128-bit integers are compared as 32-bit words and strings as UTF-8 bytes, so that no bigint or string
 * is made per row.
 */
import type { Data } from 'apache-arrow'
import type { BoundComparison, BoundSet } from '../expr/bound-expression.ts'
import { encodeSingleValue } from '../spec/single-value.ts'
import type { PrimitiveType } from '../spec/types.ts'
import type { Value } from '../spec/value.ts'

/** Whether the value of a non-null row satisfies the predicate. */
type RowTest = (row: number) => boolean

/** Binds a predicate to one batch's column. */
export type ColumnTest = (column: Data) => RowTest

/** Negative, 0 or positive as the row's value is below, equal to or above the literal; NaN where a side is NaN. */
type Comparison = (row: number) => number

export const testNan: ColumnTest =
  ({ values }) =>
  (row) =>
    Number.isNaN(values[row])

export function compileColumnTest(predicate: BoundComparison | BoundSet): ColumnTest {
  const { type } = predicate.ref
  switch (predicate.type) {
    case 'in':
      return compileSearch(type, predicate.values)
    case 'not-in': {
      const search = compileSearch(type, predicate.values)
      return (column) => {
        const found = search(column)
        return (row) => !found(row)
      }
    }
    case 'starts-with':
      return compilePrefix(type, predicate.value)
    case 'not-starts-with': {
      const prefix = compilePrefix(type, predicate.value)
      return (column) => {
        const starts = prefix(column)
        return (row) => !starts(row)
      }
    }
    default: {
      const compare = compileComparison(type, predicate.value)
      const operator = OPERATORS[predicate.type]
      return (column) => operator(compare(column))
    }
  }
}

const OPERATORS: Readonly<Record<'lt' | 'lt-eq' | 'gt' | 'gt-eq' | 'eq' | 'not-eq', (compare: Comparison) => RowTest>> =
  {
    lt: (compare) => (row) => compare(row) < 0,
    'lt-eq': (compare) => (row) => compare(row) <= 0,
    gt: (compare) => (row) => compare(row) > 0,
    'gt-eq': (compare) => (row) => compare(row) >= 0,
    eq: (compare) => (row) => compare(row) === 0,
    'not-eq': (compare) => (row) => compare(row) !== 0,
  }

/** Binary search among the literals, which are ascending. */
function compileSearch(type: PrimitiveType, values: readonly Value[]): ColumnTest {
  const comparisons = values.map((value) => compileComparison(type, value))
  return (column) => {
    const literals = comparisons.map((compare) => compare(column))
    return (row) => {
      let low = 0
      let high = literals.length
      while (low < high) {
        const middle = (low + high) >> 1
        const order = (literals[middle] as Comparison)(row)
        if (order === 0) return true
        if (order > 0) low = middle + 1
        else high = middle
      }
      return false
    }
  }
}

function compilePrefix(type: PrimitiveType, value: Value): ColumnTest {
  const prefix = encodeSingleValue(type, value)
  return ({ values, valueOffsets }) => {
    const bytes = values as Uint8Array
    const offsets = valueOffsets as Int32Array
    return (row) => {
      const start = offsets[row] as number
      if ((offsets[row + 1] as number) - start < prefix.length) return false
      return compareBytes(bytes, start, start + prefix.length, prefix) === 0
    }
  }
}

function compileComparison(type: PrimitiveType, literal: Value): (column: Data) => Comparison {
  switch (type.kind) {
    case 'boolean':
      return ({ values, offset }) => {
        const bits = values as Uint8Array
        return (row) => (((bits[(offset + row) >> 3] as number) >> ((offset + row) & 7)) & 1) - Number(literal)
      }
    case 'int':
    case 'date': {
      const bound = Number(literal)
      return ({ values }) => {
        const numbers = values as Int32Array
        return (row) => (numbers[row] as number) - bound
      }
    }
    case 'float':
    case 'double': {
      const bound = Number(literal)
      return ({ values }) => {
        const numbers = values as Float64Array | Float32Array
        return (row) => compareFloats(numbers[row] as number, bound)
      }
    }
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return compileLong(literal as bigint)
    case 'decimal':
      return compileWords(wordsOf(literal as bigint, 4))
    case 'uuid':
    case 'fixed': {
      const bound = encodeSingleValue(type, literal)
      return ({ values, stride }) => {
        const bytes = values as Uint8Array
        return (row) => compareBytes(bytes, row * stride, (row + 1) * stride, bound)
      }
    }
    case 'string':
    case 'binary':
    case 'geometry':
    case 'geography': {
      const bound = encodeSingleValue(type, literal)
      return ({ values, valueOffsets }) => {
        const bytes = values as Uint8Array
        const offsets = valueOffsets as Int32Array
        return (row) => compareBytes(bytes, offsets[row] as number, offsets[row + 1] as number, bound)
      }
    }
    case 'unknown':
      return () => () => Number.NaN
  }
}

function compareFloats(value: number, bound: number): number {
  if (value < bound) return -1
  if (value > bound) return 1
  return value === bound ? 0 : Number.NaN
}

/** Unsigned, bytewise. */
function compareBytes(bytes: Uint8Array, start: number, end: number, bound: Uint8Array): number {
  const common = Math.min(end - start, bound.length)
  for (let i = 0; i < common; i++) {
    const order = (bytes[start + i] as number) - (bound[i] as number)
    if (order !== 0) return order
  }
  return end - start - bound.length
}

/** Two's complement in 32-bit words, least significant first; the last word is signed, the others are not. */
function wordsOf(value: bigint, count: number): readonly number[] {
  return Array.from({ length: count }, (_, word) => {
    const bits = value >> BigInt(32 * word)
    return Number(word === count - 1 ? BigInt.asIntN(32, bits) : BigInt.asUintN(32, bits))
  })
}

function viewWords(values: ArrayBufferView): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.byteLength >> 2)
}

function compileLong(literal: bigint): (column: Data) => Comparison {
  const [low = 0, high = 0] = wordsOf(literal, 2)
  return ({ values }) => {
    const words = viewWords(values as ArrayBufferView)
    return (row) => {
      const top = (words[2 * row + 1] as number) - high
      return top === 0 ? ((words[2 * row] as number) >>> 0) - low : top
    }
  }
}

function compileWords(literal: readonly number[]): (column: Data) => Comparison {
  const last = literal.length - 1
  return ({ values }) => {
    const words = viewWords(values as ArrayBufferView)
    return (row) => {
      const at = row * literal.length
      let order = (words[at + last] as number) - (literal[last] as number)
      for (let word = last - 1; order === 0 && word >= 0; word--) {
        order = ((words[at + word] as number) >>> 0) - (literal[word] as number)
      }
      return order
    }
  }
}
