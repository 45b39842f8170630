/**
 * The metadata of a variant (Parquet's VariantEncoding.md, "Metadata encoding"): the dictionary of the names that its
 * objects have. variant-value.ts reads values by it, write/variant-input.ts makes it of what users give.
 */
import { InvalidDataError } from '../base/errors.ts'

export interface VariantDictionary {
  readonly names: readonly string[]
  /** The number of a name; undefined where the dictionary lacks it. */
  readonly idOf: (name: string) => number | undefined
}

const VERSION = 1
const SORTED = 1 << 4
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/** Throws InvalidDataError for bytes that are no dictionary of version 1. */
export function parseVariantMetadata(bytes: Uint8Array): VariantDictionary {
  const header = bytes[0] ?? fail('its metadata is empty')
  if ((header & 0x0f) !== VERSION) fail(`its metadata has version ${header & 0x0f}, not ${VERSION}`)
  const width = (header >> 6) + 1
  const count = readUnsigned(bytes, 1, width)
  const start = 1 + width * (count + 2)
  if (start > bytes.length) fail('its dictionary runs over the end of the metadata')
  const names: string[] = []
  let from = 0
  for (let i = 1; i <= count; i++) {
    const to = readUnsigned(bytes, 1 + width * (i + 1), width)
    if (to < from || start + to > bytes.length) fail('a name lies outside the metadata')
    names.push(decodeVariantText(bytes.subarray(start + from, start + to)))
    from = to
  }
  let ids: Map<string, number> | undefined
  return {
    names,
    idOf: (name) => {
      ids ??= new Map(names.map((each, id) => [each, id]))
      return ids.get(name)
    },
  }
}

/** The dictionary of names that are distinct and in the order of their UTF-8 bytes. */
export function printVariantMetadata(names: readonly string[]): Uint8Array {
  const texts = names.map((name) => encoder.encode(name))
  const total = texts.reduce((sum, text) => sum + text.length, 0)
  const width = unsignedWidth(Math.max(total, names.length))
  const start = 1 + width * (names.length + 2)
  const bytes = new Uint8Array(start + total)
  bytes[0] = VERSION | SORTED | ((width - 1) << 6)
  writeUnsigned(bytes, 1, width, names.length)
  let end = 0
  for (const [i, text] of texts.entries()) {
    bytes.set(text, start + end)
    end += text.length
    writeUnsigned(bytes, 1 + width * (i + 2), width, end)
  }
  return bytes
}

/** Little-endian, 1 to 4 bytes. */
export function readUnsigned(bytes: Uint8Array, at: number, width: number): number {
  if (at + width > bytes.length) fail('it is cut off')
  let value = 0
  for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0)
  return value
}

export function writeUnsigned(bytes: Uint8Array, at: number, width: number, value: number): void {
  for (let i = 0, rest = value; i < width; i++, rest = Math.floor(rest / 256)) bytes[at + i] = rest % 256
}

/** The fewest bytes that hold a number. */
export function unsignedWidth(value: number): number {
  return value < 2 ** 8 ? 1 : value < 2 ** 16 ? 2 : value < 2 ** 24 ? 3 : 4
}

export function decodeVariantText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    return fail('its text is not UTF-8')
  }
}

function fail(problem: string): never {
  throw new InvalidDataError(`not a variant: ${problem}`)
}
