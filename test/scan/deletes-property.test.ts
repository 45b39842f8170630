/** Random tables with deletes of every kind, against the specification's rules written out row by row. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { TableScan } from '../../src/scan/table-scan.ts'
import type { DataFile, PartitionData } from '../../src/spec/data-file.ts'
import { buildPartitionSpec, partitionKey } from '../../src/spec/partition-spec.ts'
import { projectFieldIds } from '../../src/spec/select-fields.ts'
import { applyTransform } from '../../src/spec/transform.ts'
import type { PrimitiveType, Schema } from '../../src/spec/types.ts'
import { deletionVectors, equalityDeletes, positionDeletes } from './deletes-fixture.ts'
import { keyOf } from './scan-values.ts'
import { TableFixture, collect, collectSplits } from './table-fixture.ts'

const STRING = { kind: 'string' } as const
const SCHEMA: Schema = {
  schemaId: 0,
  identifierFieldIds: [],
  fields: [
    { id: 1, name: 'id', required: true, type: { kind: 'long' } },
    { id: 2, name: 'k', required: false, type: { kind: 'int' } },
    {
      id: 3,
      name: 's',
      required: false,
      type: { kind: 'struct', fields: [{ id: 4, name: 'x', required: false, type: STRING }] },
    },
    { id: 5, name: 'p', required: false, type: STRING },
  ],
}
const SPECS = [[], ['p'], ['bucket(2, k)'], ['void(p)']].map((terms, specId) => ({
  specId,
  fields: buildPartitionSpec(SCHEMA, terms).fields,
}))

interface Row {
  readonly id: bigint
  readonly k: number | null
  readonly s: { readonly x: string | null } | null
  readonly p: string | null
}

interface Data {
  readonly file: DataFile
  readonly sequence: bigint
  readonly rows: readonly Row[]
}

interface Delete {
  readonly file: DataFile
  readonly sequence: bigint
  readonly has: (data: Data, position: number) => boolean
}

const valueOf = (row: Row, id: number): unknown => ({ 1: row.id, 2: row.k, 4: row.s?.x ?? null, 5: row.p })[id]

const row = fc.record({
  id: fc.bigInt(0n, 5n),
  k: fc.constantFrom(null, 0, 1, 2),
  s: fc.option(fc.record({ x: fc.constantFrom(null, '', 'a', 'ab') }), { freq: 3 }),
  p: fc.constantFrom(null, 'u', 'v'),
})
const specId = fc.nat(SPECS.length - 1)
const pick = fc.nat(1000)
const commits = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('data' as const),
        specId,
        rows: fc.array(row, { minLength: 1, maxLength: 12 }),
      }),
    },
    fc.record({
      type: fc.constant('positions' as const),
      pick,
      more: fc.boolean(),
      at: fc.array(fc.nat(12), { minLength: 1, maxLength: 6 }),
      metrics: fc.constantFrom('full' as const, 'none' as const),
      names: fc.boolean(),
    }),
    fc.record({
      type: fc.constant('vectors' as const),
      picks: fc.array(pick, { minLength: 1, maxLength: 3 }),
      at: fc.array(fc.nat(12), { minLength: 1, maxLength: 6 }),
    }),
    fc.record({
      type: fc.constant('equality' as const),
      pick,
      specId,
      ids: fc.constantFrom([1], [2], [4], [5], [4, 2], [1, 5]),
      rows: fc.array(row, { minLength: 1, maxLength: 3 }),
      metrics: fc.constantFrom('full' as const, 'none' as const),
    }),
  ),
  { minLength: 1, maxLength: 8 },
)
type Commit = typeof commits extends fc.Arbitrary<(infer C)[]> ? C : never

class Model {
  readonly table = new TableFixture(SCHEMA, { formatVersion: 3 })
  readonly data: Data[] = []
  readonly deletes: Delete[] = []

  constructor() {
    this.table.metadata = { ...this.table.metadata, partitionSpecs: SPECS }
  }

  get nextSequence(): bigint {
    return this.table.metadata.lastSequenceNumber + 1n
  }

  async apply(commit: Commit): Promise<void> {
    switch (commit.type) {
      case 'data':
        return this.append(commit.specId, commit.rows)
      case 'positions':
        return this.deletePositions(commit)
      case 'vectors':
        return this.deleteByVectors(commit.picks, commit.at)
      case 'equality':
        return this.deleteByValues(commit)
    }
  }

  async append(spec: number, rows: readonly Row[]): Promise<void> {
    const groups = new Map<string, Row[]>()
    for (const each of rows) {
      const key = partitionKey({ specId: spec }, partitionOf(each, spec))
      groups.set(key, [...(groups.get(key) ?? []), each])
    }
    const sequence = this.nextSequence
    const files: DataFile[] = []
    for (const group of groups.values()) {
      const [first] = group
      const partition = first === undefined ? [] : partitionOf(first, spec)
      const file = await this.table.writeFile({ rows: group, partition, rowGroupRows: 4 }, spec)
      files.push(file)
      this.data.push({ file, sequence, rows: group })
    }
    await this.table.commit([files], spec)
  }

  /** Of one data file, or of all in its partition. */
  async deletePositions({ pick: n, more, at, metrics, names }: Extract<Commit, { type: 'positions' }>): Promise<void> {
    const chosen = this.data[n % Math.max(this.data.length, 1)]
    if (chosen === undefined) return
    const { specId: spec, partition } = chosen.file
    const key = partitionKey(chosen.file, partition)
    const files = more ? this.data.filter(({ file }) => partitionKey(file, file.partition) === key) : [chosen]
    const paths = new Set(files.map(({ file }) => file.filePath))
    const positions = files.flatMap(({ file }) => at.map((position) => [file.filePath, position] as const))
    const override = names && !more ? { referencedDataFile: chosen.file.filePath } : {}
    const sequence = this.nextSequence
    const file = await positionDeletes(this.table, chosen.file, positions, { metrics, override, rowGroupRows: 5 })
    await this.table.commit([[file]], spec)
    this.deletes.push({
      file,
      sequence,
      has: (data, position) => paths.has(data.file.filePath) && at.includes(position),
    })
  }

  async deleteByVectors(picks: readonly number[], at: readonly number[]): Promise<void> {
    const [first] = picks
    if (first === undefined || this.data.length === 0) return
    const { specId: spec } = (this.data[first % this.data.length] as Data).file
    const free = this.data.filter(({ file }) => file.specId === spec && this.vectorOf(file) === undefined)
    const chosen = new Set(picks.flatMap((n) => free[n % Math.max(free.length, 1)] ?? []))
    const vectors = [...chosen].map(
      (data) => [data.file, at.filter((position) => position < data.rows.length)] as const,
    )
    if (vectors.length === 0) return
    const sequence = this.nextSequence
    const files = await deletionVectors(this.table, vectors)
    await this.table.commit([files], spec)
    for (const [i, file] of files.entries()) {
      const [of, positions] = vectors[i] ?? []
      this.deletes.push({
        file,
        sequence,
        has: (data, position) => data.file === of && positions?.includes(position) === true,
      })
    }
  }

  async deleteByValues({
    pick: n,
    specId: spec,
    ids,
    rows,
    metrics,
  }: Extract<Commit, { type: 'equality' }>): Promise<void> {
    const sources = this.data.filter(({ file }) => file.specId === spec)
    const partition =
      sources[n % Math.max(sources.length, 1)]?.file.partition ?? (SPECS[spec]?.fields ?? []).map(() => null)
    const schema = projectFieldIds(SCHEMA, new Set(ids))
    const sequence = this.nextSequence
    const file = await equalityDeletes(this.table, schema, ids, rows, { specId: spec, partition, more: { metrics } })
    await this.table.commit([[file]], spec)
    const equal = (a: Row, b: Row): boolean => ids.every((id) => valueOf(a, id) === valueOf(b, id))
    this.deletes.push({
      file,
      sequence,
      has: (data, position) => rows.some((each) => equal(each, data.rows[position] as Row)),
    })
  }

  vectorOf(file: DataFile): Delete | undefined {
    return this.deletes.find(
      ({ file: each }) => each.fileFormat === 'puffin' && each.referencedDataFile === file.filePath,
    )
  }

  /** The specification's scope rules. */
  inScope(data: Data, each: Delete): boolean {
    const samePartition = partitionKey(each.file, each.file.partition) === partitionKey(data.file, data.file.partition)
    if (each.file.content === 'equality-deletes') {
      const isGlobal = each.file.specId === 0 || each.file.specId === 3
      return data.sequence < each.sequence && (isGlobal || samePartition)
    }
    const { referencedDataFile = data.file.filePath } = each.file
    const byVector = this.vectorOf(data.file)
    return (
      data.sequence <= each.sequence &&
      samePartition &&
      referencedDataFile === data.file.filePath &&
      (byVector === undefined || byVector === each)
    )
  }

  isDeleted(data: Data, position: number): boolean {
    return this.deletes.some((each) => this.inScope(data, each) && each.has(data, position))
  }
}

