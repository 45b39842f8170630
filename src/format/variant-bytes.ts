/** Values of variants as bytes, from the inside out: write/variant-input.ts and variant-shredding.ts build with these. */
import { unsignedWidth, writeUnsigned } from './variant-metadata.ts'
import { VARIANT_TYPES, type VariantTypeName } from './variant-value.ts'

const SHORT_STRING_BYTES = 63
const encoder = new TextEncoder()

export const VARIANT_NULL: Uint8Array = Uint8Array.of(0)

export function variantBoolean(value: boolean): Uint8Array {
  return header(value ? 'true' : 'false', 0)
}

/** Integers, dates, times and timestamps as the count that the format has of them. */
export function variantInteger(
  type: Exclude<VariantTypeName, 'float' | 'double' | `decimal${string}`>,
  value: bigint,
): Uint8Array {
  const width = VARIANT_TYPES[type].width ?? 0
  const bytes = header(type, width)
  putInteger(bytes, 1, width, value)
  return bytes
}

export function variantFloating(type: 'float' | 'double', value: number): Uint8Array {
  const bytes = header(type, VARIANT_TYPES[type].width)
  const view = new DataView(bytes.buffer)
  if (type === 'float') view.setFloat32(1, value, true)
  else view.setFloat64(1, value, true)
  return bytes
}

export function variantDecimal(
  type: 'decimal4' | 'decimal8' | 'decimal16',
  scale: number,
  unscaled: bigint,
): Uint8Array {
  const { width } = VARIANT_TYPES[type]
  const bytes = header(type, width)
  bytes[1] = scale
  putInteger(bytes, 2, width - 1, unscaled)
  return bytes
}

export function variantString(text: string | Uint8Array): Uint8Array {
  const utf8 = typeof text === 'string' ? encoder.encode(text) : text
  if (utf8.length > SHORT_STRING_BYTES) return sized('string', utf8)
  const bytes = new Uint8Array(1 + utf8.length)
  bytes[0] = 1 | (utf8.length << 2)
  bytes.set(utf8, 1)
  return bytes
}

export function variantBinary(value: Uint8Array): Uint8Array {
  return sized('binary', value)
}

/** From the 16 bytes. */
export function variantUuid(value: Uint8Array): Uint8Array {
  const bytes = header('uuid', 16)
  bytes.set(value, 1)
  return bytes
}

export function variantArray(items: readonly Uint8Array[]): Uint8Array {
  return container(3, [], items)
}

/** The fields by number in the dictionary, in the order of their names' UTF-8 bytes. */
export function variantObject(fields: readonly (readonly [id: number, value: Uint8Array])[]): Uint8Array {
  return container(
    2,
    fields.map(([id]) => id),
    fields.map(([, value]) => value),
  )
}

function container(basicType: 2 | 3, ids: readonly number[], values: readonly Uint8Array[]): Uint8Array {
  const isObject = basicType === 2
  const total = values.reduce((sum, value) => sum + value.length, 0)
  const offsetWidth = unsignedWidth(total)
  const idWidth = isObject ? unsignedWidth(ids.reduce((highest, id) => Math.max(highest, id), 0)) : 0
  const isLarge = values.length > 255
  const countWidth = isLarge ? 4 : 1
  const start = 1 + countWidth + idWidth * ids.length + offsetWidth * (values.length + 1)
  const bytes = new Uint8Array(start + total)
  const sizes = isObject ? (Number(isLarge) << 4) | ((idWidth - 1) << 2) : Number(isLarge) << 2
  bytes[0] = basicType | ((sizes | (offsetWidth - 1)) << 2)
  writeUnsigned(bytes, 1, countWidth, values.length)
  let at = 1 + countWidth
  for (const id of ids) {
    writeUnsigned(bytes, at, idWidth, id)
    at += idWidth
  }
  let end = 0
  for (const value of values) {
    writeUnsigned(bytes, at, offsetWidth, end)
    bytes.set(value, start + end)
    at += offsetWidth
    end += value.length
  }
  writeUnsigned(bytes, at, offsetWidth, end)
  return bytes
}

function sized(type: 'string' | 'binary', value: Uint8Array): Uint8Array {
  const bytes = header(type, 4 + value.length)
  writeUnsigned(bytes, 1, 4, value.length)
  bytes.set(value, 5)
  return bytes
}

function header(type: VariantTypeName, width: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(1 + width)
  bytes[0] = VARIANT_TYPES[type].id << 2
  return bytes
}

/** Two's complement, little-endian. */
function putInteger(bytes: Uint8Array, at: number, width: number, value: bigint): void {
  for (let i = 0, rest = value; i < width; i++, rest >>= 8n) bytes[at + i] = Number(rest & 0xffn)
}
