/**
 * A Parquet file's own schema: the tree of its SchemaElements with physical and logical types, read from and written to
 * the footer (parquet.thrift, "SchemaElement"). parquet-types.ts relates it to Iceberg's types.
 */
import type { ThriftStruct } from './thrift.ts'
import {
  type ThriftCursor,
  byteField,
  i32Field,
  booleanField,
  stringField,
  structField,
  structOf,
} from './thrift-fields.ts'

const PHYSICAL_TYPES = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'INT96',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
] as const
const REPETITIONS = ['required', 'optional', 'repeated'] as const
const TIME_UNITS = ['ms', 'us', 'ns'] as const
const EDGE_ALGORITHMS = ['spherical', 'vincenty', 'thomas', 'andoyer', 'karney'] as const
const MAX_NESTING = 64
/** Of the variant encoding that is read and written. */
const VARIANT_VERSION = 1

export type PhysicalType = (typeof PHYSICAL_TYPES)[number]
export type Repetition = (typeof REPETITIONS)[number]
export type TimeUnitName = (typeof TIME_UNITS)[number]

/** What the bytes of a column mean; legacy ConvertedTypes are read as these. */
export type LogicalType =
  | { readonly kind: SimpleLogicalKind | 'interval' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'time' | 'timestamp'; readonly utc: boolean; readonly unit: TimeUnitName }
  | { readonly kind: 'integer'; readonly bits: number; readonly signed: boolean }
  | { readonly kind: 'geometry'; readonly crs?: string | undefined }
  | { readonly kind: 'geography'; readonly crs?: string | undefined; readonly algorithm?: string | undefined }

/** Kinds without parameters, by their id in the union LogicalType. */
const SIMPLE_LOGICAL_TYPES = {
  string: 1,
  map: 2,
  list: 3,
  enum: 4,
  date: 6,
  unknown: 11,
  json: 12,
  bson: 13,
  uuid: 14,
  float16: 15,
  variant: 16,
} as const
type SimpleLogicalKind = keyof typeof SIMPLE_LOGICAL_TYPES

interface ParquetNode {
  readonly name: string
  readonly repetition: Repetition
  readonly fieldId?: number | undefined
  readonly logicalType?: LogicalType | undefined
}

/** A column: a primitive at the end of a path. */
export interface ParquetLeaf extends ParquetNode {
  readonly physicalType: PhysicalType
  /** Bytes of a FIXED_LEN_BYTE_ARRAY. */
  readonly typeLength?: number | undefined
}

export interface ParquetGroup extends ParquetNode {
  readonly children: readonly ParquetField[]
}

export type ParquetField = ParquetLeaf | ParquetGroup

export function isLeaf(field: ParquetField): field is ParquetLeaf {
  return 'physicalType' in field
}

/** The columns of a schema in the order of the file's column chunks. */
export function leavesOf(field: ParquetField): ParquetLeaf[] {
  return isLeaf(field) ? [field] : field.children.flatMap(leavesOf)
}

/** The most that levels of a column can be: how many of the fields on its way repeat, and how many may be absent. */
export function maxLevelsOf(root: ParquetGroup, leaf: ParquetLeaf): { repetition: number; definition: number } {
  const descend = (field: ParquetField, repetition: number, definition: number): ReturnType<typeof maxLevelsOf>[] => {
    const levels = {
      repetition: repetition + (field.repetition === 'repeated' ? 1 : 0),
      definition: definition + (field.repetition === 'required' ? 0 : 1),
    }
    if (isLeaf(field)) return field === leaf ? [levels] : []
    return field.children.flatMap((child) => descend(child, levels.repetition, levels.definition))
  }
  return descend(root, 0, 0)[0] ?? { repetition: 0, definition: 0 }
}

/** Whether any field within has an id: one is enough for a file to be read by its ids alone. */
export function hasFieldIds({ children }: ParquetGroup): boolean {
  return children.some((field) => field.fieldId !== undefined || (!isLeaf(field) && hasFieldIds(field)))
}

