/** vitest's globalSetup: tests get a Python interpreter that has the engines with `inject('python')`. */
import type { TestProject } from 'vitest/node'
import { pythonWithEngines } from '../support/python.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    python: string
  }
}

export async function setup(project: TestProject): Promise<void> {
  project.provide('python', await pythonWithEngines())
}
