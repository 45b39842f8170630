/** Typed access to the structs of thrift.ts: a cursor that reads with the path in every error, and makers of fields. */
import { InvalidDataError } from '../base/errors.ts'
import type { ThriftField, ThriftList, ThriftStruct, ThriftType, ThriftValue } from './thrift.ts'

const utf8 = new TextEncoder()

/** A struct of a footer and where it lies. Getters answer undefined where the field is absent. */
export class ThriftCursor {
  readonly struct: ThriftStruct
  readonly location: string
  readonly path: string

  constructor(struct: ThriftStruct, location: string, path: string) {
    this.struct = struct
    this.location = location
    this.path = path
  }

  fail(what: string): never {
    throw new InvalidDataError(`${this.path}: ${what}`, { context: { location: this.location, path: this.path } })
  }

  has(id: number): boolean {
    return this.#find(id) !== undefined
  }

  boolean(id: number): boolean | undefined {
    const value = this.#find(id)
    return value === undefined || typeof value === 'boolean' ? value : this.#mismatch(id, 'a boolean')
  }

  integer(id: number): number | undefined {
    const value = this.#find(id)
    return value === undefined || Number.isSafeInteger(value)
      ? (value as number | undefined)
      : this.#mismatch(id, 'an integer')
  }

  /** An integer that must be there and not be negative: counts, sizes, offsets. */
  count(id: number): number {
    const value = this.integer(id)
    return value !== undefined && value >= 0 ? value : this.#mismatch(id, 'a count')
  }

  binary(id: number): Uint8Array | undefined {
    const value = this.#find(id)
    return value === undefined || value instanceof Uint8Array ? value : this.#mismatch(id, 'bytes')
  }

  string(id: number): string | undefined {
    const value = this.binary(id)
    return value === undefined ? undefined : Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8')
  }

  cursor(id: number, name: string): ThriftCursor | undefined {
    const value = this.#find(id)
    if (value === undefined) return undefined
    if (!isStruct(value)) return this.#mismatch(id, 'a struct')
    return new ThriftCursor(value, this.location, `${this.path}.${name}`)
  }

  /** The structs of a list; none where it is absent. */
  cursors(id: number, name: string): ThriftCursor[] {
    return this.#list(id).map((item, i) => {
      if (!isStruct(item)) return this.#mismatch(id, 'a list of structs')
      return new ThriftCursor(item, this.location, `${this.path}.${name}[${i}]`)
    })
  }

  booleans(id: number): boolean[] {
    return this.#list(id).map((item) => (typeof item === 'boolean' ? item : this.#mismatch(id, 'a list of booleans')))
  }

  integers(id: number): number[] {
    return this.#list(id).map((item) => (typeof item === 'number' ? item : this.#mismatch(id, 'a list of integers')))
  }

  binaries(id: number): Uint8Array[] {
    return this.#list(id).map((item) => (item instanceof Uint8Array ? item : this.#mismatch(id, 'a list of bytes')))
  }

  #list(id: number): readonly ThriftValue[] {
    const value = this.#find(id)
    if (value === undefined) return []
    return isList(value) ? value.values : this.#mismatch(id, 'a list')
  }

  #find(id: number): ThriftValue | undefined {
    for (const field of this.struct.fields) if (field.id === id) return field.value
    return undefined
  }

  #mismatch(id: number, expected: string): never {
    return this.fail(`field ${id} is not ${expected}`)
  }
}

function isStruct(value: ThriftValue): value is ThriftStruct {
  return typeof value === 'object' && 'fields' in value
}

function isList(value: ThriftValue): value is ThriftList {
  return typeof value === 'object' && 'elementType' in value
}

/** A struct of the fields that are not undefined. */
export function structOf(...fields: readonly (ThriftField | undefined)[]): ThriftStruct {
  return { fields: fields.filter((field) => field !== undefined) }
}

export function booleanField(id: number, value: boolean | undefined): ThriftField | undefined {
  return fieldOf(id, 'bool', value)
}

export function byteField(id: number, value: number | undefined): ThriftField | undefined {
  return fieldOf(id, 'byte', value)
}

export function i16Field(id: number, value: number | undefined): ThriftField | undefined {
  return fieldOf(id, 'i16', value)
}

export function i32Field(id: number, value: number | undefined): ThriftField | undefined {
  return fieldOf(id, 'i32', value)
}

export function i64Field(id: number, value: number | undefined): ThriftField | undefined {
  return fieldOf(id, 'i64', value)
}

export function stringField(id: number, value: string | undefined): ThriftField | undefined {
  return fieldOf(id, 'binary', value === undefined ? undefined : utf8.encode(value))
}

export function structField(id: number, value: ThriftStruct | undefined): ThriftField | undefined {
  return fieldOf(id, 'struct', value)
}

export function structsField(id: number, values: readonly ThriftStruct[]): ThriftField {
  return { id, type: 'list', value: { elementType: 'struct', values } }
}

/** `struct` with some fields replaced; those mapped to undefined are left out, others keep their place. */
export function withFields(
  struct: ThriftStruct,
  changes: Readonly<Record<number, ThriftField | undefined>>,
): ThriftStruct {
  const fields = struct.fields.filter((field) => !Object.hasOwn(changes, field.id))
  for (const field of Object.values(changes)) if (field !== undefined) fields.push(field)
  return { fields: fields.toSorted((a, b) => a.id - b.id) }
}

function fieldOf(id: number, type: ThriftType, value: ThriftValue | undefined): ThriftField | undefined {
  return value === undefined ? undefined : { id, type, value }
}
