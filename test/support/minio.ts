/**
 * A real S3 store for tests, benchmarks and interop scripts: finds MinIO, starts it on a free port over a temporary
 * folder, and stops it however the caller ends. Looked for in this order: an endpoint given by the environment, a
 * binary on PATH or in the user's cache, Docker, and last a build from source with Go (once; it is then cached).
 * Imports nothing but Node, so that scripts may use it too.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/** MinIO's last version before its repository was archived. */
const MINIO_VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c'

export interface MinioServer {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export interface RunningMinio extends MinioServer {
  stop(): Promise<void>
}

/** How to run a server: the command line for a port and a data folder. */
type Launcher = (port: number, folder: string) => readonly string[]

const ACCESS_KEY_ID = 'firn-test'
const SECRET_ACCESS_KEY = 'firn-test-secret'
const START_TIMEOUT_MS = 60_000
const execute = promisify(execFile)

/** Starts a MinIO, or hands out the endpoint that FIRN_TEST_S3_ENDPOINT names. Throws an Error that says what to install. */
export async function startMinio(): Promise<RunningMinio> {
  const given = givenServer()
  if (given !== undefined) return { ...given, stop: async () => {} }
  const launcher = await findLauncher()
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(launcher)
    } catch (error) {
      if (attempt === 3) throw error
    }
  }
}

function givenServer(): MinioServer | undefined {
  const endpoint = process.env['FIRN_TEST_S3_ENDPOINT']
  if (endpoint === undefined || endpoint === '') return undefined
  const accessKeyId = process.env['AWS_ACCESS_KEY_ID']
  const secretAccessKey = process.env['AWS_SECRET_ACCESS_KEY']
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new Error('FIRN_TEST_S3_ENDPOINT is set: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY too')
  }
  return { endpoint, accessKeyId, secretAccessKey }
}

async function findLauncher(): Promise<Launcher> {
  const cached = join(cacheFolder(), 'minio')
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'minio'))
  for (const file of [...onPath, cached]) if (await isExecutable(file)) return binaryLauncher(file)
  if (await succeeds('docker', ['info'])) return dockerLauncher(await buildImage())
  if (await succeeds('go', ['version'])) return binaryLauncher(await buildBinary(cached))
  throw new Error(
    'the tests need MinIO: set FIRN_TEST_S3_ENDPOINT (with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) to a running ' +
      'S3 store, or put `minio` on the PATH, or start Docker, or install Go 1.24 or newer to build it from source',
  )
}

function binaryLauncher(file: string): Launcher {
  return (port, folder) => [
    file,
    'server',
    join(folder, 'data'),
    '--address',
    `127.0.0.1:${port}`,
    '--certs-dir',
    join(folder, 'certs'),
    '--quiet',
  ]
}

function dockerLauncher(image: string): Launcher {
  const run = ['docker', 'run', '--rm', '--init', '--env', 'MINIO_ROOT_USER', '--env', 'MINIO_ROOT_PASSWORD']
  return (port) => [...run, '--publish', `127.0.0.1:${port}:9000`, image]
}

async function buildImage(): Promise<string> {
  const image = `firn-minio:${MINIO_VERSION}`
  if (await succeeds('docker', ['image', 'inspect', image])) return image
  const folder = join(import.meta.dirname, '../../docker')
  await shown('docker', ['build', '--file', join(folder, 'minio.Dockerfile'), '--tag', image, folder])
  return image
}

/** Builds into a folder beside the final one and renames: a build that was cut short is never taken for a binary. */
async function buildBinary(file: string): Promise<string> {
  await mkdir(cacheFolder(), { recursive: true })
  const folder = await mkdtemp(join(cacheFolder(), 'build-'))
  try {
    progress(`building MinIO ${MINIO_VERSION} from source: about 5 minutes, once`)
    await shown('go', ['install', `github.com/minio/minio@${MINIO_VERSION}`], { GOBIN: folder, CGO_ENABLED: '0' })
    await rename(join(folder, 'minio'), file)
    progress(`kept in ${file}`)
    return file
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function start(launcher: Launcher): Promise<RunningMinio> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'firn-minio-'))
  const guard = join(import.meta.dirname, 'guarded-process.mjs')
  // Detached: a Ctrl-C in the terminal reaches the parent only, whose end then closes the pipe.
  const child = spawn(process.execPath, [guard, folder, ...launcher(port, folder)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    env: {
      ...process.env,
      MINIO_ROOT_USER: ACCESS_KEY_ID,
      MINIO_ROOT_PASSWORD: SECRET_ACCESS_KEY,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
  })
  child.unref()
  const endpoint = `http://127.0.0.1:${port}`
  try {
    await untilReady(endpoint, child)
  } catch (error) {
    await stop(child)
    throw error
  }
  return { endpoint, accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY, stop: () => stop(child) }
}

async function untilReady(endpoint: string, child: ChildProcess): Promise<void> {
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)))
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += 50) {
    if (child.exitCode !== null) throw new Error(`MinIO did not start: ${said}`)
    const healthy = await fetch(`${endpoint}/minio/health/ready`).then(
      (response) => response.ok,
      () => false,
    )
    if (healthy) return
    await sleep(50)
  }
  throw new Error(`MinIO at ${endpoint} was not ready within ${START_TIMEOUT_MS} ms: ${said}`)
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.ref()
  child.stdin?.end()
  await ended
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'firn', `minio-${MINIO_VERSION}`)
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return execute(command, args, { timeout: 20_000 }).then(
    () => true,
    () => false,
  )
}

/** Runs a long command with its output on stderr. */
async function shown(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const child = spawn(command, args, { stdio: ['ignore', 2, 2], env: { ...process.env, ...env } })
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve))
  if (code !== 0) throw new Error(`\`${command} ${args.join(' ')}\` failed with ${String(code)}`)
}

function progress(message: string): void {
  process.stderr.write(`${message}\n`)
}
