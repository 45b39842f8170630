/** What shells read to complete `firn`: each asks `firn __complete WORD…`, and shows what it answers. */
import type { SHELLS } from './choices.ts'

export const COMPLETE_VERB = '__complete'

const BASH = String.raw`# firn: shell completion; source it in ~/.bashrc
_firn() {
  local i line value piece gap head="" rest="${'$'}{COMP_LINE:0:COMP_POINT}" IFS=$'\n'
  local -a words=()
  COMPREPLY=()
  # Bash ends words at = and : too (COMP_WORDBREAKS): pieces with nothing between them are one word.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    gap=${'$'}{rest%%[![:space:]]*}
    rest=${'$'}{rest#"$gap"}
    piece=${'$'}{COMP_WORDS[i]}
    [ "$i" = "$COMP_CWORD" ] && piece=$rest
    rest=${'$'}{rest#"$piece"}
    if [ "$i" = 0 ] || [ -n "$gap" ]; then
      words+=("$piece")
      head=""
    else
      head=${'$'}{words[${'$'}{#words[@]}-1]}
      words[${'$'}{#words[@]}-1]+=$piece
    fi
  done
  # Only the last piece is replaced by what is answered.
  case $piece in [=:]*) head+=$piece piece="" ;; esac
  while IFS= read -r line; do
    value=${'$'}{line%%$'\t'*}
    if [ "$value" = ":files" ]; then
      COMPREPLY=($(compgen -f -- "$piece"))
      compopt -o filenames 2>/dev/null
      return
    fi
    case $value in *.) compopt -o nospace 2>/dev/null ;; esac
    COMPREPLY+=("${'$'}{value#"$head"}")
  done < <(command firn ${COMPLETE_VERB} "${'$'}{words[@]:1}" 2>/dev/null)
}
complete -F _firn firn
`

const ZSH = String.raw`#compdef firn
# firn: shell completion; save it as _firn in a folder of $fpath, or source it in ~/.zshrc
_firn() {
  local line value failed=1
  local -a described unfinished
  for line in "${'$'}{(@f)$(command firn ${COMPLETE_VERB} "${'$'}{(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    value=${'$'}{line%%$'\t'*}
    case $value in
      '') ;;
      :files) _files; return ;;
      *.) unfinished+=("$value") ;;
      *) described+=("${'$'}{value//:/\\:}:${'$'}{line#*$'\t'}") ;;
    esac
  done
  (( ${'$'}#described )) && _describe firn described && failed=0
  (( ${'$'}#unfinished )) && compadd -S '' -- $unfinished && failed=0
  return failed
}
if [ "${'$'}{funcstack[1]}" = _firn ]; then _firn "$@"; else compdef _firn firn; fi
`

const FISH = String.raw`# firn: shell completion; save it as ~/.config/fish/completions/firn.fish
function __firn_complete
  set -l words (commandline -opc)
  set -l word (commandline -ct)
  set -e words[1]
  for line in (command firn ${COMPLETE_VERB} $words "$word" 2>/dev/null)
    if test "$line" = :files
      __fish_complete_path "$word"
    else
      echo $line
    end
  end
end
complete -c firn -f -a '(__firn_complete)'
`

export const COMPLETION_SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
}
