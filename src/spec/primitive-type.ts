/** Names of the types without parts (`long`, `decimal(9,2)`, `fixed[16]`), read and printed for type-json.ts and type-text.ts. */
import type { PrimitiveType, VariantType } from './types.ts'

export const MAX_DECIMAL_PRECISION = 38
const DEFAULT_CRS = 'OGC:CRS84'
const DEFAULT_ALGORITHM = 'spherical'
const ALGORITHMS: ReadonlySet<string> = new Set([DEFAULT_ALGORITHM, 'vincenty', 'thomas', 'andoyer', 'karney'])

const UNPARAMETRISED: ReadonlyMap<string, PrimitiveType | VariantType> = new Map(
  (
    [
      { kind: 'boolean' },
      { kind: 'int' },
      { kind: 'long' },
      { kind: 'float' },
      { kind: 'double' },
      { kind: 'date' },
      { kind: 'time' },
      { kind: 'timestamp' },
      { kind: 'timestamptz' },
      { kind: 'timestamp_ns' },
      { kind: 'timestamptz_ns' },
      { kind: 'string' },
      { kind: 'uuid' },
      { kind: 'binary' },
      { kind: 'unknown' },
      { kind: 'geometry' },
      { kind: 'geography' },
      { kind: 'variant' },
    ] satisfies (PrimitiveType | VariantType)[]
  ).map((type) => [type.kind, type]),
)

/** Names of the types that need no parameters. */
export const SIMPLE_TYPE_NAMES: readonly string[] = [...UNPARAMETRISED.keys()]

const FIXED = /^fixed\s*(?:\[\s*(\d+)\s*\]|\(\s*(\d+)\s*\))$/i
const DECIMAL = /^decimal\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)$/i
const GEOMETRY = /^geometry\s*\(\s*([^,()]+?)\s*\)$/i
const GEOGRAPHY = /^geography\s*\(\s*([^,()]+?)\s*(?:,\s*(\w+)\s*)?\)$/i

/** Reads the name of a primitive type or variant, optional whitespace allowed; undefined where it is none. */
export function parsePrimitive(text: string): PrimitiveType | VariantType | undefined {
  const name = text.trim()
  return UNPARAMETRISED.get(name.toLowerCase()) ?? parseFixed(name) ?? parseDecimalType(name) ?? parseGeo(name)
}

/** Prints a name as Java does: `decimal(9, 2)`, `fixed[16]`, `geography(srid:4326, karney)`. */
export function printPrimitive(type: PrimitiveType | VariantType): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`
    case 'fixed':
      return `fixed[${type.length}]`
    case 'geometry':
      return type.crs === undefined ? 'geometry' : `geometry(${type.crs})`
    case 'geography':
      if (type.algorithm !== undefined) return `geography(${type.crs ?? DEFAULT_CRS}, ${type.algorithm})`
      return type.crs === undefined ? 'geography' : `geography(${type.crs})`
    default:
      return type.kind
  }
}

/** Prints a name for people: `decimal(9,2)`, `fixed(16)`. */
export function printPrimitiveText(type: PrimitiveType | VariantType): string {
  if (type.kind === 'decimal') return `decimal(${type.precision},${type.scale})`
  return type.kind === 'fixed' ? `fixed(${type.length})` : printPrimitive(type)
}

function parseFixed(name: string): PrimitiveType | undefined {
  const match = FIXED.exec(name)
  const length = Number(match?.[1] ?? match?.[2])
  return match !== null && length > 0 && length === (length | 0) ? { kind: 'fixed', length } : undefined
}

function parseDecimalType(name: string): PrimitiveType | undefined {
  const match = DECIMAL.exec(name)
  if (match === null) return undefined
  const [precision, scale] = [Number(match[1]), Number(match[2])]
  if (precision < 1 || precision > MAX_DECIMAL_PRECISION || scale > precision) return undefined
  return { kind: 'decimal', precision, scale }
}

function parseGeo(name: string): PrimitiveType | undefined {
  const geometry = GEOMETRY.exec(name)
  if (geometry !== null) return { kind: 'geometry', ...optionalCrs(geometry[1]) }
  const geography = GEOGRAPHY.exec(name)
  if (geography === null) return undefined
  const algorithm = (geography[2] ?? DEFAULT_ALGORITHM).toLowerCase()
  if (!ALGORITHMS.has(algorithm)) return undefined
  return { kind: 'geography', ...optionalCrs(geography[1]), ...(algorithm === DEFAULT_ALGORITHM ? {} : { algorithm }) }
}

/** The default is left out, so that equal types are equal data. */
function optionalCrs(crs: string | undefined): { readonly crs?: string } {
  return crs === undefined || crs.toUpperCase() === DEFAULT_CRS ? {} : { crs }
}
