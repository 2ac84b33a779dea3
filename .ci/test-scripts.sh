#!/usr/bin/env bash
# Tests of luciole, mvnw and .mvn/find-jdk.sh on fake JDKs, a fake Maven and a fake build, and of .mvn/Launcher.java on a
# JDK if there is one. Takes seconds, needs no network, and writes only under a temporary directory. TEST_SH names the sh to test with.
# shellcheck disable=SC2016 # the fakes' own variables
set -euo pipefail
cd "$(dirname "$0")/.."
checkout=$PWD
sh=$(command -v "${TEST_SH:-sh}")

# Everything below writes to and removes $tmp/...: it must be a new directory, never "" and never this one.
tmp=$(mktemp -d)
tmp=$(cd "${tmp:?no temporary directory}" && pwd -P)
if [ "$tmp" = / ] || [ "$tmp" = "$checkout" ] || [ -n "$(ls -A "$tmp")" ]; then
  echo "not a new temporary directory: $tmp" >&2
  exit 1
fi
trap 'rm -rf "${tmp:?}"' EXIT
passed=0 failed=0

ok() { passed=$((passed + 1)); }

ko() {
  failed=$((failed + 1))
  printf 'FAILED: %s\n' "$1"
  shift
  printf '    %s\n' "$@"
}

# equal NAME EXPECTED FOUND
equal() { if [ "$2" = "$3" ]; then ok; else ko "$1" "expected: $2" "found:    $3"; fi; }

# has NAME PART WHOLE
has() { case $3 in *"$2"*) ok ;; *) ko "$1" "expected to contain: $2" "found: $3" ;; esac; }

# A PATH with the utilities that the scripts use and no java, javac or mvn.
mkdir "$tmp/bin"
for tool in ls cat grep rm mv cp mkdir rmdir ln readlink dirname basename find sort cksum tail sleep uname kill tr \
  mktemp sha256sum shasum perl chmod env tar; do
  if path=$(command -v "$tool") && [ -x "$path" ]; then ln -s "$path" "$tmp/bin/$tool"; fi
done
ln -s "$sh" "$tmp/bin/sh"

# script FILE: makes FILE an executable of standard input.
script() {
  cat >"$1"
  chmod +x "$1"
}

# jdk HOME VERSION: a JDK whose java prints where it was started and with what, an argument a line.
jdk() {
  mkdir -p "$1/bin" "$1/lib"
  printf 'IMPLEMENTOR="Test"\nJAVA_VERSION="%s"\nOS_NAME="Linux"\n' "$2" >"$1/release"
  script "$1/bin/java" <<'JAVA'
#!/bin/sh
for argument; do
  case $argument in
  -XX:ArchiveClassesAtExit=*) echo archive >"${argument#*=}" ;;
  esac
done
echo "cwd $PWD"
echo "home $JAVA_HOME"
echo "locale ${LC_ALL-} ${LC_CTYPE-}"
printf '<%s>\n' "$@"
JAVA
  cp "$1/bin/java" "$1/bin/javac"
}

# ---------------------------------------------------------------- find-jdk.sh

printf 'set -eu\n. "%s/.mvn/find-jdk.sh"\nprintf "%%s\\n" "$JAVA_HOME"\n' "$checkout" >"$tmp/find.sh"

