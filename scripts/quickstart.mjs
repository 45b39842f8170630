/**
 * `npm run quickstart`: the main job on real data, in a folder, with nothing running. Each step is a `firn` command that
 * is shown before it runs, so that it can be typed again.
 */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build } from './build.mjs'

const root = join(import.meta.dirname, '..')
const warehouse = join(root, 'warehouse')
const command = join(root, 'dist', 'cli', 'main.js')
const flights = join(root, 'node_modules/vega-datasets/data/flights-3m.parquet')
const started = performance.now()
let step = 0

const LATE_FLIGHTS = [
  { date: '2001-07-01T08:00:00', delay: 95, distance: 2704, origin: 'SFO', destination: 'BOS' },
  { date: '2001-07-01T09:30:00', delay: -4, distance: 337, origin: 'SFO', destination: 'LAX' },
]
  .map((row) => `${JSON.stringify(row)}\n`)
  .join('')
const JUNE_FROM_SFO = "date >= '2001-06-01T00:00:00' and origin = 'SFO'"

function heading(text) {
  step += 1
  console.log(`\n── ${step}. ${text}\n`)
}

/** Shows a command line and runs it; resolves with what it printed. */
function firn(args, { input, quiet = false } = {}) {
  const shown = args.map((arg) => (/^[\w./:@=-]+$/.test(arg) ? arg : `"${arg}"`)).join(' ')
  if (!quiet) console.log(`$ ${input === undefined ? '' : "printf '…' | "}firn ${shown.replaceAll(`${root}/`, '')}`)
  return new Promise((resolve, reject) => {
    const stdio = [input === undefined ? 'ignore' : 'pipe', 'pipe', 'inherit']
    const child = spawn(process.execPath, [command, ...args], {
      stdio,
      env: { ...process.env, FIRN_WAREHOUSE: warehouse },
    })
    let printed = ''
    child.stdout.on('data', (chunk) => {
      printed += chunk
      if (!quiet) process.stdout.write(chunk)
    })
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve(printed) : reject(new Error(`firn ${args[0]} ended with ${code}`)),
    )
    if (input !== undefined) child.stdin.end(input)
  })
}

function filesBelow(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

function showDisk() {
  const groups = new Map()
  for (const file of filesBelow(warehouse)) {
    const [first, second] = relative(warehouse, file).split('/')
    const group = first === '_catalog' ? '_catalog/   pointers: which metadata is current' : `<table>/${second}/`
    const { files, bytes } = groups.get(group) ?? { files: 0, bytes: 0 }
    groups.set(group, { files: files + 1, bytes: bytes + statSync(file).size })
  }
  for (const [group, { files, bytes }] of [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${String(files).padStart(5)} files  ${(bytes / 1e6).toFixed(2).padStart(8)} MB  ${group}`)
  }
}

async function main() {
  build()
  rmSync(warehouse, { recursive: true, force: true })
  const table = 'travel.flights'

  heading('Import 3 million flights: one file a month, rows sorted by origin')
  const layout = [
    '--partition-by',
    'month(date)',
    '--sort-by',
    'origin',
    '--property',
    'write.parquet.row-group-size-bytes=2000000',
  ]
  await firn(['import', table, flights, ...layout])
  const [first] = (await firn(['snapshots', table, '--json'], { quiet: true })).split('\n')
  const { snapshotId } = JSON.parse(first)

  heading('Append two more from standard input')
  await firn(['append', table, '-', '--format', 'ndjson'], { input: LATE_FLIGHTS })

  heading('What a query is spared: files and row groups that cannot match are never read')
  await firn(['plan', table, '--where', JUNE_FROM_SFO, '--row-groups'])
  await firn(['count', table, '--where', JUNE_FROM_SFO])
  await firn(['scan', table, '--where', `${JUNE_FROM_SFO} and delay > 120`, '--limit', '5', '--format', 'table'])

  heading('Time travel to the first snapshot')
  await firn(['count', table])
  await firn(['count', table, '--as-of', snapshotId])

  heading('The history')
  await firn(['snapshots', table])

  heading('What lies on disk: an Iceberg table, and a pointer of one small file')
  showDisk()

  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  console.log(`
Done in ${seconds} s. Go on:

  export FIRN_WAREHOUSE=$PWD/warehouse
  alias firn="node $PWD/dist/cli/main.js"
  firn describe travel.flights
  firn scan travel.flights --where "origin = 'JFK' and delay > 120" --limit 10
  firn help import

The same on S3: FIRN_WAREHOUSE=s3://bucket/prefix, with AWS credentials in the environment.
`)
}

if (!existsSync(flights)) throw new Error('the data set is missing: run npm ci first')
await main()
