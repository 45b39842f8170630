import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { SummaryReporter } from './test/support/summary-reporter.ts'

// oxlint-disable-next-line import/no-default-export -- vitest reads the default export
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', '**/node_modules/**'],
    globalSetup: ['test/support/minio-setup.ts'],
    setupFiles: ['test/support/equality.ts'],
    reporters: ['default', new SummaryReporter('unit')],
    // Vitest leaves one core free; on two that would halve the suite's speed.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    // The first run on a machine may build MinIO from source.
    hookTimeout: 900_000,
    // The SDK's note about Node 20 would come once a worker; nothing else is switched off by it.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  },
})