# found ROOT [VARIABLE=VALUE]...: what find-jdk.sh selects with ROOT as the machine; status and messages where it refuses.
found() {
  local root=$1 out status=0
  shift
  out=$(env -i PATH="$tmp/bin" HOME="$root/home/me" LUCIOLE_TEST_ROOT="$root" "$@" "$tmp/bin/sh" "$tmp/find.sh" 2>&1) || status=$?
  out=${out//"$root"/}
  if [ "$status" -eq 0 ]; then printf '%s' "$out"; else printf 'status %s: %s' "$status" "$out"; fi
}

m="$tmp/a machine"
remedy="(looked at JAVA_HOME, PATH, /usr/lib/jvm, SDKMAN, Homebrew): install one, for instance with 'apt install openjdk-21-jdk', 'brew install openjdk@21' or 'sdk install java 21-tem', or set JAVA_HOME."

mkdir -p "$m/home/me"
equal 'no JDK: one sentence with the remedy' "status 1: luciole needs a JDK 21 or later and found none $remedy" "$(found "$m")"

jdk "$m/usr/lib/jvm/java-17" 17.0.15
jdk "$m/usr/lib/jvm/java-8" 1.8.0_432
ln -s java-17 "$m/usr/lib/jvm/default"
equal 'only older ones: named, each once' "status 1: luciole needs a JDK 21 or later and found only 17, 8 $remedy" \
  "$(found "$m" JAVA_HOME="$m/usr/lib/jvm/java-17")"

jdk "$m/opt/jre" 21.0.1
rm "$m/opt/jre/bin/javac"
has 'a JRE is not enough' 'found only 21 without its compiler, 17, 8 (' "$(found "$m" JAVA_HOME="$m/opt/jre")"
has 'a JAVA_HOME that is nothing is passed over' 'found only 17, 8 (' "$(found "$m" JAVA_HOME="$m/nowhere")"

jdk "$m/usr/lib/jvm/java-21" 21.0.9
equal 'JAVA_HOME too old: passed over' /usr/lib/jvm/java-21 "$(found "$m" JAVA_HOME="$m/usr/lib/jvm/java-17")"

jdk "$m/home/me/.sdkman/candidates/java/21.0.10-tem" 21.0.10
equal 'versions compare as numbers, 21.0.10 > 21.0.9' /home/me/.sdkman/candidates/java/21.0.10-tem "$(found "$m")"
jdk "$m/usr/lib/jvm/java-21-other" 21.0.10.1
equal 'of equal versions the first place' /usr/lib/jvm/java-21-other "$(found "$m")"
equal 'the same again' /usr/lib/jvm/java-21-other "$(found "$m")"

# Each place is looked at, and the highest version wins wherever it stands.
version=22
for place in usr/lib64/jvm/x usr/java/jdk-x usr/local/openjdk-x opt/java/openjdk opt/jdk-x opt/openjdk-bin-x \
  home/me/.sdkman/candidates/java/x home/me/.jdks/x home/me/.asdf/installs/java/x home/me/.local/share/mise/installs/java/x \
  opt/homebrew/opt/openjdk@x/libexec/openjdk.jdk/Contents/Home usr/local/opt/openjdk/libexec/openjdk.jdk/Contents/Home \
  home/linuxbrew/.linuxbrew/opt/openjdk@x/libexec home/linuxbrew/.linuxbrew/opt/openjdk \
  Library/Java/JavaVirtualMachines/x/Contents/Home home/me/Library/Java/JavaVirtualMachines/x/Contents/Home; do
  jdk "$m/$place" "$version"
  equal "found in $place" "/$place" "$(found "$m")"
  version=$((version + 1))
done
jdk "$m/sdk man/candidates/java/x" 99
equal 'SDKMAN_DIR' '/sdk man/candidates/java/x' "$(found "$m" SDKMAN_DIR="$m/sdk man")"
equal 'JAVA_HOME comes first' /usr/lib/jvm/java-21 "$(found "$m" JAVA_HOME="$m/usr/lib/jvm/java-21")"

# On the PATH, behind two links, one of them relative.
mkdir -p "$m/usr/bin" "$m/etc/alternatives"
ln -s ../../etc/alternatives/java "$m/usr/bin/java"
ln -s "$m/usr/lib/jvm/java-21/bin/java" "$m/etc/alternatives/java"
equal 'java on the PATH before the usual places' /usr/lib/jvm/java-21 "$(found "$m" PATH="$m/usr/bin:$tmp/bin")"
equal 'JAVA_HOME before the PATH' /opt/jdk-x "$(found "$m" PATH="$m/usr/bin:$tmp/bin" JAVA_HOME="$m/opt/jdk-x")"
ln -sf "$m/usr/lib/jvm/java-17/bin/java" "$m/etc/alternatives/java"
ln -s "$m/usr/lib/jvm/java-21/bin/javac" "$m/usr/bin/javac"
equal 'an older java on the PATH, a newer javac' /usr/lib/jvm/java-21 "$(found "$m" PATH="$m/usr/bin:$tmp/bin")"
mkdir -p "$m/shims"
printf '#!/bin/sh\necho "    java.home = %s" >&2\necho "    java.io.tmpdir = /tmp" >&2\n' "$m/opt/jdk-x" | script "$m/shims/java"
equal 'a shim on the PATH is asked' /opt/jdk-x "$(found "$m" PATH="$m/shims:$tmp/bin")"

# No release file: the JVM is asked.
n="$tmp/n"
jdk "$n/usr/lib/jvm/x" 0
rm "$n/usr/lib/jvm/x/release"
printf '#!/bin/sh\necho "openjdk version \\"25-ea\\" 2025-09-16" >&2\n' | script "$n/usr/lib/jvm/x/bin/java"
equal 'no release file: java -version' /usr/lib/jvm/x "$(found "$n")"
printf '#!/bin/sh\nexit 1\n' | script "$n/usr/lib/jvm/x/bin/java"
has 'a broken java is passed over' 'found none' "$(found "$n")"
mkdir -p "$n/usr/libexec"
printf '#!/bin/sh\n[ "$*" = "-v 21+" ] && echo "%s"\n' "$m/opt/jdk-x" | script "$n/usr/libexec/java_home"
equal 'java_home of macOS is asked last' "$m/opt/jdk-x" "$(found "$n")"

# ------------------------------------------------------------------- luciole

copy="$tmp/a check out"
mkdir -p "$copy/core/src/main/java" "$copy/cli" "$tmp/elsewhere dir"
cp luciole "$copy"
cp -R .mvn "$copy/.mvn"
touch "$copy/pom.xml" "$copy/cli/pom.xml"
echo 1 >"$copy/core/src/main/java/A.java"
echo 1 >"$copy/core/src/main/java/B b.java"
script "$copy/mvnw" <<'MVNW'
#!/bin/sh
# A build that counts itself, and is slow or fails when it is told to.
echo build >>builds
echo "$*" >options
[ ! -e slow ] || sleep 2
if [ -e broken ]; then echo '[ERROR] A.java is broken'; exit 1; fi
mkdir -p cli/target/luciole.new/lib
echo jar >cli/target/luciole.new/lib/luciole-cli-1.jar
echo jar >"cli/target/luciole.new/lib/dep-$(cat core/src/main/java/A.java).jar"
MVNW

# luciole ARGUMENT...: output in $out, messages in $err, status in $status. SETTING is a VARIABLE=VALUE for it.
launcher="$copy/luciole"
luciole() {
  status=0
  (cd "$tmp/elsewhere dir" && env -i PATH="$tmp/bin" HOME="$tmp/home" JAVA_HOME="$m/opt/jdk-x" \
    ${SETTING:+"$SETTING"} "$launcher" "$@") >"$tmp/out" 2>"$tmp/err" || status=$?
  out=$(cat "$tmp/out") err=$(cat "$tmp/err")
}
builds() { wc -l <"$copy/builds" | tr -d ' '; }
lib="$copy/cli/target/luciole/lib"

luciole embed 'two words' '*' ''
equal 'first run builds' 1 "$(builds)"
equal 'first run: status' 0 "$status"
equal 'first run: one line' 1 "$(wc -l <"$tmp/err" | tr -d ' ')"
has 'first run: the reason' 'luciole: building, because nothing is built yet' "$err"
has 'runs in the directory of the caller' "cwd $tmp/elsewhere dir" "$out"
has 'runs with the JDK found' "home $m/opt/jdk-x" "$out"
has 'arguments arrive as they were given' $'<io.luciole.cli.Main>\n<embed>\n<two words>\n<*>\n<>' "$out"
has 'the class path is the assembled folder' "<$lib/dep-1.jar:$lib/luciole-cli-1.jar>" "$out"
has 'the vector module' $'<--add-modules>\n<jdk.incubator.vector>' "$out"
has 'the archive of classes' "<-XX:SharedArchiveFile=$copy/cli/target/luciole/classes.jsa>" "$out"

SETTING=LUCIOLE_JAVA_OPTS=-Dmine=1 luciole serve
has 'the server is collected in short pauses, unless the caller says otherwise' $'<-XX:MaxGCPauseMillis=40>\n<-Dmine=1>' "$out"

luciole
equal 'second run does not build' 1 "$(builds)"
equal 'second run says nothing' '' "$err"
has 'the C locale becomes UTF-8' 'locale  C.UTF-8' "$out"
SETTING=LC_ALL=POSIX luciole
has 'and where LC_ALL says it' 'locale C.UTF-8 C.UTF-8' "$out"
SETTING=LANG=fr_FR.ISO-8859-1 luciole
equal 'any other locale stays' 'locale  ' "$(grep '^locale' "$tmp/out")"
script "$tmp/bin/locale" <<'LOCALE'
#!/bin/sh
[ "$1" = charmap ] && echo ANSI_X3.4-1968
LOCALE
SETTING=LC_ALL=de_DE.UTF-8 luciole
has 'a locale that is not installed becomes UTF-8' 'locale C.UTF-8 C.UTF-8' "$(cat "$tmp/out")"
rm "$tmp/bin/locale"

touch "$copy/core/src/main/java/A.java"
echo draft >"$copy/core/src/main/java/A.java~"
echo swap >"$copy/core/src/main/java/.A.java.swp"
luciole
equal "no build when only a time changed or an editor's file appeared" 1 "$(builds)"

echo 2 >"$copy/core/src/main/java/A.java"
touch -t 200001010000 "$copy/core/src/main/java/A.java"
luciole
equal 'builds when a source changed, whatever its time' 2 "$(builds)"
has 'says why' 'because the sources changed since the last build' "$err"
has 'no jar of the former build stays' "<$lib/dep-2.jar:$lib/luciole-cli-1.jar>" "$out"
equal 'no folder of the former build stays' luciole/ "$(cd "$copy/cli/target" && echo luciole*/)"

rm "$copy/core/src/main/java/B b.java"
luciole
equal 'builds when a source was deleted' 3 "$(builds)"
mkdir -p "$copy/examples/corpus"
echo '{}' >"$copy/examples/corpus/corpus.jsonl"
luciole
equal 'builds when a corpus file was added' 4 "$(builds)"

touch "$copy/broken"
echo 3 >"$copy/core/src/main/java/A.java"
luciole search x
equal 'a failed build: status' 1 "$status"
has 'a failed build: its last lines' '[ERROR] A.java is broken' "$err"
has 'a failed build: the log' "$copy/cli/target/luciole-build.log" "$err"
equal 'a failed build: nothing runs' '' "$out"
equal 'a failed build: the lock is free' no "$(if [ -h "$copy/cli/target/luciole.lock" ]; then echo yes; else echo no; fi)"
rm "$copy/broken"
luciole
equal 'builds again after a failed build' 6 "$(builds)"
equal 'and runs' 0 "$status"

# Links: a relative one behind an absolute one.
mkdir -p "$tmp/home/bin"
ln -s "../../a check out/luciole" "$tmp/home/bin/luciole"
ln -s "$tmp/home/bin/luciole" "$tmp/home/bin/lu"
launcher="$tmp/home/bin/lu"
luciole x
equal 'through links: status' 0 "$status"
has 'through links: the checkout' "<$lib/dep-3.jar:" "$out"
launcher="$copy/luciole"

SETTING='LUCIOLE_JAVA_OPTS=-Xmx8g  -Dx=*' luciole x
has 'LUCIOLE_JAVA_OPTS' $'<-Xmx8g>\n<-Dx=*>' "$out"

has 'no other profile' '-Plauncher -pl cli' "$(cat "$copy/options")"
cp -R "$copy/cli/target" "$tmp/target"
cp "$copy/builds" "$tmp/builds"
SETTING='LUCIOLE_PROFILES=djl' luciole x
equal 'another profile builds' 7 "$(builds)"
has 'LUCIOLE_PROFILES' '-Plauncher,djl -pl cli' "$(cat "$copy/options")"
SETTING='LUCIOLE_PROFILES=djl' luciole x
equal 'the same profile does not' 7 "$(builds)"
rm -rf "$copy/cli/target"
mv "$tmp/target" "$copy/cli/target"
mv "$tmp/builds" "$copy/builds"

echo /another/jdk >"$copy/cli/target/luciole/jdk"
luciole x
equal "another JDK's archive is not used" '' "$(grep classes.jsa "$tmp/out" || true)"

# A lock whose owner is gone.
sleep 0 &
gone=$!
wait "$gone"
echo 4 >"$copy/core/src/main/java/A.java"
ln -s "$(uname -n):$gone" "$copy/cli/target/luciole.lock"
luciole x
equal 'a stale lock is taken over' 7 "$(builds)"

# Three at once, after one that was killed.
touch "$copy/slow"
echo 5 >"$copy/core/src/main/java/A.java"
ln -s "$(uname -n):$gone" "$copy/cli/target/luciole.lock"
pids=
for i in 1 2 3; do
  env -i PATH="$tmp/bin" HOME="$tmp/home" JAVA_HOME="$m/opt/jdk-x" "$launcher" "$i" >"$tmp/out$i" 2>"$tmp/err$i" &
  pids="$pids $!"
done
all=0
for pid in $pids; do wait "$pid" || all=1; done
equal 'three at once: one builds' 8 "$(builds)"
equal 'three at once: all run' 0 "$all"
equal 'three at once: the others say that they wait, once' '0 1 1 ' \
  "$(for i in 1 2 3; do grep -c 'is building; waiting for it' "$tmp/err$i" || true; done | sort | tr '\n' ' ')"
for i in 1 2 3; do has "three at once: run $i has the new build" "<$lib/dep-5.jar:" "$(cat "$tmp/out$i")"; done

# Stopped while it builds: the lock goes.
echo 6 >"$copy/core/src/main/java/A.java"
env -i PATH="$tmp/bin" HOME="$tmp/home" JAVA_HOME="$m/opt/jdk-x" "$launcher" x >"$tmp/out" 2>"$tmp/err" &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -h "$copy/cli/target/luciole.lock" ] || sleep 0.1; done
kill -TERM "$pid"
status=0
wait "$pid" 2>/dev/null || status=$?
equal 'stopped while it builds: status' 143 "$status"
equal 'stopped while it builds: the lock is free' no "$(if [ -h "$copy/cli/target/luciole.lock" ]; then echo yes; else echo no; fi)"
rm "$copy/slow"
luciole x
has 'and the next run builds' "<$lib/dep-6.jar:" "$out"

