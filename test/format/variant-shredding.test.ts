/** Shredded variants by Java (fixtures of iceberg-go), read as the binaries that it expects. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InvalidDataError } from '../../src/base/errors.ts'
import { decodeVariant, variantEnd } from '../../src/format/variant-value.ts'
import { fieldOf, schemaOf } from './arrow-column.ts'
import { memorySource, readBatches, readRows } from './parquet-file.ts'

const FOLDER = join(import.meta.dirname, '../fixtures/iceberg-go/table/shredded_variant')
const FILES = readdirSync(FOLDER)
const SCHEMA = schemaOf(fieldOf(1, 'id', { kind: 'int' }, true), fieldOf(2, 'var', { kind: 'variant' }))

/** Metadata and value, as the decoder of the dictionary finds their border. */
function expectedVariant(file: string): { metadata: Uint8Array; value: Uint8Array } | undefined {
  if (!FILES.includes(file)) return undefined
  const bytes = readFileSync(join(FOLDER, file))
  for (let end = 2; end < bytes.length; end++) {
    const [metadata, value] = [bytes.subarray(0, end), bytes.subarray(end)]
    if (metadataLength(bytes) === end && variantEnd(value, 0) === value.length) return { metadata, value }
  }
  throw new Error(`${file} holds no variant`)
}

function metadataLength(bytes: Buffer): number {
  const width = ((bytes[0] ?? 0) >> 6) + 1
  const count = bytes.readUIntLE(1, width)
  return 1 + width * (count + 2) + bytes.readUIntLE(1 + width * (count + 1), width)
}

describe('shredded variants', () => {
  it.each(['001', '002', '013', '133', '138', '136', '135', '089', '083', '043-INVALID', '084-INVALID'])(
    'case %s is put together as Java expects',
    async (name) => {
      const bytes = readFileSync(join(FOLDER, `case-${name}.parquet`))
      const batches = await readBatches(memorySource(bytes), { schema: SCHEMA })
      const columns = batches.flatMap(({ data }) => data.children[1] ?? [])
      const [column] = columns
      const rows = await readRows(bytes, { schema: SCHEMA })
      expect(rows.length).toBeGreaterThan(0)
      for (const [row, { var: found }] of rows.entries()) {
        const want = expectedVariant(`case-${name}_row-${row}.variant.bin`)
        if (want === undefined) {
          expect(found).toBeNull()
          continue
        }
        expect(found).toEqual(decodeVariant(want.metadata, want.value))
        const value = column?.children[1]
        const stored = value?.values.subarray(value.valueOffsets[row], value.valueOffsets[row + 1])
        expect(Buffer.from(stored ?? [])).toEqual(Buffer.from(want.value))
      }
    },
  )

  it.each([
    ['040', 'both value and typed_value'],
    ['042', 'both value and typed_value'],
    ['087', 'beside a value that is no object'],
    ['128', 'beside a value that is no object'],
    ['127', 'unsigned integer'],
    ['137', 'FIXED_LEN_BYTE_ARRAY(4)'],
  ])('case %s is refused: %s', async (name, reason) => {
    const bytes = readFileSync(join(FOLDER, `case-${name}.parquet`))
    const read = readRows(bytes, { schema: SCHEMA })
    await expect(read).rejects.toThrow(InvalidDataError)
    await expect(read).rejects.toThrow(reason)
    await expect(read).rejects.toThrow('column "var"')
  })
})
