#!/usr/bin/env bash
# Follows docs/write-a-backend.md to the letter: makes a project of its blocks, outside this repository's modules, and runs
# the contract with Maven. Works under target/backend-page alone, with a Maven repository there, so that nothing is
# installed into the usual one.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

work=$PWD/target/backend-page
project=$work/project
repository=$work/repository
rm -rf "${project:?}"
mkdir -p "$project" "$repository"

# Copies what the usual repository has, if there is one, to download less; the large libraries are not needed.
usual=${MAVEN_REPOSITORY:-$HOME/.m2/repository}
if [ -d "$usual" ] && [ -z "$(ls -A "$repository")" ]; then
  tar -C "$usual" --exclude=./io/luciole --exclude=./com/microsoft/onnxruntime --exclude=./ai/djl/pytorch -cf - . |
    tar -C "$repository" -xf -
fi

# A line that is only a name in backquotes and a colon names a file; each block behind it continues that file.
awk -v root="$project" '
  /^`[^`]+`:$/ { file = root "/" substr($0, 2, length($0) - 3); next }
  /^```/ { inside = !inside; next }
  inside {
    if (file == "") { print "a block before the first name of a file: " $0 >"/dev/stderr"; exit 1 }
    folder = file; sub("/[^/]*$", "", folder)
    if (!(folder in made)) { system("mkdir -p \"" folder "\""); made[folder] = 1 }
    print >file
  }' docs/write-a-backend.md

./mvnw -B -q -Dmaven.repo.local="$repository" -DskipTests -pl testkit -am install
./mvnw -B -q -Dmaven.repo.local="$repository" -f "$project/pom.xml" test

report=$project/target/surefire-reports/TEST-com.example.StaticBackendTest.xml
read -r tests failed skipped < <(
  sed -n 's/.*<testsuite .*tests="\([0-9]*\)" errors="\([0-9]*\)" skipped="\([0-9]*\)" failures="\([0-9]*\)".*/\1 \2\4 \3/p' \
    "$report"
)
echo "The backend of the page: $tests tests, $skipped skipped."
if [ "$tests" -lt 10 ] || [ "$failed" != 00 ] || [ "$skipped" -gt 3 ]; then
  echo "expected at least 10 tests without failures and at most 3 skipped; see $report" >&2
  exit 1
fi