function partitionOf(each: Row, spec: number): PartitionData {
  return (SPECS[spec]?.fields ?? []).map(({ sourceIds: [id = 0], transform }) => {
    const type: PrimitiveType = id === 2 ? { kind: 'int' } : STRING
    return applyTransform(transform, type, valueOf(each, id) as string | number | null)
  })
}

interface Located extends Row {
  readonly _file: string
  readonly _pos: bigint
  readonly _spec_id: number
}

const FILTERS: readonly (readonly [string | undefined, (row: Located) => boolean])[] = [
  [undefined, () => true],
  ['k = 1', ({ k }) => k === 1],
  ['id < 3 or k is null', ({ id, k }) => id < 3n || k === null],
  ["s.x = 'a'", ({ s }) => s?.x === 'a'],
  ["p = 'u'", ({ p }) => p === 'u'],
  ['_pos > 2 and id > 1', ({ _pos, id }) => _pos > 2n && id > 1n],
  ['_spec_id = 1 or _pos = 0', ({ _spec_id, _pos }) => _spec_id === 1 || _pos === 0n],
]

it('reads what the specification leaves of a table', async () => {
  await fc.assert(
    fc.asyncProperty(commits, fc.constantFrom(...FILTERS), fc.nat(8), async (all, [where, matches], limit) => {
      const model = new Model()
      for (const commit of all) await model.apply(commit)
      const source = model.table.source()
      const columns = ['id', 'k', 's', 'p', '_file', '_pos', '_spec_id']
      const flagged = await collect(new TableScan(source, { select: [...columns, '_deleted'] }).rows())
      const dataOf = new Map(model.data.map((data) => [data.file.filePath, data]))
      const expected = [...dataOf.values()].flatMap((data) =>
        data.rows.map((_, i) => ({ _file: data.file.filePath, _pos: BigInt(i), _deleted: model.isDeleted(data, i) })),
      )
      const located = flagged.map(({ _file, _pos, _deleted }) => ({ _file, _pos, _deleted }))
      expect(new Set(located)).toEqual(new Set(expected))
      const live = flagged.filter(({ _deleted }) => _deleted === false)
      const rows = live.map(({ _deleted, ...rest }) => rest as unknown as Located).filter(matches)
      expect(await collect(new TableScan(source, { select: columns, where }).rows())).toEqual(rows)
      const inSplits = await collectSplits(source, { select: columns, where }, 1)
      expect(inSplits.map(keyOf).toSorted()).toEqual(rows.map(keyOf).toSorted())
      const scan = new TableScan(source, { select: ['p'], where })
      expect(await collect(scan.rows())).toEqual(rows.map(({ p }) => ({ p })))
      expect(await scan.count()).toBe(BigInt(rows.length))
      expect((await new TableScan(source, { select: [], where }).toArrow()).numRows).toBe(rows.length)
      const some = new TableScan(source, { where, limit, select: ['id', '_pos'] })
      expect(await collect(some.rows())).toEqual(rows.slice(0, limit).map(({ id, _pos }) => ({ id, _pos })))
      expect(await some.count()).toBe(BigInt(Math.min(limit, rows.length)))
      for (const { file, deletes } of (await scan.plan()).tasks) {
        const planned = deletes.map((each) =>
          model.deletes.find(
            (other) =>
              other.file.filePath === each.file.filePath && other.file.contentOffset === each.file.contentOffset,
          ),
        )
        for (const each of planned) expect(each && model.inScope(dataOf.get(file.filePath) as Data, each)).toBe(true)
      }
    }),
    { numRuns: 60 },
  )
}, 120_000)
