/**
 * Column builders of lists, maps and structs over builders of their members, and the choice of a builder for any type.
 * Failures within get the member's step in front of their path.
 */
import { DataType } from 'apache-arrow'
import type { Data, Field } from 'apache-arrow'
import { UnsupportedError } from '../base/errors.ts'
import { defaultRowValue } from '../spec/default-value.ts'
import type { ListType, MapType, NestedField, StructType, Type } from '../spec/types.ts'
import { isPrimitive } from '../spec/types.ts'
import { describeInput } from '../spec/value.ts'
import { BinaryBuilder, StringBuilder } from './bytes-builders.ts'
import { CellMismatch, rethrowWithin } from './cell-mismatch.ts'
import { PrimitiveBuilder, Validity } from './column-builder.ts'
import type { ColumnBuffers, ColumnBuilder } from './column-builder.ts'
import { BooleanBuilder, FixedBytesBuilder, FloatBuilder, Int32Builder, Int64Builder } from './fixed-builders.ts'
import { KeyCheck, isPlainObject } from './key-check.ts'
import { encodeVariant } from './variant-input.ts'

/** The builder for values of `type` in Arrow's `arrowType`, as arrow-schema.ts pairs them. */
export function createColumnBuilder(type: Type, arrowType: DataType): ColumnBuilder {
  switch (type.kind) {
    case 'struct':
      return new StructBuilder(type, arrowType)
    case 'list':
      return new ListBuilder(type, arrowType)
    case 'map':
      return new MapBuilder(type, arrowType)
    case 'variant':
      return new VariantBuilder(arrowType)
    default:
      return createPrimitiveBuilder(type, arrowType)
  }
}

export function createPrimitiveBuilder(type: Type, arrowType: DataType): PrimitiveBuilder {
  if (!isPrimitive(type)) throw new UnsupportedError(`not a primitive type: ${type.kind}`)
  switch (type.kind) {
    case 'boolean':
      return new BooleanBuilder(type, arrowType)
    case 'int':
    case 'date':
      return new Int32Builder(type, arrowType)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timestamp_ns':
    case 'timestamptz_ns':
      return new Int64Builder(type, arrowType)
    case 'float':
    case 'double':
      return new FloatBuilder(type, arrowType)
    case 'decimal':
    case 'uuid':
    case 'fixed':
      return new FixedBytesBuilder(type, arrowType)
    case 'string':
      return new StringBuilder(type, arrowType)
    case 'binary':
    case 'geometry':
    case 'geography':
      return new BinaryBuilder(type, arrowType)
    case 'unknown':
      return new UnknownBuilder(type, arrowType)
  }
}

/** Type unknown: only nulls. */
class UnknownBuilder extends PrimitiveBuilder {
  get sizeBytes(): number {
    return 0
  }

  append(input: unknown): void {
    this.appendConverted(input)
  }

  appendValue(): void {
    this.length++
  }

  appendFiller(): void {
    this.length++
  }

  protected takeBuffers(): ColumnBuffers {
    return {}
  }
}

/** A named member of rows or structs: how it is read and where it goes. */
export class Member {
  readonly name: string
  readonly builder: ColumnBuilder
  /** Names such as `constructor` are found on every object: only own properties count for those. */
  readonly #inherited: boolean
  readonly #required: boolean
  readonly #typeName: string
  readonly #missing: unknown

  constructor(field: NestedField, arrowField: Field) {
    this.name = field.name
    this.builder = createColumnBuilder(field.type, arrowField.type)
    this.#inherited = field.name in Object.prototype
    this.#required = field.required
    this.#typeName = field.type.kind
    const { type, writeDefault } = field
    this.#missing = writeDefault === undefined ? undefined : defaultRowValue(type, writeDefault)
  }

  /** Adds the member of `owner`, null where it is absent. */
  append(owner: Readonly<Record<string, unknown>>): void {
    const input = this.#inherited && !Object.hasOwn(owner, this.name) ? undefined : owner[this.name]
    if (input === undefined || input === null) this.#appendAbsent(input)
    else this.builder.append(input)
  }

