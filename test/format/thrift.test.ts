import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { type ThriftField, type ThriftStruct, parseThrift, printThrift } from '../../src/format/thrift.ts'
import { ThriftCursor, i32Field, structOf, withFields } from '../../src/format/thrift-fields.ts'

const integer = fc
  .oneof(fc.integer(), fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
  .map(normal)
const struct: fc.Arbitrary<ThriftStruct> = fc.letrec<{ struct: ThriftStruct; field: ThriftField }>((tie) => ({
  struct: fc.array(tie('field'), { maxLength: 5 }).map((fields) => ({ fields })),
  field: fc
    .tuple(
      fc.integer({ min: 1, max: 300 }),
      fc.oneof(
        { maxDepth: 3 },
        fc.boolean().map((value) => ({ type: 'bool' as const, value })),
        fc.integer({ min: -128, max: 127 }).map((value) => ({ type: 'byte' as const, value })),
        integer.map((value) => ({ type: 'i64' as const, value })),
        fc.double({ noNaN: true }).map((value) => ({ type: 'double' as const, value })),
        fc.uint8Array({ maxLength: 40 }).map((value) => ({ type: 'binary' as const, value })),
        fc
          .array(integer, { maxLength: 40 })
          .map((values) => ({ type: 'list' as const, value: { elementType: 'i32' as const, values } })),
        fc
          .array(fc.boolean())
          .map((values) => ({ type: 'list' as const, value: { elementType: 'bool' as const, values } })),
        fc
          .array(tie('struct'), { maxLength: 20 })
          .map((values) => ({ type: 'list' as const, value: { elementType: 'struct' as const, values } })),
        tie('struct').map((value) => ({ type: 'struct' as const, value })),
      ),
    )
    .map(([id, { type, value }]): ThriftField => ({ id, type, value })),
})).struct

function normal(value: number | bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

describe('thrift', () => {
  it('reads what it prints', () => {
    fc.assert(
      fc.property(struct, (value) => {
        expect(parseThrift(printThrift(value), 'x')).toEqual(value)
      }),
    )
  })

  it.each([
    [1, '1502'],
    [-1, '1501'],
    [2 ** 31 - 1, '15feffffff0f'],
  ])('prints i32 %i as the compact protocol has it', (value, hex) => {
    expect(Buffer.from(printThrift(structOf(i32Field(1, value)))).toString('hex')).toBe(`${hex}00`)
  })

  it('answers any bytes with a struct or InvalidDataError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          parseThrift(bytes, 's3://b/f')
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidDataError)
          expect((error as InvalidDataError).context).toMatchObject({ location: 's3://b/f' })
        }
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['a list longer than the bytes', [0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]],
    ['a binary longer than the bytes', [0x18, 0xff, 0xff, 0xff, 0xff, 0x0f]],
    ['a length of 2^63', [0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
    ['an integer of 80 bits', [0x16, ...Array<number>(11).fill(0xff), 1, 0]],
    ['endless nesting', Array<number>(10_000).fill(0x1c)],
    ['lists in lists without end', Array<number>(10_000).fill(0x19)],
    ['an unknown type', [0x1f, 0]],
    ['no end', [0x15, 2]],
  ])('refuses %s', (_, bytes) => {
    expect(() => parseThrift(Uint8Array.from(bytes), 'f')).toThrow(InvalidDataError)
  })

  it('refuses millions of empty structs', () => {
    const bytes = new Uint8Array(9_000_000)
    bytes.set([0x19, 0xfc, ...varint(8_999_990)])
    expect(() => parseThrift(bytes, 'f')).toThrow(/more than 8000000 values/)
  })
})

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))]
}

describe('cursor', () => {
  const cursor = new ThriftCursor(structOf(i32Field(3, 7)), 'f', 'root')

  it('says where a field is not what it should be', () => {
    expect(() => cursor.binary(3)).toThrow('root: field 3 is not bytes')
    expect(() => cursor.count(4)).toThrow('root: field 4 is not a count')
    expect(() => cursor.cursors(3, 'x')).toThrow('root: field 3 is not a list')
    expect(cursor.integer(4)).toBeUndefined()
  })

  it('replaces, adds and removes fields in the order of their ids', () => {
    const changed = withFields(structOf(i32Field(1, 1), i32Field(3, 3), i32Field(5, 5)), {
      3: undefined,
      4: i32Field(4, 4),
      5: i32Field(5, 50),
    })
    expect(changed.fields.map(({ id, value }) => [id, value])).toEqual([
      [1, 1],
      [4, 4],
      [5, 50],
    ])
  })
})
