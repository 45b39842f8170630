/**
 * The format as a checklist: each rule of the table, view and Puffin specifications that reading and writing depend on,
 * with the tests that cover it. The tests named must exist, so a line here can't outlive what it points to.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

/** `path › title`, the title as it stands in the file (before its parameters are filled in). */
type Covering = readonly string[]

const TYPES: Readonly<Record<string, Covering>> = {
  'primitives of v1, structs, lists, maps, with ids at every level': [
    'format/parquet-round-trip › comes back as written: %s',
    'format/parquet-writer › stores types as Java does, with ids at every level',
    'write/every-type › give back every row of every schema',
  ],
  'decimals to 38 digits, whatever their stored width': [
    'format/parquet-writer › gives all decimals the fewest bytes that hold them',
    'format/parquet-foreign › decimals of every stored width, also wider than 16 bytes',
  ],
  'unknown is optional, not stored, and promoted to anything': [
    'format/parquet-writer › are not stored, and read as null',
    'format/parquet-evolution › were of type unknown once, which no file stores',
  ],
  'nanosecond timestamps': ['format/parquet-plain › keep nanoseconds in a v3 table', 'spec/date-time › timestamps'],
  'variant: values, unshredded files, shredded files': [
    'format/variant-value › values of variants',
    'write/variant-input › what is read is what was given, as the types of variants go',
    'format/variant-shredding › shredded variants',
    'format/parquet-writer › annotates variants as VARIANT(1), whose members are required and have no ids',
    'interop/types › variants that DuckDB shreds, read by firn',
  ],
  'geometry and geography: CRS, algorithm, WKB': [
    'format/wkb › the shapes of %s are read',
    "format/wkb › Java's schema comes back as it was printed",
    'interop/types › shapes with a CRS, read by DuckDB',
  ],
  'type strings, with and without white space': [
    'spec/type-text › is the one of the specification',
    'spec/type-text › parsePrimitive',
  ],
  'types of v3 are refused in v1 and v2': [
    'spec/check-schema › checkSchemaForVersion',
    'spec/apply-shape-updates › refuses types of version 3 in version 2',
  ],
  'promotions, and those that are none': [
    'format/parquet-projection › reads %j as %j',
    'format/parquet-projection › refuses to read %j as %j',
  ],
  'bounds of promoted columns keep their old width': [
    'spec/single-value › decodeSingleValue',
    'expr/metrics-evaluator › read bounds of the width that the column had before it was promoted',
    'format/parquet-evolution › exclude no row: $from to $to',
  ],
  'initial and write defaults of every type': [
    'spec/single-value-json › JSON single values',
    'format/parquet-projection › of type %j hold the initial default',
    'format/parquet-evolution › columns added later',
    'write/rows-to-arrow › writes defaults of nested fields, of structs and of lists',
  ],
  'identifier fields and reserved ids': ['spec/check-schema › checkSchemaForVersion refuses'],
}

const PROJECTION: Readonly<Record<string, Covering>> = {
  'by field id, never by name': [
    'format/parquet-projection › finds renamed and reordered columns at every level',
    'format/parquet-projection › is not confused by names',
  ],
  'partition value, then name mapping, then initial default, then null': [
    'format/parquet-field-ids › comes after partition values, and before initial defaults',
    'format/parquet-projection › take a constant before the initial default, also a null',
    'scan/table-scan › fills columns that a file lacks from its identity partition',
  ],
  'name mapping JSON; lists, maps, dots': [
    'spec/name-mapping › are read, and print to the same',
    'format/parquet-field-ids › is that of lists and maps however a writer names what is in them',
    'format/parquet-field-ids › takes a dot literally',
  ],
  'metadata columns': [
    'scan/metadata-columns › _file, _pos and _spec_id',
    'scan/metadata-columns › _partition',
    'scan/metadata-columns › _deleted',
    'scan/metadata-columns › row lineage',
  ],
}

const PARTITIONING_AND_ORDER: Readonly<Record<string, Covering>> = {
  'bucket hashes of Appendix B': ['spec/transform › bucketHash: Appendix B'],
  'all transforms, results and types': ['spec/transform › applyTransform', 'spec/transform › checkTransform'],
  'unknown transforms and several sources are read, never written': [
    'spec/partition-spec › has several sources and unknown transforms in v3',
    'spec/transform › refuses unknown transforms',
    'manifest/manifest-reader › of an unknown transform are read as they were stored',
  ],
  'field ids from 1000, kept over specs; equal specs are one': [
    'spec/partition-spec › numbers fields from 1000',
    'spec/apply-shape-updates › lets a field keep its id in a spec that has it too',
    'spec/apply-shape-updates › reuses an equal spec, whatever its field ids',
    'spec/partition-spec › of v1 may lack field ids',
  ],
  'equality of partitions: NaN, zeros': [
    'spec/partition-spec › have one key where they are equal',
    'write/partitioner › tells the zeros apart and holds NaNs for one',
  ],
  'each file by the spec it was written with': [
    'scan/foreign-tables › a partition spec that changed: each file by its own',
  ],
  'sort orders, unsorted as 0, order of floats': [
    'spec/sort-order › buildSortOrder',
    'spec/apply-shape-updates › adds sort orders, the empty one always as 0',
    'write/sorter › sorts as the specification says, and stably',
  ],
}

