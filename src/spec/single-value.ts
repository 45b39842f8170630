/** Single values as bytes (spec, Appendix D "Binary single-value serialization"): bounds of files and manifests. */
import { InvalidDataError } from '../base/errors.ts'
import { SECONDS_PER_DAY, unitsPerSecond } from './date-time.ts'
import { fitsPrecision } from './decimal.ts'
import { MAX_DECIMAL_PRECISION, printPrimitiveText } from './primitive-type.ts'
import type { PrimitiveType, Value } from './types.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function encodeSingleValue(type: PrimitiveType, value: Value): Uint8Array {
  switch (type.kind) {
    case 'boolean':
      return Uint8Array.of(value === true ? 1 : 0)
    case 'int':
    case 'date':
      return fixedWidth(4, (view) => view.setInt32(0, value as number, true))
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return fixedWidth(8, (view) => view.setBigInt64(0, value as bigint, true))
    case 'float':
      return fixedWidth(4, (view) => view.setFloat32(0, value as number, true))
    case 'double':
      return fixedWidth(8, (view) => view.setFloat64(0, value as number, true))
    case 'decimal':
      return encodeUnscaled(value as bigint)
    case 'string':
      return encoder.encode(value as string)
    case 'uuid':
      return encodeUuid(value as string)
    case 'fixed':
    case 'binary':
    case 'geometry':
    case 'geography':
      return value as Uint8Array
    case 'unknown':
      throw new InvalidDataError('a value of type unknown can only be null, it has no bytes')
  }
}

/**
 * Reads bytes of a value; those of a column promoted since keep their old width and are widened (int → long,
 * float → double, date → timestamp). InvalidDataError where the bytes fit neither.
 */
export function decodeSingleValue(type: PrimitiveType, bytes: Uint8Array): Value {
  const value = decode(type, bytes)
  if (value !== undefined) return value
  throw new InvalidDataError(`${bytes.length} bytes are not a single value of type ${printPrimitiveText(type)}`, {
    context: { type: printPrimitiveText(type), sizeBytes: bytes.length },
  })
}

/** The shortest big-endian two's complement of an unscaled decimal, at least one byte. */
export function encodeUnscaled(unscaled: bigint): Uint8Array {
  let length = 1
  while (BigInt.asIntN(8 * length, unscaled) !== unscaled) length++
  const bytes = new Uint8Array(length)
  for (let i = length - 1, rest = unscaled; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn)
  return bytes
}

/** Big-endian two's complement of any length; no bytes are 0. */
export function decodeUnscaled(bytes: Uint8Array): bigint {
  let unsigned = 0n
  for (const byte of bytes) unsigned = (unsigned << 8n) | BigInt(byte)
  return BigInt.asIntN(8 * bytes.length, unsigned)
}

/** The 16 bytes of a UUID's text. */
export function encodeUuid(uuid: string): Uint8Array {
  return new Uint8Array(Buffer.from(uuid.replaceAll('-', ''), 'hex'))
}

/** The text of a UUID's 16 bytes, in lower case. */
export function decodeUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function decode(type: PrimitiveType, bytes: Uint8Array): Value | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { length } = bytes
  switch (type.kind) {
    case 'boolean':
      return length === 1 ? bytes[0] !== 0 : undefined
    case 'int':
    case 'date':
      return length === 4 ? view.getInt32(0, true) : undefined
    case 'long':
      return length === 4 ? BigInt(view.getInt32(0, true)) : decodeLong(view)
    case 'time':
    case 'timestamptz':
    case 'timestamptz_ns':
      return decodeLong(view)
    case 'timestamp':
      return length === 4 ? midnight(view, unitsPerSecond(6)) : decodeLong(view)
    case 'timestamp_ns':
      return length === 4 ? midnight(view, unitsPerSecond(9)) : decodeLong(view)
    case 'float':
      return length === 4 ? view.getFloat32(0, true) : undefined
    case 'double':
      if (length === 4) return view.getFloat32(0, true)
      return length === 8 ? view.getFloat64(0, true) : undefined
    case 'decimal':
      return decodeDecimal(bytes)
    case 'string':
      return decodeText(bytes)
    case 'uuid':
      return length === 16 ? decodeUuid(bytes) : undefined
    case 'fixed':
      return length === type.length ? new Uint8Array(bytes) : undefined
    case 'binary':
    case 'geometry':
    case 'geography':
      // A copy, so that a value does not keep the file alive that it was read from.
      return new Uint8Array(bytes)
    case 'unknown':
      return undefined
  }
}

function fixedWidth(length: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length)
  write(new DataView(bytes.buffer))
  return bytes
}

function decodeLong(view: DataView): bigint | undefined {
  return view.byteLength === 8 ? view.getBigInt64(0, true) : undefined
}

function midnight(view: DataView, perSecond: number): bigint {
  return BigInt(view.getInt32(0, true)) * BigInt(SECONDS_PER_DAY) * BigInt(perSecond)
}

/** Some writers pad decimals to a fixed width, so that any length is read whose value a decimal can hold. */
function decodeDecimal(bytes: Uint8Array): bigint | undefined {
  if (bytes.length === 0 || bytes.length > 64) return undefined
  const unscaled = decodeUnscaled(bytes)
  return fitsPrecision(unscaled, MAX_DECIMAL_PRECISION) ? unscaled : undefined
}

/** Text cut within a character is refused: a replacement character would sort after what it stands for. */
function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}
