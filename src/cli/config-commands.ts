/** Verbs that set firn itself up. */
import type { Command } from './command.ts'

export const CONFIG_COMMANDS: Readonly<Record<string, Command>> = {
  init: {
    summary: 'set the warehouse up, and ask its store whether many writers are safe on it',
    usage: 'init',
    args: { least: 0, most: 0 },
    options: {},
    examples: ['firn init', 'firn init -w s3://lake/warehouse --json'],
    load: async () => (await import('./commands/init.ts')).init,
  },
  config: {
    summary: 'show the warehouse and settings in effect, and where each comes from',
    usage: 'config',
    args: { least: 0, most: 0 },
    options: {},
    examples: ['firn config', 'firn config --warehouse prod', `firn config --json | jq -r '.warehouses[].name'`],
    load: async () => (await import('./commands/config.ts')).showConfig,
  },
  'config path': {
    summary: 'print where the config file is: $FIRN_CONFIG, else firn/config.json in $XDG_CONFIG_HOME or ~/.config',
    usage: 'config path',
    args: { least: 0, most: 0 },
    options: {},
    examples: ['firn config path', '"$EDITOR" "$(firn config path)"'],
    load: async () => (await import('./commands/config.ts')).showConfigPath,
  },
  'config set': {
    summary: 'give a warehouse a name and settings, or say which is the default; no secrets, only who holds them',
    usage: 'config set NAME.SETTING VALUE | default NAME',
    args: { least: 2, most: 2 },
    options: {},
    examples: [
      'firn config set prod.uri s3://lake/prod',
      'firn config set prod.profile analytics',
      'firn config set dev.uri ./warehouse',
      'firn config set r2.endpoint https://1234.r2.cloudflarestorage.com',
      'firn config set r2.accessKeyIdEnv R2_ACCESS_KEY_ID',
      'firn config set default prod',
    ],
    load: async () => (await import('./commands/config.ts')).setConfig,
  },
  'config unset': {
    summary: 'take a setting, a named warehouse or the default out of the config file',
    usage: 'config unset NAME.SETTING | NAME | default',
    args: { least: 1, most: 1 },
    options: {},
    examples: ['firn config unset prod.profile', 'firn config unset prod', 'firn config unset default'],
    load: async () => (await import('./commands/config.ts')).unsetConfig,
  },
  completion: {
    summary: 'print what a shell reads to complete commands, options, and names of the warehouse',
    usage: 'completion bash|zsh|fish',
    args: { least: 1, most: 1 },
    options: {},
    examples: [
      'source <(firn completion bash)            # in ~/.bashrc; zsh too, after compinit',
      'firn completion fish > ~/.config/fish/completions/firn.fish',
    ],
    load: async () => (await import('./commands/completion.ts')).completion,
  },
}
