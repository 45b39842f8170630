import { defineConfig } from 'vitest/config'
import { SummaryReporter } from './test/support/summary-reporter.ts'

export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    globalSetup: ['test/support/minio-setup.ts', 'test/interop/python-setup.ts'],
    reporters: ['default', new SummaryReporter('interop')],
    testTimeout: 120_000,
    // The first run on a machine installs the Python packages.
    hookTimeout: 900_000,
    fileParallelism: false,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  },
})
