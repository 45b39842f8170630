import { describe, expect, it } from 'vitest'
import { defineSchema } from '../../src/spec/define-schema.ts'
import { UNPARTITIONED, buildPartitionSpec } from '../../src/spec/partition-spec.ts'
import { dataFileName, locationProvider } from '../../src/write/location-provider.ts'
import { tableMetadata } from './tables.ts'

const schema = defineSchema({ d: 'date', origin: 'string' })
const spec = buildPartitionSpec(schema, ['month(d)', 'origin'])
const locationOf = (properties: Record<string, string>, location = 's3://b/db/t', unpartitioned = true) =>
  locationProvider(tableMetadata({ schema, properties, location }), schema, unpartitioned ? UNPARTITIONED : spec)

describe('location provider', () => {
  it('puts files below the partition folders', () => {
    expect(locationOf({}, 's3://b/db/t', false)([373, 'S/F O'], 'f.parquet')).toBe(
      's3://b/db/t/data/d_month=2001-02/origin=S%2FF+O/f.parquet',
    )
    expect(locationOf({})([], 'f.parquet')).toBe('s3://b/db/t/data/f.parquet')
    expect(locationOf({ 'write.data.path': 's3://other/x/' })([], 'f.parquet')).toBe('s3://other/x/f.parquet')
    expect(locationOf({ 'write.folder-storage.path': 's3://other/y' })([], 'f.parquet')).toBe('s3://other/y/f.parquet')
    expect(locationOf({ 'write.object-storage.path': 's3://other/z' })([], 'f')).toBe('s3://b/db/t/data/f')
  })

  // Vectors of Java's TestLocationProvider.testHashInjection.
  it.each([
    ['a', '0101/0110/1001/10110010'],
    ['b', '1110/0111/1110/00000011'],
    ['c', '0010/1101/0110/01011111'],
    ['d', '1001/0001/0100/01110011'],
  ])('hashes %s as Java does', (name, hash) => {
    expect(locationOf({ 'write.object-storage.enabled': 'true' })([], name)).toBe(`s3://b/db/t/data/${hash}/${name}`)
  })

  it('hashes with partitions, without their paths, and outside of the table', () => {
    const enabled = { 'write.object-storage.enabled': 'true' }
    expect(locationOf(enabled, 's3://b/db/t', false)([373, 'A'], 'f')).toMatch(
      /^s3:\/\/b\/db\/t\/data\/[01]{4}\/[01]{4}\/[01]{4}\/[01]{8}\/d_month=2001-02\/origin=A\/f$/,
    )
    const bare = { ...enabled, 'write.object-storage.partitioned-paths': 'false' }
    expect(locationOf(bare, 's3://b/db/t', false)([373, 'A'], 'a')).toBe('s3://b/db/t/data/0101/0110/1001/10110010-a')
    const shared = { ...enabled, 'write.data.path': 's3://shared/pool' }
    expect(locationOf(shared)([], 'a')).toBe('s3://shared/pool/0101/0110/1001/10110010/db/t/a')
    expect(locationOf({ ...enabled, 'write.object-storage.path': 's3://pool/x' })([], 'a')).toMatch(
      /^s3:\/\/pool\/x\/0101/,
    )
  })

  it('names files as Java does', () => {
    expect(dataFileName('7c1f', 12)).toBe('00000-0-7c1f-00012.parquet')
    expect(dataFileName('7c1f', 1, 3)).toBe('00003-0-7c1f-00001.parquet')
  })
})
