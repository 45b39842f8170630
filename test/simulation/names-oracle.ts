/**
 * What really happened to names, seen at the store body by body: pointers, namespaces, trash and transaction records as
 * they were applied. A table's state is what its pointer says, or its intent once the record has committed. Checks that no
 * row of a table is lost or doubled whatever it is called, that a table has one name and a name one table, that what was
 * acknowledged happened once and what failed never, and that no file of a table is deleted that could still be read.
 */
import type { ForeignTable } from './foreign-tables.ts'
import { CATALOG, generationOf, isTrash, namespaceOf } from './names-bodies.ts'
import type { Body, Content, Namespace, Pointer, Transaction } from './names-bodies.ts'
import type { ObjectStore } from './object-store.ts'

export type Outcome = 'ok' | 'failed' | 'unknown'

/** Rows by id, with the file of each, of a metadata file. */
export type RowsOf = (metadataLocation: string) => ReadonlyMap<string, string>

interface Table {
  rows: ReadonlyMap<string, string>
  metadataLocation: string | undefined
  isPurging: boolean
  /** Its creation was taken back. */
  isBuried: boolean
  /** Not this warehouse's: deregistered, or never registered. Its files stay. */
  isAway: boolean
  /** The key that its body is at. */
  home?: string
}

export class NamesOracle {
  violation: string | undefined
  bodies = 0
  readonly #store: ObjectStore
  readonly #rowsOf: RowsOf
  readonly #pointers = new Map<string, Pointer>()
  readonly #namespaces = new Map<string, Namespace>()
  readonly #transactions = new Map<string, Transaction>()
  readonly #tables = new Map<string, Table>()
  readonly #operations = new Map<string, Outcome | undefined>()
  readonly #effects = new Map<string, number>()
  /** Operations whose table stood in a generation of a namespace that is gone. */
  readonly #lost = new Set<string>()
  /** Where the tables lie that others made. */
  readonly #places = new Map<string, string>()
  /** Which operation made the table at a key live. */
  readonly #makers = new Map<string, string>()
  /** Of each row, the tables that it goes to. */
  readonly #owners = new Map<string, readonly string[]>()
  /** What was told of each row, by all who added it, and how many of them have not heard yet. */
  readonly #told = new Map<string, { readonly outcomes: Outcome[]; open: number }>()
  /** Rows that a table lost when it was registered by an older metadata file. */
  readonly #forgotten = new Set<string>()
  /** Files that are no table's to delete. */
  readonly #others = new Set<string>()

  constructor(store: ObjectStore, rowsOf: RowsOf) {
    this.#store = store
    this.#rowsOf = rowsOf
    store.onDelete = (location) => this.#onDelete(location)
  }

  fail(violation: string): void {
    this.violation ??= violation
  }

  begin(operation: string): void {
    this.#operations.set(operation, undefined)
  }

  /** A row that is about to be added to the tables of these uuids. */
  adds(row: string, uuids: readonly string[]): void {
    this.#owners.set(row, uuids)
    this.#toldOf(row).open++
  }

  /** A file that nothing of ours may delete. */
  isOthers(file: string): void {
    this.#others.add(file)
  }

