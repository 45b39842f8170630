/** One transform of each kind. */
import type { Transform } from '../../src/spec/transform.ts'
import { checkTransform } from '../../src/spec/transform.ts'
import type { PrimitiveType } from '../../src/spec/types.ts'

const TRANSFORMS: readonly Transform[] = [
  { kind: 'identity' },
  { kind: 'year' },
  { kind: 'month' },
  { kind: 'day' },
  { kind: 'hour' },
  { kind: 'void' },
  { kind: 'bucket', buckets: 3 },
  { kind: 'truncate', width: 2 },
]

/** Those that a column of this type takes. */
export function transformsOf(type: PrimitiveType): readonly Transform[] {
  return TRANSFORMS.filter((transform) => {
    try {
      checkTransform(transform, { name: 'c', type })
      return true
    } catch {
      return false
    }
  })
}
