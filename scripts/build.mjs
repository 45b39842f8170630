/** Compiles `src` to `dist` where that is missing or older than its sources; the command gets its executable bit. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
/** Compiled beside it first, so that a failed build leaves the last one in place. */
const next = join(root, 'build', 'dist-next')
const main = join(dist, 'cli', 'main.js')

function newestMs(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Math.max(...files.map((file) => statSync(file).mtimeMs))
}

export function build() {
  const sources = Math.max(newestMs(join(root, 'src')), statSync(join(root, 'tsconfig.build.json')).mtimeMs)
  if (existsSync(main) && statSync(main).mtimeMs > sources) return
  rmSync(next, { recursive: true, force: true })
  const compiler = join(root, 'node_modules', '.bin', 'tsc')
  const { status, error } = spawnSync(compiler, ['-p', join(root, 'tsconfig.build.json'), '--outDir', next], {
    stdio: 'inherit',
    cwd: root,
  })
  if (error) throw new Error(`could not run the compiler; run npm ci first`, { cause: error })
  if (status !== 0) process.exit(status ?? 1)
  rmSync(dist, { recursive: true, force: true })
  renameSync(next, dist)
  chmodSync(main, 0o755)
}

if (process.argv[1] === import.meta.filename) build()