# No JDK: the sentence, and no build.
status=0
err=$(env -i PATH="$tmp/bin" HOME="$tmp/home" LUCIOLE_TEST_ROOT="$tmp/nothing" "$launcher" demo 2>&1) || status=$?
equal 'luciole without a JDK: status' 1 "$status"
equal 'luciole without a JDK: the sentence' "luciole needs a JDK 21 or later and found none $remedy" "$err"

# ---------------------------------------------------------------------- mvnw

cp mvnw "$copy"
# maven VERSION [NAME]: a Maven on the PATH, whose jar says NAME.
maven() {
  rm -rf "$tmp/maven"
  mkdir -p "$tmp/maven/home/bin" "$tmp/maven/home/lib" "$tmp/maven/bin"
  touch "$tmp/maven/home/lib/maven-core-${2-$1}.jar"
  printf '#!/bin/sh\n[ "$1" != --version ] || { echo "Apache Maven %s (x)"; exit; }\necho "path %s $JAVA_HOME $*"\n' \
    "$1" "$1" | script "$tmp/maven/home/bin/mvn"
  ln -s ../home/bin/mvn "$tmp/maven/bin/mvn"
}
# mvnw [VARIABLE=VALUE]...: what it prints.
mvnw() {
  (cd "$copy" && env -i PATH="$tmp/maven/bin:$tmp/bin" HOME="$tmp/home" JAVA_HOME="$m/opt/jdk-x" \
    MAVEN_USER_HOME="$tmp/m 2" "$@" ./mvnw 'a b' verify 2>&1) || true
}

