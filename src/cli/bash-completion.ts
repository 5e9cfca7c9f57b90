/**
 * The completion of bash, of our own: the library's evaluates what stands on the line, needs the package bash-completion, and
 * complains where it is read twice. It asks the program by the library's protocol like the other shells.
 */
export function bashScript(name: string): string {
  return `# bash completion for ${name}
_${name}_complete() {
  local line=\${COMP_LINE:0:COMP_POINT} words cur prefix value
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  cur=\${words[\${#words[@]}-1]}
  # bash replaces only what stands behind the last of these.
  prefix=\${cur%"\${cur##*[=:]}"}
  COMPREPLY=()
  while IFS= read -r value; do
    [[ $value == :* || -z $value ]] && continue
    value=\${value%%$'\\t'*}
    COMPREPLY+=("\${value#"$prefix"}")
  done < <(${name} complete -- "\${words[@]:1}" 2>/dev/null)
}
complete -o default -F _${name}_complete ${name}
`;
}