  /** What its writer was told of the commit that adds it. */
  endRow(row: string, outcome: Outcome): void {
    const told = this.#toldOf(row)
    told.outcomes.push(outcome)
    told.open--
    if (outcome === 'ok' && this.#lost.has(row)) this.fail(`row ${row} was acknowledged in a dropped namespace`)
  }

  end(operation: string, outcome: Outcome): void {
    this.#operations.set(operation, outcome)
    if (outcome === 'ok' && this.#lost.has(operation)) this.fail(`${operation} was acknowledged in a dropped namespace`)
  }

  /** A reader of several tables saw these rows. */
  sawTogether(tables: readonly { readonly uuid: string; readonly rows: ReadonlySet<string> }[]): void {
    for (const [row, uuids] of this.#owners) {
      if (this.#forgotten.has(row)) continue
      const mine = tables.filter(({ uuid }) => uuids.includes(uuid))
      const seen = mine.filter(({ rows }) => rows.has(row))
      if (seen.length > 0 && seen.length < mine.length) this.fail(`a reader saw half of ${row}`)
    }
  }

  /** A table that others made, where it lies. */
  isForeign({ uuid, location, metadataLocation }: ForeignTable): void {
    const rows = this.#rowsOf(metadataLocation)
    for (const row of rows.keys()) this.adds(row, [uuid])
    this.#tables.set(uuid, { rows, metadataLocation, isPurging: false, isBuried: false, isAway: true })
    this.#places.set(uuid, location)
  }

  /** Tables that could be registered, by their newest metadata. */
  get away(): readonly { readonly uuid: string; readonly metadataLocation: string }[] {
    return [...this.#tables].flatMap(([uuid, { isAway, metadataLocation }]) =>
      isAway && metadataLocation !== undefined ? [{ uuid, metadataLocation }] : [],
    )
  }

  /** Where a table lies that others made, and whether no other lies within it or around it. */
  placeOf(uuid: string): { readonly location: string; readonly isAlone: boolean } | undefined {
    const location = this.#places.get(uuid)
    if (location === undefined) return undefined
    const isAlone = [...this.#places].every(([other, at]) => other === uuid || !areNested(at, location))
    return { location, isAlone }
  }

  /** Whether the record of a uuid says in the end that the table is this warehouse's. */
  owns(uuid: string, isTaken: boolean): void {
    const table = this.#tables.get(uuid)
    if (table === undefined || table.isPurging || table.isBuried) return
    if (table.isAway && isTaken) this.fail(`${uuid} is owned, and nowhere`)
    if (!table.isAway && !isTaken && this.#places.has(uuid)) this.fail(`${uuid} is registered, and not owned`)
  }

  get uuids(): string[] {
    return [...this.#tables.keys()]
  }

  get keys(): string[] {
    return [...this.#pointers.keys()]
  }

  /** A body of the catalog that took effect. */
  onBody(location: string, bytes: Uint8Array): void {
    const at = location.indexOf(CATALOG)
    if (at === -1) return
    const [folder, ...rest] = location.slice(at + CATALOG.length).split('/')
    if (folder !== 'ns' && folder !== 'trash' && folder !== 'txn') return
    this.bodies++
    const body = JSON.parse(new TextDecoder().decode(bytes)) as unknown
    if (folder === 'txn') this.#onTransaction(location, body as Transaction)
    else if (rest.at(-1) === 'ns.json' && rest.length === 2) this.#onNamespace(location, body as Namespace)
    else this.#onPointer(location, body as Pointer)
  }

  #chain(location: string, before: Body | undefined, body: Body): void {
    if (before !== undefined && body.prevU !== before.u) this.fail(`${location}: v${body.v} is a lost update`)
    if (before !== undefined && body.v <= before.v) this.fail(`${location}: v${body.v} follows v${before.v}`)
  }

  #onTransaction(location: string, body: Transaction): void {
    this.#chain(location, this.#transactions.get(location), body)
    this.#transactions.set(location, body)
    if (body.state !== 'committed') return
    const [first] = body.participants.flatMap((key) => this.#pointers.get(key)?.txn ?? [])
    if (first !== undefined) this.#effect(first.commitId, 1)
    for (const key of body.participants) this.#settle(key)
  }

  #onNamespace(location: string, body: Namespace): void {
    const before = this.#namespaces.get(location)
    this.#chain(location, before, body)
    this.#namespaces.set(location, body)
    this.#effect(body.commitId, 1)
    if (before?.state === 'dropped' && body.state === 'live') this.#checkEmpty(location)
    if (body.state === 'dropped') {
      for (const [key, pointer] of this.#pointers) {
        if (namespaceOf(key) === location && generationOf(key) === body.generation) {
          if (this.#effective(pointer).state === 'live') this.#lose(this.#makers.get(key), pointer.commitId)
        }
      }
    }
    this.#checkNames()
  }

  /** What came to stand in a namespace that was being dropped must not come back with it. */
  #checkEmpty(namespace: string): void {
    for (const [location, pointer] of this.#pointers) {
      if (isTrash(location) || namespaceOf(location) !== namespace) continue
      if (this.#effective(pointer).state === 'live' && this.#isVisible(location))
        this.fail(`${namespace} was made again with ${location} in it`)
    }
  }

  #onPointer(location: string, body: Pointer): void {
    const before = this.#pointers.get(location)
    this.#chain(location, before, body)
    this.#pointers.set(location, body)
    const isRollForward = before?.txn?.commitId === body.commitId
    const isCopy = before === undefined && isTrash(location)
    if (!isRollForward && !isCopy && body.txn === undefined) this.#effect(body.commitId, 1)
    // What nobody asked to be dropped was taken back by who had put it there.
    const isTakenBack =
      before?.txn === undefined && before?.state === 'live' && body.state === 'dropped' && body.uuid === before.uuid
    if (isTakenBack && !this.#operations.has(body.commitId)) {
      this.#effect(before.commitId, -1)
      if (body.hollow === true) this.#table(body.uuid).isBuried = true
    }
    this.#settle(location)
  }

  #effective(pointer: Pointer): Content {
    const { txn } = pointer
    if (txn === undefined) return pointer
    const record = [...this.#transactions].find(([location]) => location.endsWith(`/${txn.id}.json`))?.[1]
    return record?.state === 'committed' ? txn.next : pointer
  }

  #settle(location: string): void {
    const pointer = this.#pointers.get(location)
    if (pointer === undefined) return
    const content = this.#effective(pointer)
    if (content.hollow === true) this.#leave(location, content)
    if (content.hollow === true || content.kind !== 'table') return this.#checkNames()
    const table = this.#table(content.uuid)
    const operation = content === pointer ? pointer.commitId : (pointer.txn?.commitId ?? '')
    if (content.movedTo === undefined) table.home = location
    if (content.state === 'live') this.#checkLive(location, { content, table, operation, pointer })
    else {
      this.#makers.delete(location)
      if (content.state === 'purging') table.isPurging = true
      const restores = content.movedTo !== undefined || content.metadataLocation === table.metadataLocation
      if (content.state === 'dropped' && !restores) this.fail(`${location}: the tombstone would not restore all rows`)
    }
    this.#checkNames()
  }

  /** A hollow body that says where its table stood: the table was deregistered, and no row of it may be forgotten. */
  #leave(location: string, { uuid, metadataLocation }: Content): void {
    const table = this.#tables.get(uuid)
    // What it left behind at other keys stays there when it comes back.
    if (metadataLocation === undefined || table?.home !== location || table.isAway) return
    if (table.metadataLocation !== metadataLocation) this.fail(`${uuid} was deregistered with rows missing`)
    table.isAway = true
    this.#makers.delete(location)
  }

  /** Registered by an older metadata file, a table is what that says. */
  #return(table: Table, rows: ReadonlyMap<string, string>): void {
    table.isAway = false
    for (const row of table.rows.keys()) {
      if (!rows.has(row)) this.#forgotten.add(row)
    }
    table.rows = rows
  }

  #checkLive(
    location: string,
    { content, table, operation, pointer }: { content: Content; table: Table; operation: string; pointer: Pointer },
  ): void {
    const { uuid, metadataLocation = '' } = content
    if (table.isPurging) this.fail(`${uuid} is live again at ${location}, though it is being purged`)
    if (!this.#store.objects.has(metadataLocation)) return this.fail(`${location}: its metadata is missing`)
    const rows = this.#rowsOf(metadataLocation)
    if (table.isAway) this.#return(table, rows)
    for (const row of table.rows.keys()) if (!rows.has(row)) this.fail(`${location} v${pointer.v}: row ${row} is lost`)
    for (const [row, file] of rows) {
      if (this.#owners.get(row)?.includes(uuid) !== true) this.fail(`${location}: row ${row}, which is another table's`)
      if (!this.#store.objects.has(file)) this.fail(`${location}: the file of row ${row} is deleted`)
    }
    const added = [...rows.keys()].filter((row) => !table.rows.has(row))
    table.rows = rows
    table.metadataLocation = metadataLocation
    if (!this.#makers.has(location)) this.#makers.set(location, operation)
    const isPending = pointer.txn !== undefined && content === pointer
    if (!isPending && !this.#isVisible(location)) this.#lose(operation, ...added)
  }

  #isVisible(location: string): boolean {
    const namespace = this.#namespaces.get(namespaceOf(location))
    return namespace !== undefined && namespace.state !== 'dropped' && namespace.generation === generationOf(location)
  }

  /** A table is live under one name, a name is that of one table or view. */
  #checkNames(): void {
    const uuids = new Map<string, string>()
    const names = new Map<string, string>()
    for (const [location, pointer] of this.#pointers) {
      if (isTrash(location) || this.#effective(pointer).state !== 'live' || !this.#isVisible(location)) continue
      const { uuid } = this.#effective(pointer)
      const name = location.replace('%2Eview', '')
      const place = this.#places.get(uuid)
      for (const [other, at] of this.#places) {
        const isWithin = place !== undefined && other !== uuid && areNested(at, place)
        if (isWithin && uuids.has(other)) this.fail(`${uuid} and ${other} lie in one another, and both are registered`)
      }
      if (uuids.has(uuid)) this.fail(`${uuid} is live at ${uuids.get(uuid)} and at ${location}`)
      if (names.has(name)) this.fail(`${name} is live twice`)
      uuids.set(uuid, location)
      names.set(name, location)
    }
  }

  #effect(operation: string, change: 1 | -1): void {
    const count = (this.#effects.get(operation) ?? 0) + change
    this.#effects.set(operation, count)
    if (count > 1 && !operation.includes('/')) this.fail(`${operation} took effect twice`)
  }

  #lose(...operations: (string | undefined)[]): void {
    for (const operation of operations) {
      if (operation === undefined) continue
      this.#lost.add(operation)
      const outcomes = [this.#operations.get(operation), ...(this.#told.get(operation)?.outcomes ?? [])]
      if (outcomes.includes('ok')) this.fail(`${operation} was acknowledged, its namespace is gone`)
    }
  }

  #onDelete(location: string): void {
    if (this.#others.has(location)) this.fail(`DELETE of ${location}, which is another's`)
    if (/\/_catalog\/v1\/(?:ns|trash)\//.test(location)) this.fail(`DELETE of the pointer ${location}`)
    for (const { rows, metadataLocation, isPurging, isBuried } of this.#tables.values()) {
      if (isPurging || isBuried) continue
      const isRead = metadataLocation === location || [...rows.values()].includes(location)
      if (isRead) this.fail(`DELETE of reachable ${location}`)
    }
  }

  #toldOf(row: string): { readonly outcomes: Outcome[]; open: number } {
    const told = this.#told.get(row) ?? { outcomes: [], open: 0 }
    this.#told.set(row, told)
    return told
  }

  #table(uuid: string): Table {
    const known = this.#tables.get(uuid)
    if (known !== undefined) return known
    const table: Table = {
      rows: new Map(),
      metadataLocation: undefined,
      isPurging: false,
      isBuried: false,
      isAway: false,
    }
    this.#tables.set(uuid, table)
    return table
  }

  /** When all is calm and every intent resolved: results against effects, and one home for every table. */
  verdict(): void {
    for (const [operation, outcome] of this.#operations) {
      const count = this.#effects.get(operation) ?? 0
      if (outcome === 'ok' && count !== 1) this.fail(`${operation} was acknowledged and took effect ${count} times`)
      if (outcome === 'failed' && count !== 0) this.fail(`${operation} was reported failed and took effect`)
    }
    const homes = this.#homes()
    for (const [uuid, { metadataLocation, rows, isPurging, isBuried, isAway }] of this.#tables) {
      if (metadataLocation === undefined || isPurging || isBuried) continue
      const found = [...(homes.get(uuid) ?? [])]
      if (isAway && found.length > 0) this.fail(`table ${uuid} was deregistered, and is at ${found.join(' and ')}`)
      if (isAway) continue
      if (found.length !== 1) this.fail(`table ${uuid} is at ${found.join(' and ') || 'no name and not in trash'}`)
      for (const file of rows.values()) if (!this.#store.objects.has(file)) this.fail(`${uuid}: ${file} is gone`)
    }
    for (const [row, uuids] of this.#owners) {
      if (this.#forgotten.has(row)) continue
      const having = uuids.filter((uuid) => this.#tables.get(uuid)?.rows.has(row))
      if (having.length > 0 && having.length < uuids.length) this.fail(`${row} is in half of its tables`)
      const { outcomes, open } = this.#toldOf(row)
      const hasFailed = open === 0 && outcomes.every((outcome) => outcome === 'failed')
      if (outcomes.includes('ok') && having.length === 0) this.fail(`${row} was acknowledged and is lost`)
      if (hasFailed && having.length > 0) this.fail(`${row} was reported failed and is there`)
    }
  }

  #homes(): Map<string, Set<string>> {
    const homes = new Map<string, Set<string>>()
    const add = (uuid: string, location: string): void => {
      homes.set(uuid, (homes.get(uuid) ?? new Set()).add(location))
    }
    for (const [location, { uuid, hollow, movedTo, over }] of this.#pointers) {
      if (hollow !== true && movedTo === undefined) add(uuid, location)
      if (over === undefined || over.hollow === true || over.movedTo !== undefined) continue
      const trash = location.replace(
        /\/ns\/.*/,
        `/trash/${over.uuid}/${String(over.v).padStart(12, '0')}-${over.u}.json`,
      )
      if (!this.#pointers.has(trash)) add(over.uuid, trash)
    }
    return homes
  }
}

function areNested(a: string, b: string): boolean {
  return a.startsWith(`${b}/`) || b.startsWith(`${a}/`)
}
