/** Exit codes, stable for scripts: one per reaction of the caller, as the error classes are. */
import * as errors from '../base/errors.ts'

export const INTERRUPTED = 130
export const USAGE = 2

const CODES = [
  { type: errors.ValidationError, code: USAGE, meaning: 'wrong arguments or rows' },
  { type: errors.NotFoundError, code: 3, meaning: 'no such table, namespace, file or snapshot' },
  { type: errors.AlreadyExistsError, code: 4, meaning: 'the name is taken' },
  { type: errors.NamespaceNotEmptyError, code: 4, meaning: 'the namespace is not empty' },
  { type: errors.CommitFailedError, code: 5, meaning: 'the commit failed; nothing was changed' },
  { type: errors.CommitStateUnknownError, code: 6, meaning: 'whether the commit landed is unknown: look, then retry' },
  { type: errors.UnauthorizedError, code: 7, meaning: 'no or wrong credentials' },
  { type: errors.ForbiddenError, code: 7, meaning: 'permission denied' },
  { type: errors.ServiceError, code: 8, meaning: 'the store cannot be reached, failed or is full' },
  { type: errors.InvalidDataError, code: 9, meaning: 'a file is damaged or not what it should be' },
  { type: errors.UnsupportedError, code: 10, meaning: 'not supported' },
] as const

/** 1 for what is no error of firn's: a fault of firn itself. */
export function exitCodeOf(error: unknown): number {
  return CODES.find(({ type }) => error instanceof type)?.code ?? 1
}

/** Codes in order, with what they mean. */
export function exitCodeMeanings(): readonly (readonly [code: number, meaning: string])[] {
  const meanings = new Map<number, string>([[0, 'done']]).set(1, 'an error of firn itself: please report it')
  for (const { code, meaning } of CODES) meanings.set(code, [meanings.get(code) ?? [], meaning].flat().join('; '))
  return [...meanings.set(INTERRUPTED, 'interrupted; nothing was changed')]
}
