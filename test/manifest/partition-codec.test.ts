/** Partitions as they are read: one object as long as they repeat. */
import { describe, expect, it } from 'vitest'
import { encodeAvro, openAvro, readAvro } from '../../src/format/avro.ts'
import { partitionCodec } from '../../src/manifest/partition-codec.ts'
import type { PartitionData } from '../../src/spec/data-file.ts'

const codec = partitionCodec(
  {
    specId: 0,
    fields: ['a', 'b'].map((name, i) => ({
      fieldId: 1000 + i,
      sourceIds: [i + 1],
      transform: { kind: 'identity' },
      name,
    })),
  },
  [{ kind: 'string' }, { kind: 'int' }],
)

function read(partitions: readonly PartitionData[]): PartitionData[] {
  const all = readAvro(openAvro(encodeAvro(codec, partitions), 'memory'), codec)
  expect(all).toEqual(partitions)
  return all
}

/** Which of them are the object before. */
function repeats(partitions: readonly PartitionData[]): boolean[] {
  const all = read(partitions)
  return all.map((partition, i) => i > 0 && partition === all[i - 1])
}

describe('partitions', () => {
  it('are one object as long as they repeat', () => {
    expect(repeats([['x', 1], ['x', 1], ['x', 2], ['x', 2], ['x', 2], ['x', 1]])).toEqual([
      false, true, false, true, true, false,
    ]) // oxfmt-ignore
  })

  it('are not taken for one that they begin like', () => {
    const alike: PartitionData[] = [[null, null], ['', null], ['', 0], [null, 0], [null, null], ['a', 1], ['ab', 1], ['a', 1]] // oxfmt-ignore
    expect(repeats(alike)).toEqual(alike.map(() => false))
  })

  it('are read each time where they are long', () => {
    const [short, long] = ['x'.repeat(60), 'x'.repeat(61)]
    expect(repeats([[long, 1], [long, 1], [short, 1], [short, 1], [long, 1], [short, 1]])).toEqual([
      false, false, false, true, false, false,
    ]) // oxfmt-ignore
  })
})
