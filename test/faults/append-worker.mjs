/** A process that appends rows (worker, i) one commit at a time and says so on stdout once each is acknowledged. */
import { openCatalog } from '../../dist/index.js'

const [warehouse, table, worker, first, last] = process.argv.slice(2)
const catalog = await openCatalog(warehouse)
const opened = await catalog.loadTable(table)
for (let i = Number(first); i < Number(last); i++) {
  await opened.append([{ worker: Number(worker), i }])
  process.stdout.write(`${i}\n`)
}
await catalog.close()
