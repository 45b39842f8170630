/**
 * What users give for a variant → its bytes. Plain JavaScript values become the smallest type that holds them exactly;
 * who needs another type gives the bytes themselves, as `{ metadata, value }`.
 *
 * number → int8, int16, int32 or int64 where it is a whole number, else double; bigint → int64, decimal16 beyond 64 bits;
 * string, boolean, Uint8Array (binary) → the same; Date → timestamptz; null and undefined → a variant null; array → array;
 * object, and Map with text for keys → object, without members that are undefined.
 */
import { IcebergError } from '../base/errors.ts'
import {
  VARIANT_NULL,
  variantArray,
  variantBinary,
  variantBoolean,
  variantDecimal,
  variantFloating,
  variantInteger,
  variantObject,
  variantString,
} from '../format/variant-bytes.ts'
import { printVariantMetadata } from '../format/variant-metadata.ts'
import { MAX_VARIANT_DEPTH, decodeVariant } from '../format/variant-value.ts'
import { fitsPrecision } from '../spec/decimal.ts'
import { MAX_DECIMAL_PRECISION } from '../spec/primitive-type.ts'
import { comparatorOf, describeInput } from '../spec/value.ts'
import { CellMismatch, findLoneSurrogate, rethrowWithin } from './cell-mismatch.ts'
import { isPlainObject } from './key-check.ts'

export interface EncodedVariant {
  readonly metadata: Uint8Array
  readonly value: Uint8Array
}

const compareNames = comparatorOf({ kind: 'string' })
const NO_NAMES = printVariantMetadata([])

/** Throws CellMismatch with the path of what no variant holds. */
export function encodeVariant(input: unknown): EncodedVariant {
  if (isEncoded(input)) return checked(input)
  const names = new Set<string>()
  collectNames(input, names, 0)
  if (names.size === 0) return { metadata: NO_NAMES, value: encodeValue(input, new Map()) }
  const sorted = [...names].toSorted(compareNames)
  const ids = new Map(sorted.map((name, id) => [name, id]))
  return { metadata: printVariantMetadata(sorted), value: encodeValue(input, ids) }
}

/** Just these two members, both bytes. */
function isEncoded(input: unknown): input is EncodedVariant {
  if (!isPlainObject(input) || Object.keys(input).length !== 2) return false
  return input['metadata'] instanceof Uint8Array && input['value'] instanceof Uint8Array
}

function checked(input: EncodedVariant): EncodedVariant {
  try {
    decodeVariant(input.metadata, input.value)
    return input
  } catch (error) {
    if (!(error instanceof IcebergError)) throw error
    throw new CellMismatch("a variant in Parquet's encoding", `bytes that are ${error.message}`)
  }
}

/** The members of an object or Map; undefined for anything else. */
function membersOf(input: unknown): readonly (readonly [unknown, unknown])[] | undefined {
  if (input instanceof Map) return [...input]
  return isPlainObject(input) ? Object.entries(input).filter(([, member]) => member !== undefined) : undefined
}

function collectNames(input: unknown, names: Set<string>, depth: number): void {
  if (typeof input !== 'object' || input === null) return
  if (depth > MAX_VARIANT_DEPTH) throw new CellMismatch(`at most ${MAX_VARIANT_DEPTH} levels`, 'more')
  if (Array.isArray(input)) for (const item of input as readonly unknown[]) collectNames(item, names, depth + 1)
  for (const [name, member] of Array.isArray(input) ? [] : (membersOf(input) ?? [])) {
    if (typeof name !== 'string') throw new CellMismatch('text for keys', describeInput(name))
    names.add(name)
    collectNames(member, names, depth + 1)
  }
}

function encodeValue(input: unknown, ids: ReadonlyMap<string, number>): Uint8Array {
  switch (typeof input) {
    case 'boolean':
      return variantBoolean(input)
    case 'number':
      return encodeNumber(input)
    case 'bigint':
      return encodeBigint(input)
    case 'string':
      return encodeText(input)
    case 'undefined':
      return VARIANT_NULL
    case 'object':
      return input === null ? VARIANT_NULL : encodeObject(input, ids)
    default:
      throw new CellMismatch('variant', describeInput(input))
  }
}

function encodeNumber(input: number): Uint8Array {
  if (!Number.isSafeInteger(input) || Object.is(input, -0)) return variantFloating('double', input)
  const fits = (bits: number): boolean => input >= -(2 ** (bits - 1)) && input < 2 ** (bits - 1)
  return variantInteger(fits(8) ? 'int8' : fits(16) ? 'int16' : fits(32) ? 'int32' : 'int64', BigInt(input))
}

function encodeBigint(input: bigint): Uint8Array {
  if (BigInt.asIntN(64, input) === input) return variantInteger('int64', input)
  if (fitsPrecision(input, MAX_DECIMAL_PRECISION)) return variantDecimal('decimal16', 0, input)
  throw new CellMismatch(`variant (integers of at most ${MAX_DECIMAL_PRECISION} digits)`, describeInput(input))
}

function encodeText(input: string): Uint8Array {
  const mismatch = findLoneSurrogate(input)
  if (mismatch !== undefined) throw mismatch
  return variantString(input)
}

function encodeObject(input: object, ids: ReadonlyMap<string, number>): Uint8Array {
  if (input instanceof Uint8Array) return variantBinary(input)
  if (input instanceof Date) return encodeDate(input)
  if (Array.isArray(input)) {
    return variantArray((input as readonly unknown[]).map((item, i) => within(`[${i}]`, () => encodeValue(item, ids))))
  }
  const members = membersOf(input)
  if (members === undefined) throw new CellMismatch('variant', describeInput(input))
  const fields = members.map(([key, member]) => {
    const name = String(key)
    return within(`.${name}`, () => {
      encodeText(name)
      return [ids.get(name) ?? 0, encodeValue(member, ids)] as const
    })
  })
  return variantObject(fields.toSorted(([a], [b]) => a - b))
}

function encodeDate(input: Date): Uint8Array {
  const ms = input.getTime()
  if (Number.isNaN(ms)) throw new CellMismatch('variant', 'an invalid date')
  return variantInteger('timestamptz', BigInt(ms) * 1000n)
}

function within<T>(step: string, encode: () => T): T {
  try {
    return encode()
  } catch (error) {
    return rethrowWithin(error, step)
  }
}
