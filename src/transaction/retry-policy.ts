/** How long, and how often, a table wants its commits to be tried. */
import { longProperty } from '../spec/properties.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'

/** Of a single wait, in milliseconds. */
export interface WaitLimits {
  readonly leastMs: number
  readonly capMs: number
}

export interface RetryPolicy extends WaitLimits {
  readonly retries: number
  readonly totalTimeoutMs: number
}

export function retryPolicy({ properties }: TableMetadata): RetryPolicy {
  return {
    retries: longProperty(properties, 'commit.retry.num-retries', Number.MAX_SAFE_INTEGER),
    totalTimeoutMs: longProperty(properties, 'commit.retry.total-timeout-ms', 1_800_000),
    leastMs: longProperty(properties, 'commit.retry.min-wait-ms', 10),
    capMs: longProperty(properties, 'commit.retry.max-wait-ms', 2_000),
  }
}
