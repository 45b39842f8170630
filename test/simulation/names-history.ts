/** What a history of names is asked for, and what it tells. */
import type { Directories } from './collect.ts'
import type { Outcome } from './names-oracle.ts'
import type { StoreScheme } from './world.ts'

export interface NamesHistory {
  readonly violation: string | undefined
  readonly events: number
  readonly operations: number
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** Operations by kind and outcome. */
  readonly kinds: Readonly<Record<string, number>>
  readonly fingerprint: string
}

export interface NamesOptions {
  readonly store?: StoreScheme | undefined
  /** Collects folders without a pointer in place of old records. */
  readonly directories?: Directories | undefined
  readonly trace?: ((line: string) => void) | undefined
}
