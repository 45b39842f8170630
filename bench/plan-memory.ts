/** A process that plans a scan of all of a table, and tells the most memory that it had: started by planning.ts. */
import { openTable } from '../src/index.ts'
import type { Place } from './contestant.ts'
import { peakRssBytes } from './peak-memory.ts'
import type { PlanMemory } from './planning.ts'

/** What is flat does not grow with what was planned before. */
const PLANS = 3

const [input = '{}'] = process.argv.slice(2)
const { location, endpoint, accessKeyId, secretAccessKey } = JSON.parse(input) as Place & { readonly location: string }
const table = await openTable(location, { s3: { endpoint, credentials: { accessKeyId, secretAccessKey } } })
let tasks = 0
const peaksRssBytes: number[] = []
for (let plan = 0; plan < PLANS; plan += 1) {
  for await (const _ of table.scan().planFiles()) tasks += 1
  peaksRssBytes.push(peakRssBytes())
}
await table.close()
const result: PlanMemory = { tasks, peaksRssBytes }
process.stdout.write(JSON.stringify(result))
