/** A process that plans a scan of all of a table, and tells the most memory that it had: started by planning.ts. */
import { openTable } from '../src/index.ts'
import type { Place } from './contestant.ts'
import type { PlanMemory } from './planning.ts'

const [input = '{}'] = process.argv.slice(2)
const { location, endpoint, accessKeyId, secretAccessKey } = JSON.parse(input) as Place & { readonly location: string }
const table = await openTable(location, { s3: { endpoint, credentials: { accessKeyId, secretAccessKey } } })
let tasks = 0
for await (const _ of table.scan().planFiles()) tasks += 1
const result: PlanMemory = { tasks, peakRssBytes: process.resourceUsage().maxRSS * 1024 }
process.stdout.write(JSON.stringify(result))