/** Parses the flattened tree of a footer. Throws InvalidDataError. */
export function parseParquetSchema(elements: readonly ThriftCursor[], footer: ThriftCursor): ParquetGroup {
  let next = 0
  const parse = (depth: number): ParquetField => {
    const element = elements[next++]
    if (element === undefined) return footer.fail('the schema ends before its last element')
    if (depth > MAX_NESTING) return element.fail(`nested deeper than ${MAX_NESTING} levels`)
    const node = parseNode(element, depth === 0)
    const physical = element.integer(1)
    // A root without columns has no children; a group within always has some.
    if (physical === undefined || depth === 0) {
      const children = Array.from({ length: childCount(element, elements.length - next) }, () => parse(depth + 1))
      return { ...node, children }
    }
    const physicalType = PHYSICAL_TYPES[physical] ?? element.fail(`unknown physical type ${physical}`)
    return {
      ...node,
      physicalType,
      ...(physicalType === 'FIXED_LEN_BYTE_ARRAY' ? { typeLength: element.count(2) } : {}),
    }
  }
  const root = parse(0)
  if (isLeaf(root) || next !== elements.length) return footer.fail('the schema has elements outside its tree')
  return root
}

function childCount(element: ThriftCursor, left: number): number {
  const count = element.has(5) ? element.count(5) : 0
  return count <= left ? count : element.fail(`${count} children, but ${left} elements are left`)
}

function parseNode(element: ThriftCursor, isRoot: boolean): ParquetNode {
  const repetition = isRoot ? 'required' : REPETITIONS[element.count(3)]
  const logicalType = parseLogicalType(element.cursor(10, 'logicalType')) ?? parseConvertedType(element)
  return {
    name: element.string(4) ?? element.fail('a schema element without a name'),
    repetition: repetition ?? element.fail('unknown repetition'),
    fieldId: element.integer(9),
    ...(logicalType === undefined ? {} : { logicalType }),
  }
}

/** Undefined where the union holds a kind that this library does not know: the physical type speaks for itself then. */
function parseLogicalType(union: ThriftCursor | undefined): LogicalType | undefined {
  const member = union?.struct.fields[0]
  if (union === undefined || member === undefined) return undefined
  const inner = union.cursor(member.id, String(member.id)) ?? union.fail('an empty logical type')
  switch (member.id) {
    case 5:
      return { kind: 'decimal', scale: inner.count(1), precision: inner.count(2) }
    case 7:
    case 8:
      return { kind: member.id === 7 ? 'time' : 'timestamp', utc: inner.boolean(1) ?? false, unit: parseUnit(inner) }
    case 10:
      return { kind: 'integer', bits: inner.count(1), signed: inner.boolean(2) ?? true }
    case 17:
      return { kind: 'geometry', crs: inner.string(1) }
    case 18:
      return { kind: 'geography', crs: inner.string(1), algorithm: EDGE_ALGORITHMS[inner.integer(2) ?? -1] }
    default: {
      const simple = Object.entries(SIMPLE_LOGICAL_TYPES).find(([, id]) => id === member.id)
      return simple === undefined ? undefined : { kind: simple[0] as SimpleLogicalKind }
    }
  }
}

function parseUnit(type: ThriftCursor): TimeUnitName {
  const member = type.cursor(2, 'unit')?.struct.fields[0]
  return TIME_UNITS[(member?.id ?? 0) - 1] ?? type.fail('unknown time unit')
}

/** ConvertedType, as files before logical types have it. */
function parseConvertedType(element: ThriftCursor): LogicalType | undefined {
  const converted = element.integer(6)
  switch (converted) {
    case undefined:
      return undefined
    case 0:
      return { kind: 'string' }
    case 1:
    case 2:
      return { kind: 'map' }
    case 3:
      return { kind: 'list' }
    case 4:
      return { kind: 'enum' }
    case 5:
      return { kind: 'decimal', scale: element.integer(7) ?? 0, precision: element.count(8) }
    case 6:
      return { kind: 'date' }
    case 7:
    case 8:
      return { kind: 'time', utc: true, unit: converted === 7 ? 'ms' : 'us' }
    case 9:
    case 10:
      return { kind: 'timestamp', utc: true, unit: converted === 9 ? 'ms' : 'us' }
    case 19:
      return { kind: 'json' }
    case 20:
      return { kind: 'bson' }
    case 21:
      return { kind: 'interval' }
    default: {
      // 11…14 are unsigned and 15…18 signed integers of 8, 16, 32 and 64 bits.
      if (converted < 11 || converted > 18) return element.fail(`unknown converted type ${converted}`)
      return { kind: 'integer', bits: 8 << ((converted - 11) % 4), signed: converted >= 15 }
    }
  }
}

