import { describe, expect, it } from 'vitest'
import * as errors from '../../src/base/errors.ts'
import { exitCodeMeanings, exitCodeOf } from '../../src/cli/exit-code.ts'
import { Progress } from '../../src/cli/progress.ts'
import { Collector } from './fake-host.ts'

describe('exit codes', () => {
  it('tell every error class apart as scripts need it, and are all explained', () => {
    const codes: Record<string, number> = {
      IcebergError: 1,
      ValidationError: 2,
      UnsupportedError: 10,
      NotFoundError: 3,
      NoSuchTableError: 3,
      NoSuchNamespaceError: 3,
      SnapshotExpiredError: 3,
      AlreadyExistsError: 4,
      NamespaceNotEmptyError: 4,
      CommitFailedError: 5,
      SessionExpiredError: 5,
      StreamMovedError: 5,
      CommitStateUnknownError: 6,
      InvalidDataError: 9,
      UnauthorizedError: 7,
      ForbiddenError: 7,
      ServiceError: 8,
    }
    const classes = Object.entries(errors).filter(([name]) => name.endsWith('Error'))
    const made = classes.map(([name, type]) => {
      const create = type as new (message: string, options: { retryable: boolean }) => Error
      return [name, exitCodeOf(new create('no', { retryable: false }))]
    })
    expect(Object.fromEntries(made)).toEqual(codes)
    expect(exitCodeOf(new TypeError('x is not a function'))).toBe(1)
    const explained = new Set(exitCodeMeanings().map(([code]) => code))
    for (const code of Object.values(codes)) expect(explained).toContain(code)
  })
})

describe('progress', () => {
  it('is one line that is written over, on a terminal only', () => {
    const [terminal, file] = [new Collector(), new Collector()]
    for (const [stream, isTty] of [
      [terminal, true],
      [file, false],
    ] as const) {
      const progress = new Progress(stream, isTty)
      progress.note({ type: 'file-written', location: 'x', rows: 5, sizeBytes: 1_500 })
      progress.rows(1_000, 3_000)
      progress.rows(1_000, 3_000)
      progress.clear()
    }
    expect(terminal.text).toBe('\r\u001B[2K1,000 of 3,000 rows, 1 file, 1.50 KB\r\u001B[2K')
    expect(file.text).toBe('')
  })

  it('says why it waits, and nothing where there was nothing to wait for', () => {
    const terminal = new Collector()
    const progress = new Progress(terminal, true)
    progress.clear()
    expect(terminal.text).toBe('')
    progress.note({ type: 'commit-retry', table: 't', attempt: 2, waitMs: 1, reason: 'x'.repeat(200) })
    expect(terminal.text).toMatch(/waiting to try again \(2\): x+$/)
    expect(terminal.text.length).toBeLessThan(90)
  })
})