  /** Adds what stands below a null struct. */
  appendNothing(): void {
    if (this.#required) this.builder.appendFiller()
    else this.builder.appendNull()
  }

  #appendAbsent(input: null | undefined): void {
    if (input === undefined && this.#missing !== undefined) this.builder.append(this.#missing)
    else if (this.#required) throw new CellMismatch(`${this.#typeName} (required)`, 'null')
    else this.builder.appendNull()
  }
}

abstract class NestedBuilder implements ColumnBuilder {
  length = 0
  protected readonly arrowType: DataType
  protected readonly validity: Validity = new Validity()

  constructor(arrowType: DataType) {
    this.arrowType = arrowType
  }

  abstract get sizeBytes(): number
  abstract append(input: unknown): void
  abstract appendFiller(): void
  abstract settle(): void
  protected abstract build(): Data

  appendNull(): void {
    this.validity.markNull(this.length)
    this.appendFiller()
  }

  finish(): Data {
    const data = this.build()
    this.length = 0
    return data
  }
}

class StructBuilder extends NestedBuilder {
  readonly #members: readonly Member[]
  readonly #keys: KeyCheck

  constructor(type: StructType, arrowType: DataType) {
    super(arrowType)
    this.#members = type.fields.map((field, i) => new Member(field, childField(arrowType, i)))
    this.#keys = new KeyCheck(type.fields.map((field) => field.name))
  }

  get sizeBytes(): number {
    return this.#members.reduce((sum, { builder }) => sum + builder.sizeBytes, 0)
  }

  append(input: unknown): void {
    if (!isPlainObject(input)) throw new CellMismatch('struct', describeInput(input))
    const unknown = this.#keys.unknownKey(input)
    if (unknown !== undefined) {
      throw new CellMismatch(`one of ${this.#keys.list()}`, describeInput(input[unknown]), `.${unknown}`)
    }
    for (const member of this.#members) {
      try {
        member.append(input)
      } catch (error) {
        rethrowWithin(error, `.${member.name}`)
      }
    }
    this.length++
  }

  appendFiller(): void {
    for (const member of this.#members) member.appendNothing()
    this.length++
  }

  settle(): void {
    for (const { builder } of this.#members) builder.settle()
  }

  protected build(): Data {
    const children = this.#members.map(({ builder }) => builder.finish())
    return this.validity.build(this.arrowType, this.length, {}, children)
  }
}

class VariantBuilder extends NestedBuilder {
  readonly #metadata: BinaryBuilder
  readonly #value: BinaryBuilder

  constructor(arrowType: DataType) {
    super(arrowType)
    this.#metadata = new BinaryBuilder({ kind: 'binary' }, childField(arrowType, 0).type)
    this.#value = new BinaryBuilder({ kind: 'binary' }, childField(arrowType, 1).type)
  }

  get sizeBytes(): number {
    return this.#metadata.sizeBytes + this.#value.sizeBytes
  }

  append(input: unknown): void {
    const { metadata, value } = encodeVariant(input)
    this.#metadata.appendValue(metadata)
    this.#value.appendValue(value)
    this.length++
  }

  /** Whole variants also where a parent is null: some readers decode children first. */
  appendFiller(): void {
    this.append(null)
  }

  settle(): void {}

  protected build(): Data {
    return this.validity.build(this.arrowType, this.length, {}, [this.#metadata.finish(), this.#value.finish()])
  }
}

/** Offsets into a child column: what lists and maps have in common. */
abstract class RepeatedBuilder extends NestedBuilder {
  #offsets: Int32Array = new Int32Array(256)

  protected pushOffset(end: number): void {
    if (this.length + 1 >= this.#offsets.length) {
      const grown = new Int32Array(2 * this.#offsets.length)
      grown.set(this.#offsets)
      this.#offsets = grown
    }
    this.#offsets[++this.length] = end
  }

  protected buildOver(child: Data): Data {
    const offsets = this.#offsets.subarray(0, this.length + 1)
    this.#offsets = new Int32Array(256)
    return this.validity.build(this.arrowType, this.length, { offsets }, [child])
  }
}

class ListBuilder extends RepeatedBuilder {
  readonly #element: ColumnBuilder
  readonly #type: ListType

  constructor(type: ListType, arrowType: DataType) {
    super(arrowType)
    this.#type = type
    this.#element = createColumnBuilder(type.element, childField(arrowType, 0).type)
  }

  get sizeBytes(): number {
    return this.#element.sizeBytes + this.length * 4
  }

  append(input: unknown): void {
    if (!Array.isArray(input)) throw new CellMismatch('list', describeInput(input))
    const elements: readonly unknown[] = input
    let index = 0
    try {
      for (; index < elements.length; index++) {
        appendMember(this.#element, elements[index], this.#type.elementRequired, this.#type.element)
      }
    } catch (error) {
      rethrowWithin(error, `[${index}]`)
    }
    this.pushOffset(this.#element.length)
  }

  appendFiller(): void {
    this.pushOffset(this.#element.length)
  }

  settle(): void {
    this.#element.settle()
  }

  protected build(): Data {
    return this.buildOver(this.#element.finish())
  }
}

class MapBuilder extends RepeatedBuilder {
  readonly #type: MapType
  readonly #entriesType: DataType
  readonly #key: ColumnBuilder
  readonly #value: ColumnBuilder

  constructor(type: MapType, arrowType: DataType) {
    super(arrowType)
    this.#type = type
    this.#entriesType = childField(arrowType, 0).type
    this.#key = createColumnBuilder(type.key, childField(this.#entriesType, 0).type)
    this.#value = createColumnBuilder(type.value, childField(this.#entriesType, 1).type)
  }

  get sizeBytes(): number {
    return this.#key.sizeBytes + this.#value.sizeBytes + this.length * 4
  }

  append(input: unknown): void {
    const entries = input instanceof Map ? input : isPlainObject(input) ? Object.entries(input) : undefined
    if (entries === undefined) throw new CellMismatch('map', describeInput(input))
    for (const [key, value] of entries as Iterable<readonly [unknown, unknown]>) {
      try {
        appendMember(this.#key, key, true, this.#type.key)
        appendMember(this.#value, value, this.#type.valueRequired, this.#type.value)
      } catch (error) {
        rethrowWithin(error, `[${describeInput(key)}]`)
      }
    }
    this.pushOffset(this.#key.length)
  }

  appendFiller(): void {
    this.pushOffset(this.#key.length)
  }

  settle(): void {
    this.#key.settle()
    this.#value.settle()
  }

  protected build(): Data {
    const { length } = this.#key
    const children = [this.#key.finish(), this.#value.finish()]
    return this.buildOver(new Validity().build(this.#entriesType, length, {}, children))
  }
}

function appendMember(builder: ColumnBuilder, input: unknown, required: boolean, type: Type): void {
  if (input !== undefined && input !== null) builder.append(input)
  else if (required) throw new CellMismatch(`${type.kind} (required)`, 'null')
  else builder.appendNull()
}

function childField(type: DataType, index: number): Field {
  const field = (type.children as readonly Field[] | null)?.[index]
  if (field === undefined) throw new UnsupportedError(`an Arrow type without member ${index}, expected one`)
  return field
}
