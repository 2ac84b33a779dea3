#!/usr/bin/env bash
# Prints the size of the house, for docs/decisions.md: lines of main code, public types and the longest Java file
# of each module. Counts the files that git has at COMMIT, so that nothing built counts.
#   .ci/house-numbers.sh [COMMIT]        the default is HEAD
# "Lines" are all lines of a file; in brackets are those that are neither blank nor comment. A public type is one that
# a program can name: a nested type counts, in brackets, if all types around it are public too. Members of interfaces
# are always public. Generated sources and the kernels' PTX do not count.
set -euo pipefail
cd "$(dirname "$0")/.."
commit=$(git rev-parse --verify "${1:-HEAD}^{commit}")
tree=$(mktemp -d)
trap 'rm -rf "${tree:?}"' EXIT
git archive "$commit" | tar -x -C "$tree"
cd "$tree"

lines() { if [ $# -eq 0 ]; then echo 0; else cat "$@" | wc -l | tr -d ' '; fi; }

code() {
  if [ $# -eq 0 ]; then echo 0; return; fi
  awk '
    FNR == 1 { comment = 0 }
    { line = $0; gsub(/^[ \t]+|[ \t]+$/, "", line) }
    comment { if (line ~ /\*\//) comment = 0; next }
    line == "" || line ~ /^\/\// { next }
    line ~ /^\/\*/ { if (line !~ /\*\//) comment = 1; next }
    { n++ }
    END { print n + 0 }' "$@"
}

printf 'commit %s\n\n' "$(printf '%.7s' "$commit")"
printf '| module | Java, lines (code) | C, lines (code) | CUDA, lines (code) | public types (nested ones) | longest Java file, lines |\n|---|---|---|---|---|---|\n'
java_sum=0 c_sum=0 cuda_sum=0 java_code_sum=0 c_code_sum=0 cuda_code_sum=0 top_sum=0 nested_sum=0 longest_all='' longest_all_lines=0
for pom in */pom.xml; do
  module=${pom%/pom.xml}
  main=$module/src/main
  [ -d "$main" ] || { printf '| %s | 0 (0) | 0 (0) | 0 (0) | 0 (0) | |\n' "$module"; continue; }
  mapfile -t java < <(find "$main" -name '*.java' | sort)
  mapfile -t c < <(find "$main" \( -name '*.c' -o -name '*.h' \) | sort)
  mapfile -t cuda < <(find "$main" \( -name '*.cu' -o -name '*.cuh' \) | sort)
  java_lines=$(lines "${java[@]}") c_lines=$(lines "${c[@]}") cuda_lines=$(lines "${cuda[@]}")
  java_code=$(code "${java[@]}") c_code=$(code "${c[@]}") cuda_code=$(code "${cuda[@]}")
  top=0 nested=0 longest='' longest_lines=0
  for file in "${java[@]}"; do
    n=$(lines "$file")
    if [ "$n" -gt "$longest_lines" ]; then longest=$(basename "$file") longest_lines=$n; fi
    # google-java-format indents by two spaces a level, so that the indentation tells what a type is nested in.
    read -r t k < <(awk '
      { match($0, /^ */); level = RLENGTH / 2; line = substr($0, RLENGTH + 1) }
      line ~ /^(public |protected |private |static |final |abstract |sealed |non-sealed |strictfp )*(class|interface|enum|record|@interface) [A-Z][A-Za-z0-9_]*/ {
        isPublic = line ~ /(^| )public /
        isInterface = line ~ /(^| )@?interface [A-Z]/
        if (level == 0) { open[0] = isPublic; face[0] = isInterface; if (isPublic) top++ }
        else {
          inherited = face[level - 1] && line !~ /(^| )private /
          open[level] = open[level - 1] && (isPublic || inherited)
          face[level] = isInterface
          if (open[level]) nested++
        }
      }
      END { print top + 0, nested + 0 }' "$file")
    top=$((top + t)) nested=$((nested + k))
  done
  printf '| %s | %s (%s) | %s (%s) | %s (%s) | %s (%s) | %s, %s |\n' "$module" "$java_lines" "$java_code" \
    "$c_lines" "$c_code" "$cuda_lines" "$cuda_code" "$top" "$nested" "$longest" "$longest_lines"
  java_code_sum=$((java_code_sum + java_code)) c_code_sum=$((c_code_sum + c_code))
  cuda_code_sum=$((cuda_code_sum + cuda_code))
  java_sum=$((java_sum + java_lines)) c_sum=$((c_sum + c_lines)) cuda_sum=$((cuda_sum + cuda_lines))
  top_sum=$((top_sum + top)) nested_sum=$((nested_sum + nested))
  if [ "$longest_lines" -gt "$longest_all_lines" ]; then longest_all="$module/$longest" longest_all_lines=$longest_lines; fi
done
printf '| all | %s (%s) | %s (%s) | %s (%s) | %s (%s) | %s, %s |\n' "$java_sum" "$java_code_sum" "$c_sum" "$c_code_sum" \
  "$cuda_sum" "$cuda_code_sum" "$top_sum" "$nested_sum" "$longest_all" "$longest_all_lines"
printf '\nLongest files of all, tests included:\n'
find . \( -name '*.java' -o -name '*.c' -o -name '*.h' -o -name '*.cu' -o -name '*.sh' -o -name '*.py' -o -name '*.js' \) -path '*/src/*' \
  -exec wc -l {} + | grep -v ' total$' | sort -rn | head -n 5 | sed 's|^ *\([0-9]*\) \./|- \1 |'
