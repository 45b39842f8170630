/** A schema with every kind of nesting, and short ways to speak of it. */
import { defineSchema } from '../../src/spec/define-schema.ts'
import { requireField } from '../../src/spec/schema.ts'
import { printTypeText } from '../../src/spec/type-text.ts'
import type { Schema } from '../../src/spec/types.ts'

export const PLACES: Schema = defineSchema({
  id: 'long not null',
  location: 'struct<lat: float not null, long: float not null> not null',
  points: 'list<struct<x: int, y: int>>',
  props: 'map<string, struct<a: int not null, b: string>>',
  tags: 'list<string>',
  Name: 'string',
  name: 'string',
})
export function idOf(schema: Schema, name: string): number {
  return requireField(schema, name).id
}

/** The columns as `defineSchema` takes them. */
export function texts(schema: Schema): Record<string, string> {
  const entries = schema.fields.map(({ name, type, required }) => [
    name,
    printTypeText(type) + (required ? ' not null' : ''),
  ])
  return Object.fromEntries(entries)
}
