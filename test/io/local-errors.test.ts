import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ValidationError } from '../../src/base/errors.ts'
import { systemRuntime } from '../../src/base/runtime.ts'
import { localError } from '../../src/io/local-errors.ts'
import { LocalFileIO } from '../../src/io/local-file-io.ts'

const failure = (code: string): Error => Object.assign(new Error(`${code}: failed`), { code })

describe('localError', () => {
  it.each([
    ['ENOENT', 'NotFoundError', /does not exist/],
    ['ENOTDIR', 'NotFoundError', /does not exist: a part of its path is a file/],
    ['EISDIR', 'NotFoundError', /does not exist/],
    ['EACCES', 'ForbiddenError', /permission denied at file:\/\/\/x \(EACCES\): check its owner and mode/],
    ['EROFS', 'ForbiddenError', /permission denied/],
    ['ENOSPC', 'ServiceError', /the disk of file:\/\/\/x is full \(ENOSPC\): free some space/],
    ['EDQUOT', 'ServiceError', /full/],
    ['ENAMETOOLONG', 'ValidationError', /longer than the file system allows/],
    ['EMFILE', 'ServiceError', /the file system failed/],
    ['EINVAL', 'ServiceError', /the file system failed/],
  ])('%s is %s', (code, name, message) => {
    const error = localError(failure(code), 'file:///x')
    expect(error).toMatchObject({ name, context: { location: 'file:///x', code } })
    expect(error.message).toMatch(message)
  })

  it('retries what passes by itself only', () => {
    expect(localError(failure('EMFILE'), 'file:///x')).toMatchObject({ retryable: true })
    expect(localError(failure('ENOSPC'), 'file:///x')).toMatchObject({ retryable: false })
    expect(localError(failure('EINVAL'), 'file:///x')).toMatchObject({ retryable: false })
  })

  it("leaves firn's own errors alone", () => {
    const error = new ValidationError('x')
    expect(localError(error, 'file:///x')).toBe(error)
  })
})

describe('LocalFileIO', () => {
  it('fails whole: names too long, folders in the way', async () => {
    const root = await mkdtemp(join(tmpdir(), 'firn-errors-'))
    try {
      const io = new LocalFileIO({ runtime: systemRuntime })
      await writeFile(join(root, 'file'), 'x')
      await expect(io.write(`file://${root}/${'n'.repeat(300)}`, new Uint8Array(1))).rejects.toThrow(/longer than/)
      await expect(io.write(`file://${root}/file/below`, new Uint8Array(1))).rejects.toThrow(/file\/below/)
      await expect(io.read(`file://${root}/file/below`)).rejects.toMatchObject({ name: 'NotFoundError' })
      const listed: string[] = []
      for await (const { entries } of io.list(`file://${root}/`))
        listed.push(...entries.map(({ location }) => location))
      expect(listed).toEqual([`file://${root}/file`])
      await expect(io.read('file://elsewhere/x')).rejects.toThrow(/file:\/\/\/absolute\/path/)
    } finally {
      await rm(root, { recursive: true, force: true })
    }
  })
})