const MANIFESTS: Readonly<Record<string, Covering>> = {
  'key-value metadata as Java has it': [
    'manifest/manifest-writer › have the key-value metadata of the specification',
    'manifest/foreign-schemas › key-value metadata',
    'manifest/manifest-list › have the key-value metadata of Java',
  ],
  'Avro codecs': [
    'format/compression › %s',
    'format/compression › codecs of Avro that nobody writes manifests with are refused by name',
  ],
  'schemas of v1, v2 and v3': [
    'manifest/manifest-writer › have the schema that Java writes for version 2',
    'manifest/manifest-writer › have in version 3 the fields of row ids and deletion vectors',
    'manifest/manifest-reader › partitions',
    'manifest/foreign-schemas › of manifest entries in version 1 are ours but for what versions 1 and 2 have alone',
  ],
  'every manifest and list of the fixtures': [
    'manifest/golden › manifests of other engines',
    'manifest/golden › manifest lists of other engines',
    'manifest/golden › $path has the totals of its summary',
  ],
  'sequence numbers are inherited by added entries alone': [
    'manifest/manifest-reader › gives added files the numbers of their manifest',
    'manifest/manifest-reader › gives existing and deleted files nothing but their snapshot',
    'manifest/foreign-schemas › have sequence number 0 whatever the status, in version 1 as after upgrades',
  ],
  'row ids: assigned by the list, inherited by files': [
    'manifest/manifest-list › are row ids in version 3, with space for existing rows, to data manifests that have none',
    'manifest/manifest-reader › counts row ids on over files without their own, but not over deleted ones',
  ],
  'bounds: NaN, zeros, truncation, upper end incremented': [
    'format/parquet-metrics › leave out NaN, and cover both zeros',
    'format/parquet-metrics › bounds',
    'format/parquet-metrics › of text and bytes without a successor have no upper end',
  ],
  'bounds of shapes': [
    'format/wkb › the box around shapes',
    'format/wkb › goes into the bounds of a data file, as the mode of the column asks',
  ],
  'metrics modes': ['spec/properties › metricsModeFor', 'write/write-settings › settings of metrics'],
  'partition summaries': ['manifest/manifest-writer › summarises partitions: null, NaN, bounds that are neither'],
  'bounds never exclude a row': [
    'write/every-type › hide no row by their metrics, nor by those of their row groups',
    'expr/pruning › never excludes a file with a matching row, and never takes a file whole with a row that does not match',
  ],
}

const DELETES: Readonly<Record<string, Covering>> = {
  'a vector: by path, once, in place of position deletes': [
    'scan/delete-index › a vector applies by path',
    'scan/delete-index › a vector replaces position deletes',
    'scan/delete-index › refuses two vectors',
  ],
  'position deletes: sequence, partition, referenced file': [
    'scan/delete-index › position deletes apply from their own snapshot on',
    'scan/delete-index › position deletes stay in their partition',
    'scan/delete-index › position deletes name their files',
  ],
  'equality deletes: strictly older, global when unpartitioned': [
    'scan/delete-index › equality deletes apply to older files only',
    'scan/delete-index › equality deletes are global when unpartitioned',
  ],
  'equality deletes: null, renamed, promoted and dropped columns': [
    'scan/equality-deletes › tell null from zero and from nothing',
    'scan/equality-deletes › by columns renamed, promoted, and dropped since',
  ],
  'all of them together, against a model': ['scan/deletes-property › reads what the specification leaves of a table'],
  'vectors as bytes: magic, length, CRC, 64-bit roaring': [
    'format/deletion-vector › %s is read, and written the same',
    'format/deletion-vector › hostile deletion vectors',
    'format/roaring › position sets',
  ],
  'Puffin: footers, LZ4 and zstd': [
    'format/puffin › Puffin files of other engines',
    'format/puffin › a footer in LZ4, as none of Java, Go and PyIceberg reads it',
    'format/puffin › hostile Puffin files',
  ],
  'deletes of other engines': ['scan/foreign-tables › deletes by other writers'],
}