# The download: a Maven that prints itself, handed out by a curl of our own. There is no unzip on this PATH, so mvnw
# unpacks with the JDK's jar; tar stands for that, and the archive is one of tar's.
properties=.mvn/wrapper/maven-wrapper.properties
url=$(sed -n 's/^distributionUrl=//p' "$properties")
pinned=${url##*/apache-maven-}
pinned=${pinned%-bin.zip}
mkdir -p "$tmp/fake/apache-maven-$pinned/bin"
printf '#!/bin/sh\necho "pinned %s $JAVA_HOME $*"\n' "$pinned" >"$tmp/fake/apache-maven-$pinned/bin/mvn"
(cd "$tmp/fake" && tar cf "$tmp/fake.zip" "apache-maven-$pinned")
sum=$({ sha256sum "$tmp/fake.zip" 2>/dev/null || shasum -a 256 "$tmp/fake.zip"; } | sed 's/ .*//')
printf '#!/bin/sh\n[ "$1" = xf ] && exec tar xf "$2"\n' | script "$m/opt/jdk-x/bin/jar"
script "$tmp/bin/curl" <<CURL
#!/bin/sh
while [ \$# -gt 0 ]; do
  case \$1 in -o) to=\$2; shift ;; http*) echo "\$1" >>"$tmp/fetched" ;; esac
  shift
