/** A Python environment with the engines of python-requirements.txt, made once and kept in the user's cache. */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const REQUIREMENTS = join(import.meta.dirname, 'python-requirements.txt')

/** Its interpreter; the environment is made where it isn't there yet. */
export async function pythonWithEngines(): Promise<string> {
  const { stdout: version } = await promisify(execFile)('python3', ['--version']).catch((cause: unknown) => {
    throw new Error('other engines need Python 3.10 or newer as `python3` on the PATH: install it', { cause })
  })
  if (!/ 3\.\d\d/.test(version)) throw new Error(`other engines need Python 3.10 or newer, not ${version.trim()}`)
  const hash = createHash('sha256').update(version + (await readFile(REQUIREMENTS, 'utf8')))
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'firn')
  const environment = join(cache, `interop-${hash.digest('hex').slice(0, 16)}`)
  if (!existsSync(environment)) await makeEnvironment(cache, environment)
  return join(environment, 'bin/python')
}

/** Made beside its place and renamed, so that one cut short is never taken for whole; of two runs the first one wins. */
async function makeEnvironment(cache: string, environment: string): Promise<void> {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'building-'))
  try {
    process.stderr.write(`installing PyIceberg and DuckDB in ${environment}: about a minute, once\n`)
    await run('python3', ['-m', 'venv', folder], 'on Debian and Ubuntu install python3-venv')
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', REQUIREMENTS]
    await run(join(folder, 'bin/python'), install, 'PyPI, or a mirror that pip is configured for, must be in reach')
    await rename(folder, environment).catch((error: unknown) => {
      if (!existsSync(environment)) throw error
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** With its output on stderr. */
async function run(command: string, args: readonly string[], advice: string): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 2, 2] })
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve))
  if (code !== 0) throw new Error(`\`${command} ${args.join(' ')}\` failed with ${String(code)}: ${advice}`)
}
