/** Bodies of the catalog as they lie in the store, read without its own code. */
export const CATALOG = '/_catalog/v1/'

export interface Body {
  readonly v: number
  readonly u: string
  readonly prevU?: string
  readonly commitId: string
}
export interface Content {
  readonly kind: string
  readonly uuid: string
  readonly metadataLocation?: string
  readonly state: 'live' | 'dropped' | 'purging'
  readonly hollow?: boolean
  readonly movedTo?: string
  readonly over?: Pointer
}
export interface Pointer extends Body, Content {
  readonly txn?: { readonly id: string; readonly commitId: string; readonly next: Content }
}
export interface Namespace extends Body {
  readonly state: 'live' | 'dropping' | 'dropped'
  readonly generation: number
}
export interface Transaction extends Body {
  readonly state: 'pending' | 'committed' | 'aborted'
  readonly participants: readonly string[]
}

export function isTrash(location: string): boolean {
  return location.includes(`${CATALOG}trash/`)
}

export function namespaceOf(location: string): string {
  return location.replace(/\/\d+\/[^/]+$/, '/ns.json')
}

export function generationOf(location: string): number {
  return Number(/\/(\d+)\/[^/]+$/.exec(location)?.[1])
}