done
cp "$tmp/fake.zip" "\$to"
CURL

for version in 3.8.6 3.8.7 3.8.10 3.9.0 3.9.11 3.10.1; do
  maven "$version"
  equal "Maven $version on the PATH is used, with the JDK found" "path $version $m/opt/jdk-x a b verify" "$(mvnw)"
done
maven 3.8.7 3.x
equal 'a Maven whose jar names no version is asked' "path 3.8.7 $m/opt/jdk-x a b verify" "$(mvnw)"

has 'what does not fit the checksum is refused' 'Failed to validate Maven distribution SHA-256' "$(mvnw LUCIOLE_MVN=wrapper)"
sed "s/^distributionSha256Sum=.*/distributionSha256Sum=$sum/" "$properties" >"$copy/$properties"
for version in 3.6.3 3.8.5 4.0.0-rc-4; do
  maven "$version"
  equal "Maven $version is not used" "pinned $pinned $m/opt/jdk-x a b verify" "$(mvnw)"
done
maven 3.9.9
rm -rf "$tmp/m 2" "$tmp/fetched"
equal 'LUCIOLE_MVN=wrapper forces the pinned one' "pinned $pinned $m/opt/jdk-x a b verify" "$(mvnw LUCIOLE_MVN=wrapper)"
equal 'it comes from the address pinned' "$url" "$(cat "$tmp/fetched")"
equal 'and is kept' "pinned $pinned $m/opt/jdk-x a b verify" "$(mvnw LUCIOLE_MVN=wrapper)"
equal 'fetched once' 1 "$(wc -l <"$tmp/fetched" | tr -d ' ')"
rm -rf "$tmp/m 2" "$tmp/fetched"
equal 'MVNW_REPOURL forces it too' "pinned $pinned $m/opt/jdk-x a b verify" "$(mvnw MVNW_REPOURL=http://mirror.test/maven)"
equal 'and it comes from there, by the path of a repository' \
  "http://mirror.test/maven/org/apache/maven/apache-maven/$pinned/apache-maven-$pinned-bin.zip" "$(cat "$tmp/fetched")"
