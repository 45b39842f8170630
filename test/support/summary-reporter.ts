/** Ends a run with "N passed, N failed, N skipped" alone on a line, and keeps the figures for the sum that CI prints. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

export class SummaryReporter implements Reporter {
  readonly #run: string

  constructor(run: string) {
    this.#run = run
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0 }
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed++
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        counts[state === 'pending' ? 'skipped' : state]++
      }
    }
    const folder = join(import.meta.dirname, '../../build/test-counts')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `${this.#run}.json`), JSON.stringify(counts))
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`)
  }
}
