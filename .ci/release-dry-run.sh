#!/usr/bin/env bash
# Does what a release does, but for the upload: builds all that is published, with sources, Javadoc, bills of materials and signatures
# by a key that is thrown away, into target/release/staging, a Maven repository. Holds that against Central's rules
# (CheckCentral.java), checks that the check finds what is wrong, and builds once more in another folder: the jars must be the same.
#   --quick   the staging folder alone, without Javadoc, signatures and checks: for ./mvnw verify -Pit -pl it
# Works on copies of the files that git knows, under target/release. Nothing is installed into the usual Maven repository.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null
# shellcheck source=.mvn/find-jdk.sh
. .mvn/find-jdk.sh

checkout=$PWD
work=$checkout/target/release
staging=$work/staging
version=0-dry-run
unpublished='!bench,!examples,!examples/langchain4j-rag,!examples/spring-rag,!server-clients'
rm -rf "${work:?}"
mkdir -p "$work"

# build FOLDER REPOSITORY OPTION...: builds a copy of the checkout in FOLDER and puts what is published into REPOSITORY.
build() {
  local folder=$1 repository=$2
  shift 2
  mkdir -p "$folder"
  git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$folder"
  (cd "$folder" && ./mvnw -B -ntp -q -Prelease,frameworks,spark "-Drevision=$version" -Dmaven.test.skip=true -Dspotless.check.skip=true \
    "-DaltDeploymentRepository=staging::file://$repository" -pl "$unpublished" "$@" verify deploy:deploy)
}

if [ "${1-}" = --quick ]; then
  build "$work/first" "$staging" -Dmaven.javadoc.skip=true -Dgpg.skip=true -Dcyclonedx.skip=true
  exit
fi

signing=-Dgpg.skip=true
if command -v gpg >/dev/null; then
  signing=-Dgpg.skip=false
  # Not beneath the checkout: gpg's agent has a socket there, whose path must be short.
  GNUPGHOME=$(mktemp -d)
  export GNUPGHOME
  trap 'gpgconf --kill all; rm -rf "${GNUPGHOME:?}"' EXIT
  gpg --batch --quiet --passphrase '' --quick-generate-key 'Luciole dry run (thrown away) <nobody@example.com>' ed25519 sign 1d
else
  echo 'There is no gpg: nothing is signed, and the missing signatures are no findings.'
fi

build "$work/first" "$staging" "$signing"

check() { "$JAVA_HOME/bin/java" .ci/CheckCentral.java "$1" "$checkout"; }

# Findings that are none where nothing can be signed.
known() { if [ "$signing" = -Dgpg.skip=true ]; then grep -v 'has no signature ' || true; else cat; fi; }

echo "Central's rules:"
check "$staging" | known | tee "$work/findings" || true
[ "$(wc -l <"$work/findings")" -eq 1 ]
grep -q '^[1-9][0-9]* artifacts' "$work/findings"
if [ "$signing" = -Dgpg.skip=false ]; then
  [ -n "$(find "$staging" -name '*.asc')" ]
  find "$staging" -name '*.asc' -print0 | while IFS= read -r -d '' signature; do
    gpg --batch --quiet --verify "$signature" "${signature%.asc}" 2>/dev/null || { echo "not a good signature: $signature"; exit 1; }
  done
fi

echo 'The check finds what is wrong:'
core=$staging/io/luciole/luciole-core/$version/luciole-core-$version
# wrong EXPECTED COMMAND...: what the check says once COMMAND has spoilt the staging folder, which is then put right again.
wrong() {
  local expected=$1
  shift
  cp -R "$staging/io/luciole/luciole-core" "$work/kept"
  "$@"
  check "$staging" >"$work/spoilt" && { echo "no finding: $expected"; exit 1; }
  grep -F "$expected" "$work/spoilt" | head -n 1
  grep -qF "$expected" "$work/spoilt"
  rm -rf "${staging:?}/io/luciole/luciole-core"
  mv "$work/kept" "$staging/io/luciole/luciole-core"
}
spoil() { sed "$1" "$core.pom" >"$work/pom" && mv "$work/pom" "$core.pom"; }
# A class of a JDK newer than 21, and no licence: the jar of somebody who builds by hand.
own_jar() {
  printf 'class A {}' >"$work/A.java"
  "$JAVA_HOME/bin/javac" -d "$work" "$work/A.java"
  printf '\312\376\272\276\0\0\0\106' | dd of="$work/A.class" conv=notrunc 2>/dev/null
  "$JAVA_HOME/bin/jar" --create --file "$core.jar" -C "$work" A.class
}
wrong 'its POM has no <scm><url>' spoil '/<scm/,/<\/scm>/d'
wrong 'is a snapshot' mv "${core%/*}" "$staging/io/luciole/luciole-core/1-SNAPSHOT"
wrong 'has no luciole-core-'"$version"'-javadoc.jar' rm "$core-javadoc.jar"
wrong 'has no signature' rm -f "$core.jar.asc"
wrong '.jar.sha1: expected' cp "$core.pom.sha1" "$core.jar.sha1"
wrong 'its POM has <repositories>' spoil 's|</project>|<repositories/></project>|'
wrong 'a property that is not replaced' spoil 's|<name>.*</name>|<name>${project.name}</name>|'
wrong 'expected the version of a release' spoil 's|<version>2.0.17</version>|<version>2.0.17-SNAPSHOT</version>|'
wrong 'has no META-INF/LICENSE' own_jar
wrong 'expected at most 65, Java 21' own_jar
wrong 'says no @API status' own_jar
wrong 'is not staged' rm -r "${core%/*}"

echo 'The same build in another folder:'
build "$work/second folder" "$work/again" -Dgpg.skip=true
jars=0
while IFS= read -r -d '' jar; do
  cmp "$jar" "$work/again${jar#"$staging"}"
  jars=$((jars + 1))
done < <(find "$staging" \( -name '*.jar' -o -name '*.pom' -o -name '*-cyclonedx.json' \) -print0)
[ "$jars" -gt 30 ]
echo "$jars jars, POMs and bills of materials are the same in every byte."
rm -rf "$work/second folder" "$work/again"