equal 'mvnw without a JDK: the sentence' "luciole needs a JDK 21 or later and found none $remedy" \
  "$(mvnw PATH="$tmp/bin" JAVA_HOME='' LUCIOLE_TEST_ROOT="$tmp/nothing")"

# --------------------------------------------- Launcher.java, for luciole.cmd

# The launcher is run by a real JDK, if this machine has one; the build is a fake whose jar prints what it was called with.
if jdk=$(. .mvn/find-jdk.sh 2>/dev/null && printf '%s' "$JAVA_HOME"); then
  own="$tmp/for windows"
  mkdir -p "$own/.mvn" "$own/cli" "$own/core/src/main/java" "$own/made"
  cp .mvn/Launcher.java "$own/.mvn"
  touch "$own/pom.xml"
  cat >"$own/made/Main.java" <<'JAVA'
package io.luciole.cli;

public class Main {
  public static void main(String[] arguments) {
    System.out.println(String.join("|", arguments) + " by " + System.getenv("LUCIOLE_COMMAND") + " with " + System.getProperty("x"));
    System.exit(arguments.length);
  }
}
JAVA
  "$jdk/bin/javac" -d "$own/made" "$own/made/Main.java"
  "$jdk/bin/jar" --create --file "$own/made/cli.jar" -C "$own/made" io
  script "$own/mvnw" <<'MVNW'
