import { describe, expect, it } from 'vitest'
import {
  CommitFailedError,
  CommitStateUnknownError,
  NoSuchTableError,
  ServiceError,
  SessionExpiredError,
  ValidationError,
} from '../../src/base/errors.ts'
import type { FirnEvent } from '../../src/base/events.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { MemoryFileIO } from '../../src/io/memory-file-io.ts'
import { commitTable } from '../../src/transaction/commit.ts'
import type { CommitAction, StageContext } from '../../src/transaction/commit.ts'
import type {
  CommitAttempt,
  CommitOutcome,
  Staged,
  TableBase,
  TableOperations,
} from '../../src/transaction/operations.ts'
import { exampleTable } from '../spec/example-metadata.ts'

const base: TableBase = { metadata: exampleTable(), metadataLocation: 'memory://t/0.json', manifests: [] }
type Answer = 'committed' | 'conflict' | 'unknown' | Error

/** Operations whose outcomes are scripted; deletes are recorded. */
function scripted(answers: Answer[], refresh: () => Promise<TableBase> = () => Promise.resolve(base)) {
  const runtime = { ...systemRuntime, sleep: () => Promise.resolve() }
  const io = new MemoryFileIO({ runtime })
  const deleted: string[] = []
  const attempts: CommitAttempt[] = []
  const events: FirnEvent[] = []
  io.delete = (locations) => {
    deleted.push(...locations)
    return Promise.resolve({ storeTimeMs: 0 })
  }
  const operations: TableOperations = {
    name: 'a.t',
    io,
    runtime,
    reporter: (event) => events.push(event),
    current: base,
    refresh,
    commit(_base, _staged, attempt): Promise<CommitOutcome> {
      attempts.push(attempt)
      const answer = answers.shift()
      if (answer instanceof Error) return Promise.reject(answer)
      if (answer === 'committed') return Promise.resolve({ kind: 'committed', base })
      if (answer === 'unknown') return Promise.resolve({ kind: 'unknown', cause: new Error('silence') })
      return Promise.resolve({ kind: 'conflict', files: [`metadata-${attempts.length - 1}`] })
    },
  }
  return { operations, deleted, attempts, events }
}

function action(staged: StageContext[] = []): CommitAction {
  return {
    sessionStartMs: 5,
    files: ['data'],
    uploads: [],
    stage(_base, context): Promise<Staged> {
      staged.push(context)
      const attemptFiles = [`list-${context.attempt}`]
      return Promise.resolve({ updates: [], requirements: [], uploads: [], attemptFiles, manifests: undefined })
    },
  }
}

describe('commitTable', () => {
  it('stages again on conflict, with the same commit id, and deletes what only lost attempts used', async () => {
    const staged: StageContext[] = []
    const { operations, deleted, attempts, events } = scripted(['conflict', 'conflict', 'committed'])
    expect(await commitTable(operations, action(staged))).toMatchObject({ attempts: 3 })
    expect(staged.map((context) => context.attempt)).toEqual([0, 1, 2])
    expect(new Set(attempts.map((attempt) => attempt.commitId)).size).toBe(1)
    expect(attempts.every((attempt) => attempt.sessionStartMs === 5)).toBe(true)
    expect(deleted.toSorted()).toEqual(['list-0', 'list-1', 'metadata-0', 'metadata-1'])
    expect(events.map((event) => event.type)).toEqual(['commit-retry', 'commit-retry', 'commit-report'])
  })

  it('deletes nothing of a commit whose outcome is unknown', async () => {
    const { operations, deleted } = scripted(['conflict', 'unknown'])
    await expect(commitTable(operations, action())).rejects.toThrow(CommitStateUnknownError)
    expect(deleted).toEqual([])
  })

  it('deletes all files of a commit that definitely failed', async () => {
    const { operations, deleted } = scripted(['conflict', new ServiceError('down', { retryable: true })])
    await expect(commitTable(operations, action())).rejects.toThrow('down')
    expect(deleted.toSorted()).toEqual(['data', 'list-0', 'list-1', 'metadata-0'])
  })

  it('gives up after as many retries as the table sets', async () => {
    const metadata = { ...base.metadata, properties: { 'commit.retry.num-retries': '2' } }
    const { operations, deleted } = scripted(
      Array.from({ length: 9 }, () => 'conflict'),
      () => Promise.resolve({ ...base, metadata }),
    )
    const limited: TableOperations = { ...operations, current: { ...base, metadata } }
    await expect(commitTable(limited, action())).rejects.toThrow(/first in all 3 attempts/)
    expect(deleted).toContain('data')
  })

  it('is failed, not unknown, where the table cannot be read after a conflict', async () => {
    const { operations, deleted } = scripted(['conflict'], () =>
      Promise.reject(new ServiceError('down', { retryable: true })),
    )
    await expect(commitTable(operations, action())).rejects.toThrow(CommitFailedError)
    expect(deleted).toContain('data')
  })

  it('says so where the table was dropped meanwhile', async () => {
    const { operations } = scripted(['conflict'], () => Promise.reject(new NoSuchTableError('gone')))
    await expect(commitTable(operations, action())).rejects.toThrow(NoSuchTableError)
  })

  it('passes on what the action finds wrong, and cleans up', async () => {
    const { operations, deleted, attempts } = scripted(['committed'])
    const wrong: CommitAction = { ...action(), stage: () => Promise.reject(new ValidationError('no')) }
    await expect(commitTable(operations, wrong)).rejects.toThrow('no')
    expect(attempts).toEqual([])
    expect(deleted).toEqual(['data'])
  })

  it('hears of uploads that fail while an attempt is refused', async () => {
    const { operations } = scripted([new ValidationError('refused')])
    const unhandled: unknown[] = []
    const note = (error: unknown): number => unhandled.push(error)
    process.on('unhandledRejection', note)
    const late = new Promise<never>((_resolve, reject) => {
      setTimeout(() => reject(new ServiceError('late', { retryable: true })), 20)
    })
    const staged = { updates: [], requirements: [], uploads: [late], attemptFiles: [], manifests: undefined }
    const uploading: CommitAction = { ...action(), stage: () => Promise.resolve(staged) }
    await expect(commitTable(operations, uploading)).rejects.toThrow('refused')
    await new Promise((resolve) => {
      setTimeout(resolve, 40)
    })
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it('passes on that the session expired where it has no files to copy', async () => {
    const { operations } = scripted([new SessionExpiredError('too late'), 'committed'])
    await expect(commitTable(operations, action())).rejects.toThrow(SessionExpiredError)
  })

  it('stops before the next attempt when aborted', async () => {
    const controller = new AbortController()
    const { operations, attempts } = scripted(['conflict', 'committed'], () => {
      controller.abort(new Error('enough'))
      return Promise.resolve(base)
    })
    await expect(commitTable(operations, action(), { signal: controller.signal })).rejects.toThrow('enough')
    expect(attempts).toHaveLength(1)
  })
})
