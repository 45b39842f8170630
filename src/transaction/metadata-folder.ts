/** The folder of a table's metadata files, manifests and manifest lists. */
import { joinLocation } from '../io/location.ts'
import { METADATA_LOCATION } from '../spec/properties.ts'
import type { TableMetadata } from '../spec/table-metadata.ts'

/** `write.metadata.path`, else `metadata` below the table's location. */
export function metadataFolder({ properties, location }: Pick<TableMetadata, 'properties' | 'location'>): string {
  return properties[METADATA_LOCATION] ?? joinLocation(location, 'metadata')
}