#!/bin/sh
echo "$*" >>builds
if [ -e broken ]; then echo '[ERROR] A.java is broken'; exit 1; fi
mkdir -p cli/target/luciole.new/lib
cp made/cli.jar cli/target/luciole.new/lib
MVNW

  # launched ARGUMENT...: output in $out, messages in $err, status in $status.
  launched() {
    status=0
    (cd "$tmp/elsewhere dir" && env LUCIOLE_PROFILES=djl LUCIOLE_JAVA_OPTS=' -Dx=1  -Dy=2' "$jdk/bin/java" -Dluciole.command=luciole.cmd \
      "-Dluciole.checkout=$own/." "$own/.mvn/Launcher.java" "$@") >"$tmp/out" 2>"$tmp/err" || status=$?
    out=$(cat "$tmp/out") err=$(grep -v incubator "$tmp/err" || true)
  }
  launched embed 'two words' '*'
  equal 'Launcher: arguments, options, the name of the command' 'embed|two words|* by luciole.cmd with 1' "$out"
  equal 'Launcher: the status is the command'"'"'s' 3 "$status"
  has 'Launcher: builds, and says why' 'building, because nothing is built yet' "$err"
  equal 'Launcher: the profiles of the build' '-q -B -Plauncher,djl -pl cli -am package' "$(cat "$own/builds")"
  touch "$own/pom.xml"
  echo swap >"$own/core/src/main/java/.A.swp"
  launched
  equal 'Launcher: nothing changed, nothing is built' '1 ' "$(wc -l <"$own/builds" | tr -d ' ') $err"
  echo 1 >"$own/core/src/main/java/A.java"
  touch "$own/broken"
  launched x
  equal 'Launcher: a failed build: status, and nothing runs' '1 ' "$status $out"
  has 'Launcher: a failed build: its last lines' '[ERROR] A.java is broken' "$err"
  rm "$own/broken"
  launched x
  equal 'Launcher: builds again after a failed build' 'x by luciole.cmd with 1' "$out"
fi

# --------------------------------------------------------------------- style

if command -v shellcheck >/dev/null; then
  if complaints=$(shellcheck -x luciole .mvn/find-jdk.sh .ci/run .ci/test-scripts.sh .ci/release-dry-run.sh 2>&1); then
    ok
  else
    ko shellcheck "$complaints"
  fi
fi

printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
