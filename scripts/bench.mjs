/** Compiles the benchmarks and runs them with the arguments given. */
import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const options = { stdio: 'inherit', cwd: root }
const compiled = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json'], options)
if (compiled.status !== 0) process.exit(compiled.status ?? 1)
// What starts MinIO and other engines looks for these beside itself.
const beside = ['test/support/guarded-process.mjs', 'test/support/python-requirements.txt', 'bench/peers', 'docker']
for (const path of beside) {
  cpSync(join(root, path), join(root, 'build', path), { recursive: true })
}
const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' }
const { status } = spawnSync(process.execPath, ['build/bench/main.js', ...process.argv.slice(2)], { ...options, env })
process.exit(status ?? 1)
