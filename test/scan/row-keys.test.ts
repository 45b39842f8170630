import { Buffer } from 'node:buffer'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UnsupportedError } from '../../src/base/errors.ts'
import { KeyBuffer } from '../../src/scan/key-map.ts'
import { compileRowKey } from '../../src/scan/row-keys.ts'
import { findField } from '../../src/spec/schema.ts'
import { isPrimitive } from '../../src/spec/types.ts'
import type { Schema } from '../../src/spec/types.ts'
import { valuesEqual } from '../../src/spec/value.ts'
import { RowPacker } from '../../src/write/rows-to-arrow.ts'
import { SCHEMA as FLIGHTS } from './flights-fixture.ts'
import { SCHEMA, rows, valueOf } from './scan-values.ts'

/** Keys of all rows after the first `start`, as text. */
function keysOf(schema: Schema, input: readonly object[], ids: readonly number[], start = 0): string[] {
  const packer = new RowPacker(schema)
  packer.append(input)
  const batch = packer.finish().slice(start)
  const write = compileRowKey(schema, ids)(batch)
  const key = new KeyBuffer()
  return Array.from({ length: batch.numRows }, (_, row) => {
    write(row, key)
    return Buffer.from(key.bytes.subarray(0, key.length)).toString('hex')
  })
}

const leaf = fc.tuple(fc.integer({ min: 1, max: 14 }), fc.constantFrom(0, 100)).map(([id, base]) => base + id)

describe('compileRowKey', () => {
  it('gives equal keys to rows that are equal, and to no others, for columns of every type', () => {
    fc.assert(
      fc.property(rows, fc.uniqueArray(leaf, { minLength: 1, maxLength: 2 }), fc.nat(3), (input, ids, start) => {
        const keys = keysOf(SCHEMA, input, ids, start)
        const equal = (a: number, b: number): boolean =>
          ids.every((id) => {
            const type = findField(SCHEMA, id)?.type
            const [x, y] = [a, b].map((row) => valueOf(input[row + start] ?? {}, id))
            return type !== undefined && isPrimitive(type) && valuesEqual(type, x ?? null, y ?? null)
          })
        for (const [a, key] of keys.entries()) {
          for (const [b, other] of keys.entries()) expect(key === other, `rows ${a} and ${b}`).toBe(equal(a, b))
        }
      }),
      { numRuns: 100 },
    )
  })

  it('keeps neighbouring strings apart, whatever they hold', () => {
    const string = { kind: 'string' } as const
    const fields = ['a', 'b'].map((name, i) => ({ id: i + 1, name, type: string, required: false }))
    const schema = { schemaId: 0, identifierFieldIds: [], fields }
    const text = fc.array(fc.constantFrom('\0', '\u0001', 'a'), { maxLength: 12 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ a: text, b: text }), { selector: (row) => JSON.stringify(row) }),
        (input) => {
          expect(new Set(keysOf(schema, input, [1, 2])).size).toBe(input.length)
        },
      ),
    )
    const [one, two] = keysOf(
      schema,
      [
        { a: 'a\u0001\u0001\0\0\0b', b: '' },
        { a: 'a', b: 'b' },
      ],
      [1, 2],
    )
    expect(one).not.toBe(two)
  })

  it('refuses lists', () => {
    expect(() => compileRowKey(FLIGHTS, [8])).toThrow(UnsupportedError)
  })
})
