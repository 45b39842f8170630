/** Variant and geometry columns of whole tables: what they may not be, how they are filtered, what is known of them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tableFromIPC, tableToIPC } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UnsupportedError, ValidationError } from '../../src/base/errors.ts'
import type { Catalog, SchemaInput, Table } from '../../src/index.ts'
import { openCatalog } from '../../src/index.ts'
import { collect } from '../scan/table-fixture.ts'

let folder = ''
let catalog: Catalog
let tables = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-types-'))
  catalog = await openCatalog(folder)
})
afterAll(async () => {
  await catalog.close()
  await rm(folder, { recursive: true })
})

function create(schema: SchemaInput, options: object = {}): Promise<Table> {
  tables += 1
  return catalog.createTable(`types.t${tables}`, { schema, formatVersion: 3, ...options })
}

const POINT = new Uint8Array(Buffer.from('0101000000000000000000f83f0000000000000440', 'hex'))

describe('variant and geometry columns', () => {
  const schema = { id: 'int not null', v: 'variant', g: 'geometry', n: 'struct<v: variant>' }

  it.each(['variant', 'geometry', 'geography', 'unknown', 'timestamp_ns', 'timestamptz_ns'])(
    '%s needs format version 3',
    async (type) => {
      const created = create({ id: 'int', c: `list<${type}>` }, { formatVersion: 2 })
      await expect(created).rejects.toThrow(UnsupportedError)
      await expect(created).rejects.toThrow(`column "c.element": type ${type} needs format version 3`)
    },
  )

  it.each([
    [{ partitionBy: ['v'] }],
    [{ partitionBy: ['bucket(4, v)'] }],
    [{ partitionBy: ['g'] }],
    [{ sortBy: ['v'] }],
    [{ sortBy: ['n.v'] }],
    [{ sortBy: ['g'] }],
  ])('%o is refused', async (options) => {
    await expect(create(schema, options)).rejects.toThrow(ValidationError)
    await expect(create(schema, options)).rejects.toThrow(/variant|geometry/)
  })

  it('can not identify rows, nor have defaults', async () => {
    const field = { id: 1, name: 'v', required: true, type: 'variant' }
    const identified = { type: 'struct', fields: [field], 'identifier-field-ids': [1] }
    await expect(create(identified)).rejects.toThrow('an identifier field must have a primitive type')
    for (const type of ['variant', 'geometry', 'geography', 'unknown']) {
      const fields = [{ ...field, required: false, type, 'write-default': '00' }]
      await expect(create({ type: 'struct', fields })).rejects.toThrow(`type ${type} can only be null`)
    }
  })

  it('are filtered by null alone', async () => {
    const table = await create(schema)
    await table.append([
      { id: 1, v: { a: 1 }, g: POINT, n: { v: null } },
      { id: 2, v: null, n: null },
      { id: 3, v: [], n: { v: 'x' } },
    ])
    const ids = async (where: string): Promise<unknown> =>
      (await table.scan({ where, select: ['id'] }).toArrow()).toArray().map(({ id }) => id as number)
    expect(await ids('v is null')).toEqual([2])
    expect(await ids('v is not null')).toEqual([1, 3])
    expect(await ids('n.v is null')).toEqual([1, 2])
    expect(await ids('g is not null and v is not null')).toEqual([1])
    for (const where of ["v = 'x'", 'v in (1, 2)', "g = 'x'", 'v is nan']) {
      await expect(ids(where)).rejects.toThrow(ValidationError)
    }
    const [task] = (await table.scan().plan()).tasks
    expect([task?.file.valueCounts?.get(2), task?.file.nullValueCounts?.get(2)]).toEqual([3, 1])
    expect(task?.file.lowerBounds?.has(2)).toBe(false)
    expect((await table.scan({ where: 'v is null' }).plan()).tasks).toHaveLength(1)
    await table.append([{ id: 4, v: 1, g: POINT }])
    expect((await table.scan({ where: 'v is null' }).plan()).tasks).toHaveLength(1)
  })

  it('go through Arrow unharmed, under the names of its extensions', async () => {
    const table = await create(schema)
    const rows = [
      { id: 1, v: { a: [1.5] }, g: POINT, n: null },
      { id: 2, v: null, g: null, n: { v: true } },
    ]
    await table.append(rows)
    const arrow = tableFromIPC(tableToIPC(await table.scan().toArrow()))
    expect(arrow.schema.fields[1]?.metadata.get('ARROW:extension:name')).toBe('arrow.parquet.variant')
    const copy = await create(schema)
    await copy.append(arrow)
    expect(await collect(copy.scan().rows())).toEqual(rows)
  })

  it('are refused where a value is none, with its place', async () => {
    const table = await create(schema)
    await expect(table.append([{ id: 1 }, { id: 2, g: Uint8Array.of(1, 2) }])).rejects.toThrow(
      'row 2, column "g": expected geometry, found 2 bytes that are not a shape in well-known binary: it is cut off',
    )
    await expect(table.append([{ id: 1, n: { v: () => 1 } }])).rejects.toThrow(
      'row 1, column "n.v": expected variant, found a function',
    )
  })
})
