/** Options' values that are closed lists: for what checks them, and for shell completion. */

export const INPUT_FORMATS = ['parquet', 'csv', 'ndjson', 'json'] as const
export const OUTPUT_FORMATS = ['table', 'ndjson', 'json', 'csv'] as const
export const EXPORT_FORMATS = ['parquet', 'csv', 'ndjson', 'iceberg'] as const
export const FORMAT_VERSIONS = ['2', '3'] as const
export const SHELLS = ['bash', 'zsh', 'fish'] as const
