/**
 * What manifests and manifest lists are made of: fields, ids, docs and types as the specification and Java have them
 * (spec, "Manifests" and "Manifest Lists"). One description serves writing v2 and v3 and reading all versions.
 */
import {
  avroArray,
  avroBoolean,
  avroBytes,
  avroInt,
  avroLong,
  avroNumber,
  avroPresent,
  avroString,
} from '../format/avro-codec.ts'
import type { AvroCodec, AvroReader } from '../format/avro-codec.ts'
import { avroIntMap } from '../format/avro-int-map.ts'
import { avroRecord, optionalField } from '../format/avro-record.ts'
import type { AvroField, AvroFields } from '../format/avro-record.ts'
import type {
  DataFile,
  FieldSummary,
  ManifestEntry,
  ManifestEntryStatus,
  ManifestFile,
  PartitionData,
} from '../spec/data-file.ts'
import type { PartitionSpec } from '../spec/partition-spec.ts'
import type { PrimitiveType } from '../spec/types.ts'
import { fileContentCodec, fileFormatCodec, manifestContentCodec, statusCodec } from './entry-choices.ts'
import { entryLayout } from './entry-layout.ts'
import { entryReader, keptEntryReader } from './entry-reader.ts'
import type { KeepEntry } from './entry-reader.ts'
import { partitionCodec } from './partition-codec.ts'

const STATUS: AvroField<ManifestEntryStatus> = { id: 0, name: 'status', codec: statusCodec }

export interface ManifestEntryCodec extends AvroCodec<ManifestEntry> {
  /** Gives undefined for entries that are not kept. */
  readonly keeping: (keep: KeepEntry) => AvroReader<ManifestEntry | undefined>
}

/** The codec of `manifest_entry`, whose partitions are of a spec with result types `types`. */
export function manifestEntryCodec(
  spec: PartitionSpec,
  types: readonly PrimitiveType[],
  version?: number,
): ManifestEntryCodec {
  const { specId } = spec
  const partitions = partitionCodec(spec, types)
  const general = generalEntryCodec(specId, partitions, version)
  return {
    ...general,
    resolve(writer, location) {
      const layout = entryLayout(writer)
      const readPartition = layout && partitions.resolve(layout.partition, location)
      return readPartition ? entryReader(layout, { specId, readPartition }) : general.resolve(writer, location)
    },
    keeping: (keep) => ({
      resolve(writer, location) {
        const layout = entryLayout(writer)
        const readPartition = layout && partitions.resolve(layout.partition, location)
        if (readPartition) return keptEntryReader(layout, { specId, readPartition, keep })
        const read = general.resolve(writer, location)
        return read && ((cursor) => keptOnly(read(cursor), keep))
      },
    }),
  }
}

function keptOnly(entry: ManifestEntry, keep: KeepEntry): ManifestEntry | undefined {
  return keep(entry.dataFile.partition, entry.status) ? entry : undefined
}

/** Of any layout: looks up what to do for each field, which takes three times as long as the usual way. */
export function generalEntryCodec(
  specId: number,
  partitions: AvroCodec<PartitionData>,
  version: number | undefined,
): AvroCodec<ManifestEntry> {
  const fields: AvroFields<ManifestEntry> = {
    status: STATUS,
    snapshotId: optionalField(1, 'snapshot_id', avroLong),
    sequenceNumber: { ...optionalField(3, 'sequence_number', avroLong), since: 2 },
    fileSequenceNumber: { ...optionalField(4, 'file_sequence_number', avroLong), since: 2 },
    dataFile: { id: 2, name: 'data_file', codec: dataFileCodec(specId, partitions, version) },
  }
  return avroRecord('manifest_entry', fields, { version })
}

type Metrics = Pick<
  DataFile,
  'columnSizes' | 'valueCounts' | 'nullValueCounts' | 'nanValueCounts' | 'lowerBounds' | 'upperBounds'
>

const METRICS_FIELDS: AvroFields<Metrics> = {
  columnSizes: optionalField(
    108,
    'column_sizes',
    avroIntMap(117, 118, avroNumber),
    'Map of column id to total size on disk',
  ),
  valueCounts: optionalField(
    109,
    'value_counts',
    avroIntMap(119, 120, avroNumber),
    'Map of column id to total count, including null and NaN',
  ),
  nullValueCounts: optionalField(
    110,
    'null_value_counts',
    avroIntMap(121, 122, avroNumber),
    'Map of column id to null value count',
  ),
  nanValueCounts: optionalField(
    137,
    'nan_value_counts',
    avroIntMap(138, 139, avroNumber),
    'Map of column id to number of NaN values in the column',
  ),
  lowerBounds: optionalField(125, 'lower_bounds', avroIntMap(126, 127, avroBytes), 'Map of column id to lower bound'),
  upperBounds: optionalField(128, 'upper_bounds', avroIntMap(129, 130, avroBytes), 'Map of column id to upper bound'),
}

const BLANK_FILE: Omit<DataFile, 'specId'> = {
  content: 'data',
  filePath: '',
  fileFormat: 'parquet',
  partition: [],
  recordCount: 0,
  fileSizeInBytes: 0,
}

function dataFileCodec(
  specId: number,
  partitions: AvroCodec<PartitionData>,
  version: number | undefined,
): AvroCodec<DataFile> {
  return avroRecord('r2', dataFileFields(partitions), { version, blank: () => ({ ...BLANK_FILE, specId }) })
}

