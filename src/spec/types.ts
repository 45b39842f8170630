/**
 * Iceberg's types as plain data (spec, "Schemas and Data Types"): every other module speaks of columns in these.
 */

/**
 * A single value in memory: boolean → boolean; int, float, double → number; long → bigint; decimal → bigint (unscaled);
 * date → number (days from 1970-01-01); time → bigint (µs); timestamp, timestamptz → bigint (µs from the epoch);
 * timestamp_ns, timestamptz_ns → bigint (ns); string → string; uuid → lower-case string with dashes; fixed, binary,
 * geometry, geography → Uint8Array. Null stands for null.
 */
export type Value = boolean | number | bigint | string | Uint8Array

/** A default of any type: of a list its elements, of a map its entries, of a struct what it tells of its fields by id. */
export type DefaultValue = Value | readonly (DefaultValue | null)[] | ReadonlyMap<DefaultValue, DefaultValue | null>

export type PrimitiveType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'int' }
  | { readonly kind: 'long' }
  | { readonly kind: 'float' }
  | { readonly kind: 'double' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'date' }
  | { readonly kind: 'time' }
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'timestamptz' }
  | { readonly kind: 'timestamp_ns' }
  | { readonly kind: 'timestamptz_ns' }
  | { readonly kind: 'string' }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'fixed'; readonly length: number }
  | { readonly kind: 'binary' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'geometry'; readonly crs?: string | undefined }
  | { readonly kind: 'geography'; readonly crs?: string | undefined; readonly algorithm?: string | undefined }

/** Neither primitive nor nested in the specification's terms; leaf of a schema all the same. */
export interface VariantType {
  readonly kind: 'variant'
}

export interface StructType {
  readonly kind: 'struct'
  readonly fields: readonly NestedField[]
}

export interface ListType {
  readonly kind: 'list'
  readonly elementId: number
  readonly element: Type
  readonly elementRequired: boolean
}

export interface MapType {
  readonly kind: 'map'
  readonly keyId: number
  readonly key: Type
  readonly valueId: number
  readonly value: Type
  readonly valueRequired: boolean
}

export type NestedType = StructType | ListType | MapType
export type Type = PrimitiveType | VariantType | NestedType

export interface NestedField {
  readonly id: number
  readonly name: string
  readonly type: Type
  readonly required: boolean
  readonly doc?: string | undefined
  /** v3: value of rows written before the column was added. */
  readonly initialDefault?: DefaultValue | undefined
  /** v3: value of rows that a writer leaves out. */
  readonly writeDefault?: DefaultValue | undefined
}

export interface Schema {
  readonly schemaId: number
  readonly fields: readonly NestedField[]
  readonly identifierFieldIds: readonly number[]
}

export type TypeKind = Type['kind']

export function isNested(type: Type): type is NestedType {
  return type.kind === 'struct' || type.kind === 'list' || type.kind === 'map'
}

export function isPrimitive(type: Type): type is PrimitiveType {
  return !isNested(type) && type.kind !== 'variant'
}
