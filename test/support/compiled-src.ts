/** Files of src as JavaScript, for child processes: Node 20 runs no TypeScript. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../..')

export interface CompiledSrc {
  /** Path of a file of src, such as `io/local-cas.ts`, as JavaScript. */
  path(file: string): string
  remove(): Promise<void>
}

/** Compiles files of src with all that they import, below node_modules so that packages are found. */
export async function compileSrc(files: readonly string[]): Promise<CompiledSrc> {
  const cache = join(ROOT, 'node_modules/.cache')
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'firn-src-'))
  const options = ['--outDir', folder, '--rootDir', join(ROOT, 'src'), '--module', 'nodenext', '--target', 'es2022']
  const flags = [
    '--ignoreConfig',
    '--rewriteRelativeImportExtensions',
    '--skipLibCheck',
    '--types',
    'node',
    '--noCheck',
  ]
  await promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), [
    ...options,
    ...flags,
    ...files.map((file) => join(ROOT, 'src', file)),
  ])
  return {
    path: (file) => join(folder, file.replace(/\.ts$/, '.js')),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