function dataFileFields(partitions: AvroCodec<PartitionData>): AvroFields<Omit<DataFile, 'specId'>> {
  return {
    content: {
      id: 134,
      name: 'content',
      codec: fileContentCodec,
      doc: 'Contents of the file: 0=data, 1=position deletes, 2=equality deletes',
      fallback: 'data',
      since: 2,
    },
    filePath: { id: 100, name: 'file_path', codec: avroString, doc: 'Location URI with FS scheme' },
    fileFormat: {
      id: 101,
      name: 'file_format',
      codec: fileFormatCodec,
      doc: 'File format name: avro, orc, or parquet',
    },
    partition: {
      id: 102,
      name: 'partition',
      codec: partitions,
      doc: 'Partition data tuple, schema based on the partition spec',
    },
    recordCount: { id: 103, name: 'record_count', codec: avroNumber, doc: 'Number of records in the file' },
    fileSizeInBytes: { id: 104, name: 'file_size_in_bytes', codec: avroNumber, doc: 'Total file size in bytes' },
    ...METRICS_FIELDS,
    keyMetadata: optionalField(131, 'key_metadata', avroBytes, 'Encryption key metadata blob'),
    splitOffsets: optionalField(132, 'split_offsets', avroArray(avroNumber, 133), 'Splittable offsets'),
    equalityIds: optionalField(135, 'equality_ids', avroArray(avroInt, 136), 'Equality comparison field IDs'),
    sortOrderId: optionalField(140, 'sort_order_id', avroInt, 'Sort order ID'),
    firstRowId: {
      ...optionalField(142, 'first_row_id', avroLong, 'The first row ID assigned to the first row in the data file'),
      since: 3,
    },
    referencedDataFile: optionalField(
      143,
      'referenced_data_file',
      avroString,
      'Fully qualified location (URI with FS scheme) of a data file that all deletes reference',
    ),
    contentOffset: {
      ...optionalField(144, 'content_offset', avroNumber, 'The offset in the file where the content starts'),
      since: 3,
    },
    contentSizeInBytes: {
      ...optionalField(145, 'content_size_in_bytes', avroNumber, 'The length of referenced content stored in the file'),
      since: 3,
    },
  }
}

const SUMMARY_FIELDS: AvroFields<FieldSummary> = {
  containsNull: {
    id: 509,
    name: 'contains_null',
    codec: avroBoolean,
    doc: 'True if any file has a null partition value',
  },
  containsNan: optionalField(518, 'contains_nan', avroBoolean, 'True if any file has a nan partition value'),
  lowerBound: optionalField(510, 'lower_bound', avroBytes, 'Partition lower bound for all files'),
  upperBound: optionalField(511, 'upper_bound', avroBytes, 'Partition upper bound for all files'),
}

/** The codec of `manifest_file`, an entry of a manifest list. */
export function manifestFileCodec(version?: number): AvroCodec<ManifestFile> {
  const fields: AvroFields<ManifestFile> = {
    manifestPath: { id: 500, name: 'manifest_path', codec: avroString, doc: 'Location URI with FS scheme' },
    manifestLength: { id: 501, name: 'manifest_length', codec: avroNumber, doc: 'Total file size in bytes' },
    partitionSpecId: { id: 502, name: 'partition_spec_id', codec: avroInt, doc: 'Spec ID used to write' },
    content: {
      id: 517,
      name: 'content',
      codec: manifestContentCodec,
      doc: 'Contents of the manifest: 0=data, 1=deletes',
      fallback: 'data',
      since: 2,
    },
    sequenceNumber: {
      id: 515,
      name: 'sequence_number',
      codec: avroLong,
      doc: 'Sequence number when the manifest was added',
      fallback: 0n,
      since: 2,
    },
    minSequenceNumber: {
      id: 516,
      name: 'min_sequence_number',
      codec: avroLong,
      doc: 'Lowest sequence number in the manifest',
      fallback: 0n,
      since: 2,
    },
    addedSnapshotId: {
      id: 503,
      name: 'added_snapshot_id',
      codec: avroLong,
      doc: 'Snapshot ID that added the manifest',
    },
    addedFilesCount: count(504, 'added_files_count', avroInt, 'Added entry count'),
    existingFilesCount: count(505, 'existing_files_count', avroInt, 'Existing entry count'),
    deletedFilesCount: count(506, 'deleted_files_count', avroInt, 'Deleted entry count'),
    addedRowsCount: count(512, 'added_rows_count', avroNumber, 'Added rows count'),
    existingRowsCount: count(513, 'existing_rows_count', avroNumber, 'Existing rows count'),
    deletedRowsCount: count(514, 'deleted_rows_count', avroNumber, 'Deleted rows count'),
    partitions: optionalField(
      507,
      'partitions',
      avroArray(avroRecord('r508', SUMMARY_FIELDS), 508),
      'Summary for each partition',
    ),
    keyMetadata: optionalField(519, 'key_metadata', avroBytes, 'Encryption key metadata blob'),
    firstRowId: {
      ...optionalField(520, 'first_row_id', avroLong, 'Starting row ID to assign to new rows in ADDED data files'),
      since: 3,
    },
  }
  return avroRecord('manifest_file', fields, { version })
}

/** Required from v2 on; older lists may leave it out. */
function count(id: number, name: string, codec: AvroCodec<number>, doc: string): AvroField<number | undefined> {
  return { id, name, codec: avroPresent(codec), doc, fallback: undefined }
}