/** The tree as SchemaElements, depth first, with the ConvertedTypes that old readers look for. */
export function printParquetSchema(root: ParquetGroup): ThriftStruct[] {
  const elements: ThriftStruct[] = []
  const print = (field: ParquetField, isRoot: boolean): void => {
    const leaf = isLeaf(field) ? field : undefined
    const { logicalType } = field
    const decimal = logicalType?.kind === 'decimal' ? logicalType : undefined
    elements.push(
      structOf(
        i32Field(1, leaf && PHYSICAL_TYPES.indexOf(leaf.physicalType)),
        i32Field(2, leaf?.typeLength),
        i32Field(3, isRoot ? undefined : REPETITIONS.indexOf(field.repetition)),
        stringField(4, field.name),
        i32Field(5, isLeaf(field) ? undefined : field.children.length),
        i32Field(6, logicalType && convertedTypeOf(logicalType)),
        i32Field(7, decimal?.scale),
        i32Field(8, decimal?.precision),
        i32Field(9, field.fieldId),
        structField(10, logicalType && printLogicalType(logicalType)),
      ),
    )
    if (!isLeaf(field)) for (const child of field.children) print(child, false)
  }
  print(root, true)
  return elements
}

function printLogicalType(type: LogicalType): ThriftStruct | undefined {
  switch (type.kind) {
    case 'decimal':
      return structOf(structField(5, structOf(i32Field(1, type.scale), i32Field(2, type.precision))))
    case 'time':
    case 'timestamp': {
      const unit = structOf(structField(TIME_UNITS.indexOf(type.unit) + 1, structOf()))
      return structOf(
        structField(type.kind === 'time' ? 7 : 8, structOf(booleanField(1, type.utc), structField(2, unit))),
      )
    }
    case 'integer':
      return structOf(structField(10, structOf(byteField(1, type.bits), booleanField(2, type.signed))))
    case 'geometry':
      return structOf(structField(17, structOf(stringField(1, type.crs))))
    case 'geography': {
      const algorithm = EDGE_ALGORITHMS.findIndex((name) => name === type.algorithm)
      const edges = algorithm < 0 ? undefined : i32Field(2, algorithm)
      return structOf(structField(18, structOf(stringField(1, type.crs), edges)))
    }
    case 'variant':
      return structOf(structField(SIMPLE_LOGICAL_TYPES.variant, structOf(byteField(1, VARIANT_VERSION))))
    case 'interval':
      return undefined
    default:
      return structOf(structField(SIMPLE_LOGICAL_TYPES[type.kind], structOf()))
  }
}

function convertedTypeOf(type: LogicalType): number | undefined {
  switch (type.kind) {
    case 'string':
      return 0
    case 'map':
      return 1
    case 'list':
      return 3
    case 'enum':
      return 4
    case 'decimal':
      return 5
    case 'date':
      return 6
    case 'time':
    case 'timestamp':
      return convertedTimeOf(type)
    case 'integer':
      return (type.signed ? 15 : 11) + Math.log2(type.bits / 8)
    case 'json':
      return 19
    case 'bson':
      return 20
    case 'interval':
      return 21
    default:
      return undefined
  }
}

/** The legacy times are UTC-adjusted by definition and know no nanoseconds. */
function convertedTimeOf(type: {
  readonly kind: 'time' | 'timestamp'
  readonly utc: boolean
  readonly unit: TimeUnitName
}): number | undefined {
  if (!type.utc || type.unit === 'ns') return undefined
  return (type.kind === 'time' ? 7 : 9) + (type.unit === 'ms' ? 0 : 1)
}