const METADATA: Readonly<Record<string, Covering>> = {
  'v1, v2 and v3 of every fixture, printed as they were': ['spec/metadata-golden › table metadata'],
  'v1: singular forms, no uuid, embedded manifests': [
    'spec/table-metadata-json › resolves the singular forms',
    'spec/table-metadata-json › needs no uuid, and reads embedded manifests',
    'manifest/manifest-io › are those that old snapshots name, described from themselves',
  ],
  'gzip in both namings': ['manifest/metadata-file › metadata files'],
  'statistics, keys and unknown members are kept': [
    'spec/table-metadata-json › keeps members that the specification does not know',
    'spec/table-metadata-json › keeps members of snapshots that the specification does not know',
    'spec/metadata-random › keeps what an update does not touch',
    'spec/apply-table-updates › keeps one statistics file of each kind for a snapshot',
  ],
  'upgrades of the format': [
    'spec/metadata-random › upgrades to version 2 and 3 by the rules',
    'spec/apply-table-updates › upgrades, and never goes back',
  ],
  'refs; main always': [
    'spec/apply-table-updates › references',
    'spec/table-metadata-json › makes main of the current snapshot where refs are missing, null or without it',
  ],
  'logs: order, a minute of slack, cut at what is removed': [
    'spec/table-metadata-json › allows logs to go back by a minute',
    'spec/apply-table-updates › removes them with their statistics, and the log up to the last of them',
    'spec/apply-table-updates › logs the base’s file with the base’s time, capped by the new properties',
  ],
  'row lineage of snapshots': ['spec/apply-table-updates › gives row ids in version 3, each once'],
  'time travel by the log, not by lineage': ['spec/table-metadata-access › resolveAsOf'],
  'summary metrics': ['spec/summary › summarizeSnapshot'],
  'higher versions and other uuids are refused': [
    'spec/table-metadata-json › refusals',
    'spec/metadata-golden › %s is refused',
  ],
  views: ['spec/metadata-golden › view metadata', 'spec/view-metadata-json › is read as the specification has it'],
  'every update and requirement': [
    'spec/table-updates-model › keep the invariants of table metadata',
    'spec/table-requirement › checkRequirements',
  ],
  'encrypted tables are refused': ['manifest/manifest-io › are refused where they are encrypted'],
  'hostile documents': [
    'spec/metadata-random › by flipped bits, cuts and insertions',
    'manifest/hostile › hostile input',
  ],
}

const PARQUET: Readonly<Record<string, Covering>> = {
  'every encoding': [
    'format/parquet-foreign › encodings (files of Iceberg)',
    'format/parquet-foreign › files of parquet-testing',
  ],
  'every codec, read and written': [
    'format/parquet-foreign › %s: a column a codec, in pages with checksums',
    'interop/tables › compression by %s',
  ],
  'INT96, legacy lists and maps': [
    'format/parquet-plain › keep INT96 timestamps of all years',
    'format/parquet-stored-types › legacy layouts',
  ],
  'files without field ids': [
    'format/parquet-field-ids › a name mapping',
    'format/parquet-field-ids › files without ids are refused where no mapping is set, with what to set',
    'scan/foreign-tables › files without field ids (name_mapping)',
  ],
  'page indexes and offsets': ['format/parquet-writer › keep page indexes and offsets true after splicing'],
  'hostile files': ['format/parquet-hostile › bytes replaced by extremes', 'format/parquet-hostile › cut off anywhere'],
  'what engines make of our files': [
    'interop/random › random tables have the same rows for every engine',
    'interop/tables › the types of version 3 that %s knows',
    'interop/tables › files of two schemas, in a table of version %i',
    'interop/tables › row lineage',
    'interop/partitioning › %s of %s',
  ],
}

const CHECKLIST = { TYPES, PROJECTION, PARTITIONING_AND_ORDER, MANIFESTS, DELETES, METADATA, PARQUET }

describe.each(Object.entries(CHECKLIST))('the format: %s', (_, rules) => {
  it.each(Object.entries(rules))('%s', (_rule, covering) => {
    expect(covering).not.toHaveLength(0)
    for (const line of covering) {
      const [path = '', title = ''] = line.split(' › ')
      const source = readFileSync(join(import.meta.dirname, `${path}.test.ts`), 'utf8')
      const isThere = ["'", '"', '`'].some((quote) => source.includes(`${quote}${title}${quote}`))
      expect(isThere, `${path}.test.ts has no test called: ${title}`).toBe(true)
    }
  })
})
