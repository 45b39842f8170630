import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteCache } from '../../src/scan/byte-cache.ts'
import { KeyBuffer, KeyMap } from '../../src/scan/key-map.ts'

function bufferOf(text: string): KeyBuffer {
  const key = new KeyBuffer()
  const bytes = Buffer.from(text)
  key.bytes = bytes
  key.length = bytes.length
  return key
}

describe('KeyMap', () => {
  it('is a map to the highest number given with a key', () => {
    const puts = fc.array(fc.tuple(fc.string({ maxLength: 3 }), fc.nat(20)), { maxLength: 600 })
    fc.assert(
      fc.property(puts, fc.string({ maxLength: 3 }), (entries, other) => {
        const [map, expected] = [new KeyMap(), new Map<string, number>()]
        for (const [key, number] of entries) {
          map.put(bufferOf(key), number)
          expected.set(key, Math.max(number, expected.get(key) ?? 0))
        }
        expect(map.size).toBe(expected.size)
        for (const [key, number] of expected) expect(map.get(bufferOf(key))).toBe(number)
        expect(map.get(bufferOf(other))).toBe(expected.get(other) ?? -1)
      }),
    )
  })

  it('holds many keys in little more than their bytes', () => {
    const map = new KeyMap()
    for (let i = 0; i < 100_000; i++) map.put(bufferOf(`key ${i}`), i)
    expect([map.size, map.get(bufferOf('key 77777')), map.get(bufferOf('key'))]).toEqual([100_000, 77_777, -1])
    expect(map.sizeBytes).toBeLessThan(6e6)
  })
})

describe('ByteCache', () => {
  it('keeps what was used last while it has room', async () => {
    const cache = new ByteCache(10)
    const loaded: string[] = []
    const get = (key: string, bytes: number): Promise<string> =>
      cache.get(
        key,
        async () => {
          loaded.push(key)
          return key
        },
        () => bytes,
      )
    expect(await Promise.all([get('a', 4), get('a', 4), get('b', 4)])).toEqual(['a', 'a', 'b'])
    await get('a', 4)
    await get('c', 4)
    await get('a', 4)
    await get('b', 4)
    expect(loaded).toEqual(['a', 'b', 'c', 'b'])
    await get('huge', 100)
    expect(await get('huge', 100)).toBe('huge')
    expect(loaded.filter((key) => key === 'huge')).toHaveLength(2)
  })

  it('forgets what failed', async () => {
    const cache = new ByteCache(10)
    await expect(
      cache.get(
        'a',
        () => Promise.reject(new Error('lost')),
        () => 1,
      ),
    ).rejects.toThrow('lost')
    expect(
      await cache.get(
        'a',
        () => Promise.resolve(1),
        () => 1,
      ),
    ).toBe(1)
  })
})
