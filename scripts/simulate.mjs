/** Compiles the tests and runs the simulation with the arguments given. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const options = { stdio: 'inherit', cwd: root }
const compiled = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json'], options)
if (compiled.status !== 0) process.exit(compiled.status ?? 1)
const { status } = spawnSync(process.execPath, ['build/test/simulation/main.js', ...process.argv.slice(2)], options)
process.exit(status ?? 1)
