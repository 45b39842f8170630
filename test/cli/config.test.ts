/** The config file: named warehouses, what is in effect, and what is wrong with a file. */
import { chmod, mkdir, readFile, readdir, readlink, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { createBucket } from '../support/bucket.ts'
import { fakeCli } from './fake-host.ts'
import type { Ran } from './fake-host.ts'

interface ConfigCli {
  readonly folder: string
  readonly path: string
  /** Runs with the config file in the folder and these variables. */
  readonly firn: (argv: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Ran>
  /** The file, as text or as what it holds. */
  readonly write: (content: string | object) => Promise<void>
  readonly read: () => Promise<unknown>
}

async function configCli(): Promise<ConfigCli> {
  const cli = await fakeCli()
  const path = join(cli.folder, 'xdg/firn/config.json')
  return {
    folder: cli.folder,
    path,
    firn: (argv, env = {}) => cli.run(argv, { env: { XDG_CONFIG_HOME: join(cli.folder, 'xdg'), ...env } }),
    async write(content) {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
    },
    read: async () => JSON.parse(await readFile(path, 'utf8')) as unknown,
  }
}

describe('where the file is', () => {
  it.each([
    [{ FIRN_CONFIG: 'my.json', XDG_CONFIG_HOME: '/x', HOME: '/h' }, 'FOLDER/my.json'],
    [{ XDG_CONFIG_HOME: '/x', HOME: '/h' }, '/x/firn/config.json'],
    [{ XDG_CONFIG_HOME: 'relative', HOME: '/h' }, '/h/.config/firn/config.json'],
    [{ FIRN_CONFIG: '', XDG_CONFIG_HOME: '', HOME: '/h' }, '/h/.config/firn/config.json'],
  ])('%j', async (env, path) => {
    const { firn, folder } = await configCli()
    const expected = path.replace('FOLDER', folder)
    expect(await firn(['config', 'path'], env)).toMatchObject({ code: 0, stdout: `${expected}\n` })
    expect((await firn(['config', 'path', '--json'], env)).json).toEqual([{ path: expected, exists: false }])
  })
})

describe('a named warehouse', () => {
  it('is set, used by name or as the default, and unset', async () => {
    const { firn, folder, read } = await configCli()
    expect(await firn(['config', 'set', 'dev.uri', './lake'])).toMatchObject({ code: 0, stderr: '' })
    expect(await read()).toEqual({ warehouses: { dev: { uri: `file://${folder}/lake` } } })
    expect(await firn(['create', 'a.t', '--schema', 'id long', '-w', 'dev'])).toMatchObject({ code: 0 })
    expect(await firn(['ls', 'a'], { FIRN_WAREHOUSE: 'dev' })).toMatchObject({ stdout: 'table\na.t\n' })
    expect(await firn(['ls', 'a'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/no warehouse/) as string })
    expect(await firn(['config', 'set', 'default', 'dev'])).toMatchObject({ code: 0 })
    expect(await firn(['ls', 'a'])).toMatchObject({ stdout: 'table\na.t\n' })
    expect(await firn(['config', 'unset', 'dev'])).toMatchObject({ code: 0 })
    expect(await read()).toEqual({ warehouses: {} })
  })

  it('gives way to a flag, and that to nothing', async () => {
    const { firn, folder, write } = await configCli()
    const at = (name: string): string => `file://${folder}/${name}`
    await write({ default: 'c', warehouses: { a: { uri: at('A') }, b: { uri: at('B') }, c: { uri: at('C') } } })
    const uriOf = async (argv: string[], env?: Record<string, string>): Promise<unknown> =>
      (await firn(['config', '--json', ...argv], env)).json[0]?.['settings']
    expect(await uriOf(['-w', 'a'], { FIRN_WAREHOUSE: 'b' })).toMatchObject([
      { setting: 'warehouse', value: 'a', source: '--warehouse' },
      { value: at('A') },
    ])
    expect(await uriOf([], { FIRN_WAREHOUSE: 'b' })).toMatchObject([{ source: 'FIRN_WAREHOUSE' }, { value: at('B') }])
    const path = join(folder, 'xdg/firn/config.json')
    expect(await uriOf([])).toMatchObject([{ source: path }, { value: at('C'), source: path }])
    expect(await uriOf(['-w', './a'])).toEqual([{ setting: 'uri', value: at('a'), source: '--warehouse' }])
  })

  it('is no folder by mistake: a slip is told, a folder that is there is taken', async () => {
    const { firn, folder, write } = await configCli()
    await write({ warehouses: { prod: { uri: '/lake' } } })
    const slip = await firn(['ls', '-w', 'prdo'])
    expect(slip).toMatchObject({ code: 2 })
    expect(slip.stderr).toMatch(
      /no warehouse "prdo" in .*config\.json; did you mean prod\? A folder is given as \.\/prdo/,
    )
    await mkdir(join(folder, 'prdo'))
    expect(await firn(['ls', '-w', 'prdo'])).toMatchObject({ code: 0 })
    expect(await firn(['ls', '-w', 'lake'], { XDG_CONFIG_HOME: '/nonexistent' })).toMatchObject({ code: 0 })
    const missing = await firn(['ls', '-w', 'lake'], { FIRN_CONFIG: 'nowhere.json' })
    expect(missing).toMatchObject({ code: 3, stderr: expect.stringMatching(/check FIRN_CONFIG/) as string })
  })

  it('on S3 says how its store is reached, for all locations of the command', async () => {
    const { endpoint, accessKeyId, secretAccessKey } = inject('minio')
    const bucket = await createBucket(inject('minio'))
    const { firn, write } = await configCli()
    const names = { accessKeyIdEnv: 'LAKE_ID', secretAccessKeyEnv: 'LAKE_SECRET' }
    await write({ default: 'm', warehouses: { m: { uri: `s3://${bucket}/w`, endpoint, ...names } } })
    const env = { LAKE_ID: accessKeyId, LAKE_SECRET: secretAccessKey }
    expect(await firn(['create', 'a.t', '--schema', 'id long'], env)).toMatchObject({ code: 0, stderr: '' })
    const [table] = (await firn(['describe', 'a.t', '--json'], env)).json
    expect(await firn(['count', String(table?.['metadataLocation'])], env)).toMatchObject({ code: 0, stdout: '0\n' })
    const shown = await firn(['config'], env)
    expect(shown.stdout).toMatch(/credentials +\$LAKE_ID and \$LAKE_SECRET/)
    expect(shown.stdout).not.toContain(secretAccessKey)
    const unset = await firn(['ls'], { LAKE_ID: accessKeyId })
    expect(unset).toMatchObject({ code: 2, stderr: expect.stringMatching(/\$LAKE_SECRET, which is not set/) as string })
  })
})

describe('what is in effect', () => {
  it('is told with where it comes from, and without secrets', async () => {
    const { firn, write, path } = await configCli()
    await write({ warehouses: { p: { uri: 's3://b/p', region: 'eu-west-1', profile: 'analytics' } } })
    const env = {
      AWS_ENDPOINT_URL_S3: 'http://me:s3cret@store:9000',
      AWS_REGION: 'us-west-2',
      AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 's3cret',
    }
    const ran = await firn(['config', '-w', 'p', '--json'], env)
    expect(ran.json).toEqual([
      {
        path,
        exists: true,
        settings: [
          { setting: 'warehouse', value: 'p', source: '--warehouse' },
          { setting: 'uri', value: 's3://b/p', source: path },
          { setting: 'endpoint', value: 'http://store:9000', source: 'AWS_ENDPOINT_URL_S3' },
          { setting: 'region', value: 'eu-west-1', source: path },
          { setting: 'pathStyle', value: 'true', source: 'default' },
          { setting: 'credentials', value: 'profile analytics', source: path },
        ],
        warehouses: [{ name: 'p', uri: 's3://b/p', isDefault: false }],
      },
    ])
    const plain = await firn(['config', '-w', 's3://b/q'], env)
    expect(plain.stdout).toMatch(/credentials +\$AWS_ACCESS_KEY_ID and \$AWS_SECRET_ACCESS_KEY +environment/)
    expect(ran.stdout + plain.stdout).not.toContain('s3cret')
  })

  it('is nothing where nothing is set', async () => {
    const { firn, path } = await configCli()
    const ran = await firn(['config'])
    expect(ran.code).toBe(0)
    expect(ran.stdout).toMatch(/^no warehouse: /)
    expect(ran.stdout).toContain(`config file ${path} (not there)`)
    expect((await firn(['config', 'show'])).stderr).toMatch(/no command "config show"; did you mean config set\?/)
  })
})

describe('a file that is wrong', () => {
  it.each([
    [
      '{\n  "default": "a",\n  "warehouses": {,}\n}',
      /config\.json is not valid JSON: unexpected "," at line 3, column 18/,
    ],
    ['{"default": "\\x"}', /a string with a wrong escape at line 1, column 13/],
    ['', /unexpected the end at line 1, column 1/],
    ['[]', /expected an object with "warehouses" and "default"/],
    ['{"warehuses": {}}', /unknown key "warehuses"; did you mean warehouses\?/],
    [
      '{"warehouses": {"a": {"uri": "/a", "endpiont": "http://x"}}}',
      /warehouses\.a: unknown key "endpiont"; did you mean endpoint\?/,
    ],
    [
      '{"warehouses": {"a": {"uri": "lake"}}}',
      /warehouses\.a\.uri: expected s3:\/\/bucket\/prefix or an absolute path/,
    ],
    ['{"warehouses": {"a": {}}}', /warehouses\.a\.uri: expected/],
    ['{"warehouses": {"a": {"uri": "/a", "pathStyle": "true"}}}', /pathStyle: expected true or false/],
    ['{"warehouses": {"a.b": {"uri": "/a"}}}', /expected a name of letters/],
    ['{"warehouses": {"a": {"uri": "/a", "accessKeyIdEnv": "A"}}}', /secretAccessKeyEnv go together/],
    ['{"warehouses": {"a": {"uri": "/a", "secretAccessKey": "hidden"}}}', /secrets don't belong in the config file/],
  ])('%s', async (text, message) => {
    const { firn, write } = await configCli()
    await write(text)
    const ran = await firn(['ls', '-w', 'a'])
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toMatch(message)
    expect(ran.stderr).not.toContain('hidden')
    // Where it isn't needed it isn't read.
    expect(await firn(['ls', '-w', './lake'])).toMatchObject({ code: 0, stderr: '' })
  })

  it.each([
    [['set', 'a.uir', 'x'], /unknown key "uir"; did you mean uri\?/],
    [['set', 'a.secretAccessKey', 'hidden'], /secrets don't belong/],
    [['set', 'a.accessKeyIdEnv', 'not a name'], /the name of an environment variable/],
    [['set', 'a.endpoint', 'store:9000'], /endpoint takes an http\(s\) URL/],
    [['set', 'new.endpoint', 'http://x'], /there is no warehouse "new" yet/],
    [['set', 'default', 'b'], /no warehouse "b".*did you mean a\?/],
    [['set', 'default.uri', 's3://x'], /can't name a warehouse/],
    [['set', 'a', 's3://x'], /give a setting too/],
    [['unset', 'a.uri'], /firn config unset a$/m],
    [['unset', 'a.region'], /region is not set/],
    [['unset', 'b'], /b is not set/],
  ])('is not made by firn config %j', async (argv, message) => {
    const { firn, write, path } = await configCli()
    await write({ warehouses: { a: { uri: '/a' } } })
    const before = await readFile(path, 'utf8')
    const ran = await firn(['config', ...argv])
    expect([2, 3]).toContain(ran.code)
    expect(ran.stderr).toMatch(message)
    expect(ran.stderr).not.toContain('hidden')
    expect(await readFile(path, 'utf8')).toBe(before)
  })
})

describe('writing', () => {
  it('keeps what it does not know, links and modes, and leaves no other file', async () => {
    const { firn, write, path, folder } = await configCli()
    await write('{"later": {"n": 9007199254740993, "list": [1, []]}, "warehouses": {"a": {"uri": "/a", "new": true}}}')
    await firn(['config', 'set', 'a.region', 'eu-west-1'])
    expect(await readFile(path, 'utf8')).toBe(`{
  "later": {
    "n": 9007199254740993,
    "list": [
      1,
      []
    ]
  },
  "warehouses": {
    "a": {
      "uri": "/a",
      "new": true,
      "region": "eu-west-1"
    }
  }
}
`)
    // A key that stands in the way of reading can be taken out.
    expect(await firn(['config', 'unset', 'a.new'])).toMatchObject({ code: 0 })
    await chmod(path, 0o600)
    const link = join(folder, 'link.json')
    await symlink(path, link)
    await firn(['config', 'unset', 'a.region'], { FIRN_CONFIG: link })
    expect(await readlink(link)).toBe(path)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(dirname(path))).toEqual(['config.json'])
  })
})
